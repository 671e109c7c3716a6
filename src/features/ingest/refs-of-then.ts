/**
 * What refs held at the moment of a snapshot of the database, though git is read later and refs move on. Every ref move leaves an event that
 * says what the ref held before; so for each ref the first move that the snapshot does not know tells, and where there is none, the ref
 * itself. Rows and refs of a backup therefore show the same moment, and every large file that the refs need has its row.
 */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { repositoryFolder } from '../../platform/git/git-store.ts'
import { readRefFiles } from '../../platform/git/ref-files.ts'
import { listRefs, readableRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { isOid, isSafeRef, zeroOid } from '../../platform/git/safe-names.ts'
import { selectMovesSince, selectOpenIntents } from './queries.ts'

export interface RefsOfThen {
  /** To be called with every row of the snapshot, before `refsAt`. */
  see(table: string, row: Readonly<Record<string, unknown>>): void
  /** Null where there is no repository. */
  refsAt(repoId: string): Promise<{ ref: string; oid: string }[] | null>
}

/**
 * An event gets its id before its ref moves, and its row when the move is settled. What is older than this and has no row by the time of a
 * snapshot has at least its intent there.
 */
const marginMs = 3_600_000
const refsAtMost = 10_000_000

const moveShape = z.object({ ref: z.string(), old: z.string().nullable(), new: z.string().nullable() })

/** `takenAt`: when the snapshot was begun, by the hub's clock. */
export function watchRefs(hub: Hub, takenAt: number): RefsOfThen {
  const since = firstIdOf(takenAt - marginMs)
  const known = new Set<string>()
  return {
    see(table, row) {
      const { id } = row
      if (typeof id !== 'string') return
      // A move whose intent the snapshot has may show as made or not: a start settles it by what the ref then holds.
      if (table === 'refIntent' || (table === 'event' && id >= since)) known.add(id)
    },
    async refsAt(repoId) {
      if (!(await hasRepository(hub.git, repoId))) return null
      // In this order: a move that is not seen by one reading is seen by the next.
      const refs = await readRefs(hub, repoId)
      const intents = await selectOpenIntents(hub.db, repoId)
      const events = await selectMovesSince(hub.db, repoId, since)
      const later = [
        ...intents.map(({ id, ref, oldOid }) => ({ id, ref, old: oldOid })),
        ...events.flatMap(({ id, data }) => {
          const move = moveShape.safeParse(JSON.parse(data))
          return move.success ? [{ id, ref: move.data.ref, old: move.data.old ?? zeroOid }] : []
        }),
      ]
      const isUndone = new Set<string>()
      for (const { id, ref, old } of later.sort((a, b) => (a.id < b.id ? -1 : 1))) {
        if (known.has(id) || isUndone.has(ref)) continue
        isUndone.add(ref)
        if (old === zeroOid) refs.delete(ref)
        else refs.set(ref, old)
      }
      return [...refs]
        .filter(([ref, oid]) => isSafeRef(ref) && isOid(oid))
        .map(([ref, oid]) => ({ ref, oid }))
        .sort((a, b) => (a.ref < b.ref ? -1 : 1))
    },
  }
}

async function readRefs(hub: Hub, repoId: string): Promise<Map<string, string>> {
  const files = await readRefFiles(repositoryFolder(hub.git, repoId))
  const refs = files?.refs ?? (await listRefs(hub.git, repoId, readableRefs, refsAtMost))
  return new Map(refs.map(({ ref, oid }) => [ref, oid]))
}

/** Ids begin with their time in milliseconds, as 12 hex digits. */
function firstIdOf(time: number): string {
  return Math.max(0, time).toString(16).padStart(12, '0').padEnd(24, '0')
}
