/** A hub on a database of the given dialect, which disappears with it. */
import { makeDatabase } from './databases.ts'
import { type StartOptions, startHub, type TestHub } from './start-hub.ts'

export async function startHubOn(dialect: 'sqlite' | 'postgres', options: StartOptions = {}): Promise<TestHub> {
  if (dialect === 'sqlite') return await startHub(options)
  const database = await makeDatabase(dialect, { migrated: false })
  const test = await startHub({
    ...options,
    env: { ...options.env, HOLDFAST_DATABASE_URL: database.options.url ?? '' },
  })
  return {
    ...test,
    stop: async () => {
      await test.stop()
      await database.remove()
    },
  }
}
