/** A hub with models that servers answer for: acme with Ada (admin) and carl (read); bob is of nothing. */
import { expect } from 'vitest'
import { usageBookOf } from '../../src/features/inference/usage-book.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { makeOrganization, makeUser } from './accounts.ts'
import { type Asking, asking } from './asking.ts'
import { startHub } from './start-hub.ts'

export type InferenceWorld = Awaited<ReturnType<typeof startInference>>
export const hello = { messages: [{ role: 'user', content: 'Hello?' }] }
export const password = 'a long and quiet word'

export async function startInference(dialect: DialectName, env: Readonly<Record<string, string>> = {}) {
  const site = await startHub({
    dialect,
    env: {
      HOLDFAST_RATE_LIMIT_API: '0',
      HOLDFAST_RATE_LIMIT_RESOLVERS: '0',
      HOLDFAST_RATE_LIMIT_PAGES: '0',
      HOLDFAST_OUTBOUND_ALLOW: '127.0.0.0/8',
      // What servers hear is counted: looks at them, which come after a while, are for the tests of those.
      HOLDFAST_INFERENCE_PROBE: '0',
      ...env,
    },
  })
  const ask = asking(site)
  const ada = await makeUser(site, 'Ada', { tokenRole: 'write', password })
  const bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
  const carl = await makeUser(site, 'carl', { tokenRole: 'read' })
  const acme = await makeOrganization(site, 'acme', ada, { carl: 'read' })
  let number = 0

  async function makeModel(isPrivate: boolean): Promise<string> {
    const name = `m${++number}`
    const body = { name, organization: 'acme', private: isPrivate }
    expect((await ask('POST', '/api/repos/create', { token: ada.token, body })).status).toBe(200)
    return `acme/${name}`
  }

  const setServers = (model: string, backends: readonly object[], how: Asking = { token: ada.token }) =>
    ask('PUT', `/api/models/${model}/inference`, { ...how, body: { backends } })

  /** A new model with these servers. */
  async function serve(
    urls: readonly (string | object)[],
    { isPrivate = false, kind = 'vllm' }: { isPrivate?: boolean; kind?: string } = {},
  ): Promise<string> {
    const model = await makeModel(isPrivate)
    const set = await setServers(
      model,
      urls.map((one) => (typeof one === 'string' ? { url: one, kind } : { kind, ...one })),
    )
    expect(set.status, set.text).toBe(200)
    return model
  }

  const chat = (model: string, token: string | undefined, more: object = {}) =>
    ask('POST', '/v1/chat/completions', {
      ...(token === undefined ? {} : { token }),
      body: { model, ...hello, ...more },
    })

  /** What was written down of calls, in order. */
  async function usage() {
    await usageBookOf(site.hub).flush()
    return await site.hub.db.read.selectFrom('inferenceUsage').selectAll().orderBy('id').execute()
  }

  return { site, ask, ada, bob, carl, acme, makeModel, setServers, serve, chat, usage }
}
