/** What is loaded is looked after: a model that is held, removed, hidden or served otherwise leaves memory, also where nobody calls it any more. */
import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '../../../domain/errors.ts'
import type { Allowed } from '../../../domain/policy.ts'
import type { Hub } from '../../../hub.ts'
import { refuseHeldCommit } from '../../storage/service.ts'
import { contentsOf } from '../hold.ts'
import { findServed } from '../queries.ts'
import type { EmbeddedHost } from './embedded-host.ts'

const everyMs = 15_000
/** No copy is read for so long. */
const strayMs = 3_600_000

/** What a hub left behind that was killed while it loaded a model. Others may be loading theirs at this moment. */
export async function removeStrays(folder: string): Promise<void> {
  for (const entry of await readdir(folder).catch(orNone)) {
    const at = path.join(folder, entry)
    const { mtimeMs } = await stat(at).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (mtimeMs < Date.now() - strayMs) await rm(at, { recursive: true, force: true })
  }
}

function orNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

/** Whether it may still be in memory: the hub is to run it, at this commit, it is as open as it was, and nothing of it is held. */
export async function stillServed(
  hub: Hub,
  reading: Allowed<'repo.content.read'>,
  commit: string,
  visibility: string,
  gated: string,
): Promise<boolean> {
  const served = await findServed(hub.db.read, reading.resource.id)
  if (served === null || !served.isEmbedded || (served.commit ?? served.headCommit) !== commit) return false
  if (served.deletedAt !== null || served.disabledAt !== null) return false
  if (served.visibility !== visibility || served.gated !== gated) return false
  try {
    await refuseHeldCommit(hub, reading.resource, commit, () => contentsOf(hub, reading, commit))
    return true
  } catch (error) {
    if (error instanceof HoldfastError) return false
    throw error
  }
}

/** Looks at all that is loaded. */
export async function sweepModels(host: EmbeddedHost): Promise<void> {
  for (const { repoId, isServed } of host.sources) if (!(await isServed())) host.unload(repoId)
  host.tidy()
}

export function watchModels(hub: Hub, hostOf: () => EmbeddedHost | null): { stop(): Promise<void> } {
  let last: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    const host = hostOf()
    if (host === null) return
    try {
      await sweepModels(host)
    } catch (error) {
      hub.log.error({ error }, 'What is loaded could not be looked after')
    }
  }
  const timer = setInterval(() => {
    last = last.then(look)
  }, everyMs).unref()
  return {
    async stop() {
      clearInterval(timer)
      await last
    },
  }
}
