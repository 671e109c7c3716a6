/** The models that each open hub runs itself: opened with their first call, looked after, and closed with the hub. */
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Hub } from '../../../hub.ts'
import type { Served } from '../queries.ts'
import { EmbeddedHost, libraryName } from './embedded-host.ts'
import type { ModelState } from './held-models.ts'
import { removeStrays, watchModels } from './watch-models.ts'

/** They are short: more of them may wait than for a server. */
const waitingOfEach = 4
/** In the folder of the hub: adds the library where it was left out. */
export const libraryCommand = `npm install --no-save --ignore-scripts ${libraryName}@4.3.2`

/** Under the data folder. */
const loadingFolder = 'models-loading'

const hosts = new WeakMap<Hub, EmbeddedHost>()

/** One for each open hub. */
export function embeddedHostOf(hub: Hub): EmbeddedHost {
  const known = hosts.get(hub)
  if (known !== undefined) return known
  const { dataFolder, inferenceMemory, inferenceConcurrency, inferenceFirstByte } = hub.config
  const host = new EmbeddedHost({
    // Of this process of the hub: others have theirs.
    folder: path.join(dataFolder, loadingFolder, hub.clock.id()),
    memory: inferenceMemory,
    mostWaiting: waitingOfEach * inferenceConcurrency,
    timeLimitMs: inferenceFirstByte,
    log: hub.log,
  })
  hosts.set(hub, host)
  return host
}

/** As long as the server runs: what is held, removed or set otherwise leaves memory. */
export function startEmbedded(hub: Hub): { stop(): Promise<void> } {
  const watch = watchModels(hub, () => hosts.get(hub) ?? null)
  const cleaned = removeStrays(path.join(hub.config.dataFolder, loadingFolder)).catch((error: unknown) => {
    hub.log.warn({ error }, 'Copies of models that a killed hub left behind could not be removed')
  })
  return {
    async stop() {
      await watch.stop()
      await cleaned
      await hosts.get(hub)?.stop()
    },
  }
}

/** What answers for a model has changed: what is loaded of it leaves, but for the commit that is still served. */
export function forgetModel(hub: Hub, repoId: string, served: Served | null): void {
  const keep = served?.isEmbedded === true ? (served.commit ?? served.headCommit) : null
  hosts.get(hub)?.unload(repoId, keep ?? undefined)
}

export interface LoadState {
  readonly state: 'not loaded' | ModelState['state']
  /** Laid out, of how many. */
  readonly bytes: number
  readonly of: number
  readonly memory: number
  readonly why: string | null
}

/** How far this process has loaded it, of the commit that is served. */
export function loadState(hub: Hub, repoId: string, { commit, headCommit }: Served): LoadState {
  const wanted = commit ?? headCommit
  const states = (hosts.get(hub)?.statesOf(repoId) ?? []).filter((one) => one.commit === wanted)
  const found = states.find((one) => one.state !== 'failed') ?? states[0]
  const { state = 'not loaded', bytes = 0, of = 0, memory = 0, why = null } = found ?? {}
  return { state, bytes, of, memory, why }
}

/** Of all models, in this process: bytes. */
export function memoryOfModels(hub: Hub): number {
  return hosts.get(hub)?.memory ?? 0
}

/** How far it is loaded, for who administers it. */
export function presentEmbedded(hub: Hub, repoId: string, served: Served): object {
  const isInstalled = hasLibrary()
  const problem = isInstalled
    ? {}
    : {
        problem: `The library ${libraryName} is not installed. docs/inference.md, "Models on the hub itself", says how to add it.`,
      }
  return { ...loadState(hub, repoId, served), isInstalled, ...problem }
}

export function hasLibrary(): boolean {
  try {
    createRequire(import.meta.url).resolve(libraryName)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return false
    throw error
  }
}
