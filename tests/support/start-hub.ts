/** A real hub on a temporary folder and a free port, in well under a second. What a test makes through it goes through the real services. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig, withFreePort } from '../../src/config.ts'
import { type Hub, openHub } from '../../src/hub.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import type { Resolver } from '../../src/platform/outbound/outbound.ts'
import { startServer } from '../../src/server.ts'
import { makeSchema } from './databases.ts'

export interface TestHub {
  readonly hub: Hub
  /** `http://localhost:PORT`, no slash at the end. */
  readonly url: string
  readonly folder: string
  /** Writes what was gathered of the use of credentials, once the answers under way have ended. */
  writeGathered(): Promise<void>
  /** Stops the server and everything that goes on by itself; the hub stays open. */
  rest(): Promise<void>
  /** Stops the server and removes its folder. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** In place of DNS, for requests that the hub sends. */
  readonly resolver?: Resolver
  /** Keep using this folder (a restart); it is not removed on stop. */
  readonly folder?: string
  /** Where the tables are; SQLite unless said. */
  readonly dialect?: DialectName
}

export async function startHub(options: StartOptions = {}): Promise<TestHub> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'holdfast-test-')))
  const schema = options.dialect === 'postgres' ? await makeSchema() : null
  const config = await withFreePort(
    readConfig({
      HOLDFAST_DATA: folder,
      HOLDFAST_PORT: '0',
      HOLDFAST_LOG_LEVEL: 'error',
      ...(schema === null ? {} : { HOLDFAST_DATABASE_URL: schema.options.url }),
      ...options.env,
    }),
  )
  const hub = await openHub(config, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
  })
  const server = await startServer(hub)
  let resting: Promise<void> | null = null
  const rest = (): Promise<void> => {
    resting ??= server.stop()
    return resting
  }
  return {
    hub,
    url: config.publicUrl,
    folder,
    writeGathered: async () => {
      while (server.dispatcher.underWay() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await server.dispatcher.writeGathered()
    },
    rest,
    stop: async () => {
      await rest()
      await hub.close()
      await schema?.drop()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
