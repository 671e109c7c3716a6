/** Branches and tags made, moved and deleted through the API: no objects, the same judge and the same ref move. */
import type { EventData, Origin } from '../../domain/event.ts'
import { lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findPaths, smallBlobs } from '../../platform/git/reachable.ts'
import { listRefs, moveRefs, type RefMove, type RefMoveResult, readableRefs } from '../../platform/git/refs.ts'
import { isOid, zeroOid } from '../../platform/git/safe-names.ts'
import { describeMove } from './describe-move.ts'
import { inOurWords } from './git-words.ts'
import { Judgement } from './judge.ts'
import { openMoves, settleMoves } from './ref-move.ts'
import { inTurn } from './turns.ts'

/**
 * Moves all refs or none, durable and settled when it returns. A lost race is in the result: `stale` (the ref holds
 * something else, or exists), `name-conflict` (`a` beside `a/b`). Throws `invalid_ref_name` and `cannot_delete_main`.
 */
export async function changeRefs(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  moves: readonly RefMove[],
  data: EventData = { via: 'api' },
): Promise<RefMoveResult> {
  const repoId = allowed.resource.id
  const judgement = new Judgement(hub, repoId)
  for (const move of moves) judgement.move(move)
  const [fault] = judgement.faultsSoFar
  if (fault) throw fault.error([])
  return inTurn(repoId, async () => {
    await judgeForgotten(hub, repoId, moves, judgement)
    const opened = await openMoves(hub, repoId, moves, (move) => describeMove(hub, allowed, origin, move, data))
    const result = await moveRefs(hub.git, repoId, moves).catch((error: unknown) => {
      throw inOurWords(error)
    })
    await settleMoves(
      hub,
      repoId,
      opened.map((move) => ({ move, hasMoved: result.ok })),
      judgement.largeFiles,
    )
    return result
  })
}

/** A commit that no ref leads to any more may be named again: its large files must still be there, and count as named from then on. */
async function judgeForgotten(
  hub: Hub,
  repoId: string,
  moves: readonly RefMove[],
  judgement: Judgement,
): Promise<void> {
  const wanted = moves.map((move) => move.newOid).filter((oid) => oid !== zeroOid)
  if (wanted.length === 0) return
  const tips = new Set((await listRefs(hub.git, repoId, readableRefs)).map((ref) => ref.oid))
  const include = wanted.filter((oid) => !tips.has(oid))
  if (include.length === 0) return
  const reach = { include, exclude: [...tips] }
  for await (const blob of smallBlobs(hub.git, repoId, reach, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer) judgement.pointer(blob.oid, pointer)
  }
  const [fault] = await judgement.conclude()
  if (fault === undefined) return
  const paths = await findPaths(hub.git, repoId, reach, new Set(fault.places.filter(isOid)), {})
  throw fault.error(fault.places.map((place) => paths.get(place) || place))
}
