/**
 * Works out who is affected by a change, off the event loop: a job comes in, is read and compared here, in one view of the database, and goes
 * out in parts, each when it is asked for.
 */
import { parentPort } from 'node:worker_threads'
import { DatabaseError } from '../../platform/db/errors.ts'
import { readInOneMoment } from '../../platform/db/own-reader.ts'
import { type Comparison, compare } from './compare.ts'
import { inSlices } from './in-parts.ts'
import { judgedOnOrganization } from './judge-organization.ts'
import { judgedOnRepos } from './judge-repos.ts'
import { workspaceNames } from './queries.ts'
import { type Fault, type FromThread, type Job, type Part, partSize, type ToThread } from './thread-protocol.ts'

let parts: Iterator<FromThread> = [][Symbol.iterator]()

parentPort?.on('message', async (message: ToThread) => {
  if (message.kind === 'begin') parts = await found(message.job)
  const next = parts.next()
  if (next.done !== true) say(next.value)
})
say({ kind: 'ready' })

function say(message: FromThread): void {
  parentPort?.postMessage(message)
}

async function found({ database, work, most }: Job): Promise<Iterator<FromThread>> {
  try {
    return await readInOneMoment(database, async (db) => {
      const slices = work.on === 'repos' ? judgedOnRepos(db, work) : judgedOnOrganization(db, work)
      const comparison = await compare(slices, work.places, { most, now: work.now })
      const owner = work.on === 'repos' ? work.owner : work.organization
      return partsOf(comparison, await workspaceNames(db, workspaceIdsIn(comparison), owner.id))
    })
  } catch (error) {
    return [{ kind: 'failed', fault: faultOf(error) } as const][Symbol.iterator]()
  }
}

function* partsOf(
  { differences, tokens, counts }: Comparison,
  names: ReadonlyMap<string, string>,
): Iterator<FromThread> {
  const part = (one: Part): FromThread => ({ kind: 'part', part: one })
  for (const side of ['gains', 'loses'] as const) {
    for (const entries of inSlices(differences[side], partSize)) yield part({ of: 'differences', side, entries })
    for (const entries of inSlices(tokens[side], partSize)) yield part({ of: 'tokens', side, entries })
  }
  for (const entries of inSlices([...names], partSize)) yield part({ of: 'names', entries })
  yield { kind: 'done', counts }
}

function workspaceIdsIn({ differences }: Comparison): string[] {
  const ids = [...differences.gains, ...differences.loses].flatMap(({ thing }) =>
    thing.on === 'workspace' ? [thing.before.id] : thing.on === 'repos' ? [thing.repo.workspaceId ?? ''] : [],
  )
  return [...new Set(ids.filter((id) => id !== ''))]
}

function faultOf(error: unknown): Fault {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { database: error instanceof DatabaseError ? error.fault : null, message, code }
}
