/** Branches and tags made, moved and deleted through the API: no objects, the same judge and the same ref move. */
import type { EventData, Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { moveRefs, type RefMove, type RefMoveResult } from '../../platform/git/refs.ts'
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
    const opened = await openMoves(hub, repoId, moves, (move) => describeMove(hub, allowed, origin, move, data))
    const result = await moveRefs(hub.git, repoId, moves).catch((error: unknown) => {
      throw inOurWords(error)
    })
    await settleMoves(
      hub,
      repoId,
      opened.map((move) => ({ move, hasMoved: result.ok })),
      [],
    )
    return result
  })
}
