/**
 * How a ref moves so that ref, event, jobs and links never disagree. First the intent, durably; then the ref, by
 * compare-and-swap; then one transaction that writes what follows and removes the intent. Whoever finds an open intent
 * asks the ref whether it moved: refs are the truth. Everything here happens in the repo's turn.
 */

import { lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { EventTable, RefIntentTable } from '../../platform/db/schema.ts'
import { smallBlobs } from '../../platform/git/reachable.ts'
import { type RefMove, readRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { writeEventOnce } from '../audit/service.ts'
import { enqueueIndexing } from '../repos/service.ts'
import { markReferenced } from '../storage/service.ts'
import { deleteIntent, insertIntents, selectOpenIntents, updateRepoHead } from './queries.ts'

const mainRef = 'refs/heads/main'
/** Payload of the `ref-moved` job: one for each move that happened. */
export interface RefMoved {
  readonly repoId: string
  readonly ref: string
  readonly oldOid: string
  readonly newOid: string
  readonly eventId: string
  readonly [key: string]: string
}

export interface OpenMove extends RefMove {
  /** Id of the intent and of the event. */
  readonly id: string
  readonly event: EventTable
}

/** Writes the intents of a change, after settling what an earlier failure left open. In the repo's turn. */
export async function openMoves(
  hub: Hub,
  repoId: string,
  moves: readonly RefMove[],
  describe: (move: RefMove) => EventTable,
): Promise<OpenMove[]> {
  await settleOpen(hub, repoId)
  const opened = moves.map((move) => {
    const event = describe(move)
    return { ...move, id: event.id, event }
  })
  const now = hub.clock.now()
  await hub.transaction((tx) =>
    insertIntents(
      tx,
      opened.map((move) => toRow(repoId, move, now)),
    ),
  )
  return opened
}

/** Writes what follows from the moves that happened and forgets the others. Idempotent: a second time changes nothing. */
export async function settleMoves(
  hub: Hub,
  repoId: string,
  moves: readonly { move: OpenMove; hasMoved: boolean }[],
  largeFiles: readonly string[],
): Promise<void> {
  if (moves.length === 0) return
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    let moved = 0
    for (const { move, hasMoved } of moves) {
      if (!(await deleteIntent(tx, move.id)) || !hasMoved) continue
      await writeConsequences(tx, repoId, move, now)
      moved++
    }
    if (moved > 0 && largeFiles.length > 0) await markReferenced(tx, repoId, largeFiles, now)
  })
}

/** Which of the moves happened, by what the refs hold now. */
export async function readOutcome(
  hub: Hub,
  repoId: string,
  moves: readonly OpenMove[],
): Promise<{ move: OpenMove; hasMoved: boolean }[]> {
  const held = await readRefs(
    hub.git,
    repoId,
    moves.map((move) => move.ref),
  )
  return moves.map((move, index) => ({ move, hasMoved: (held[index] ?? zeroOid) === move.newOid }))
}

/** Settles what a crash or a lost database left open in a repo. Nothing else may be moving its refs. */
export async function settleOpen(hub: Hub, repoId: string): Promise<number> {
  const rows = await selectOpenIntents(hub.db, repoId)
  if (rows.length === 0) return 0
  const moves = rows.map(fromRow)
  const exists = await hasRepository(hub.git, repoId)
  const outcome = exists ? await readOutcome(hub, repoId, moves) : moves.map((move) => ({ move, hasMoved: false }))
  const largeFiles = await findLargeFiles(
    hub,
    repoId,
    outcome.flatMap((item) => (item.hasMoved ? [item.move] : [])),
  )
  await settleMoves(hub, repoId, outcome, largeFiles)
  hub.log.info(
    { repoId, moves: outcome.map((item) => ({ ref: item.move.ref, hasMoved: item.hasMoved })) },
    'Settled open ref moves',
  )
  return moves.length
}

async function writeConsequences(tx: Tx, repoId: string, move: OpenMove, now: number): Promise<void> {
  await writeEventOnce(tx, move.event)
  const isMain = move.ref === mainRef
  const headCommit = move.newOid === zeroOid ? null : move.newOid
  await updateRepoHead(tx, repoId, isMain ? { updatedAt: now, headCommit } : { updatedAt: now })
  if (isMain && headCommit !== null) await enqueueIndexing(tx, repoId)
  const { ref, oldOid, newOid, id } = move
  await enqueue(tx, 'ref-moved', { repoId, ref, oldOid, newOid, eventId: id } satisfies RefMoved)
}

/** The judge knew the large files of a change; whoever settles it later reads them from the commits. */
async function findLargeFiles(hub: Hub, repoId: string, moved: readonly OpenMove[]): Promise<string[]> {
  const include = moved.map((move) => move.newOid).filter((oid) => oid !== zeroOid)
  if (include.length === 0) return []
  const exclude = moved.map((move) => move.oldOid).filter((oid) => oid !== zeroOid)
  const found = new Set<string>()
  for await (const blob of smallBlobs(hub.git, repoId, { include, exclude }, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer) found.add(pointer.sha256)
  }
  return [...found]
}

function toRow(repoId: string, move: OpenMove, now: number): RefIntentTable {
  const { id, ref, oldOid, newOid, event } = move
  return { id, repoId, ref, oldOid, newOid, event: JSON.stringify(event), createdAt: now }
}

function fromRow(row: RefIntentTable): OpenMove {
  // Written by `toRow` of this or an earlier release; the table is ours alone.
  const event = JSON.parse(row.event) as EventTable
  return { id: row.id, ref: row.ref, oldOid: row.oldOid, newOid: row.newOid, event }
}
