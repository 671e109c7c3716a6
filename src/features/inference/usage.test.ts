/** INF-6: what was called, summed up for the administrators of an organization. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import { hello, type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import { type ModelServer, startModelServer } from '../../../tests/support/model-server.ts'
import { usageJobs } from './service.ts'

interface Sums {
  readonly groupBy: string
  readonly groups: readonly {
    readonly key: string
    readonly name: string
    readonly calls: number
    readonly failed: number
    readonly tokensIn: number
    readonly tokensOut: number
    readonly callsWithoutTokens: number
  }[]
  readonly isComplete: boolean
}

describe.each(dialects)('the usage of models on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let model: string
  const usage = (query: string, token = world.ada.token) =>
    world.ask('GET', `/api/organizations/acme/usage${query}`, { token })

  beforeAll(async () => {
    world = await startInference(dialect, { HOLDFAST_LOG_LEVEL: 'silent', HOLDFAST_INFERENCE_USAGE_DAYS: '30' })
    server = await startModelServer()
    model = await world.serve([server.url])
    await world.ask('POST', '/api/repos/create', { token: world.bob.token, body: { name: 'own' } })
    await world.setServers('bob/own', [{ url: server.url, kind: 'vllm' }], { token: world.bob.token })
    await world.chat(model, world.ada.token)
    await world.chat(model, world.bob.token)
    await world.chat(await world.serve(['http://127.0.0.1:1']), world.ada.token)
    // Of others on both sides: none of acme's business, unless acme pays.
    await world.chat('bob/own', world.bob.token)
    await fetch(`${world.site.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.carl.token}`,
        'content-type': 'application/json',
        'x-hf-bill-to': 'acme',
      },
      body: JSON.stringify({ model: 'bob/own', ...hello }),
    }).then((response) => response.arrayBuffer())
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  test('INF-6: has what the organization pays for and what is called of its models, and each once', async () => {
    const byModel = (await usage('?group_by=model')).json<Sums>()
    expect(
      byModel.groups.map(({ name, calls, failed, tokensIn, tokensOut }) => [name, calls, failed, tokensIn, tokensOut]),
    ).toEqual(
      expect.arrayContaining([
        [model, 2, 0, 14, 6],
        ['acme/m2', 1, 1, 0, 0],
        ['bob/own', 1, 0, 7, 3],
      ]),
    )
    expect(byModel.groups.length).toBe(3)
    const names = async (by: string) =>
      Object.fromEntries((await usage(`?group_by=${by}`)).json<Sums>().groups.map(({ name, calls }) => [name, calls]))
    expect(await names('principal')).toEqual({ Ada: 2, bob: 1, carl: 1 })
    expect(await names('billed')).toEqual({ Ada: 2, bob: 1, acme: 1 })
    expect(await names('status')).toEqual({ 200: 3, 502: 1 })
    expect(await names('day')).toEqual({ [new Date().toISOString().slice(0, 10)]: 4 })
    expect((await usage('?from=2020-01-01&to=2020-02-01')).json<Sums>().groups).toEqual([])
  })

  test('is for administrators of the organization alone', async () => {
    expect((await usage('', world.carl.token)).status).toBe(403)
    expect((await usage('', world.bob.token)).status).toBe(403)
    expect((await world.ask('GET', '/api/organizations/acme/usage')).status).toBe(401)
  })

  // The story: a question over all of time, or a group that is a piece of SQL, to keep the database busy or to read it.
  test('takes times and groups that it knows, and no more than 400 days', async () => {
    for (const query of [
      '?group_by=actorName',
      "?group_by=model'--",
      '?from=yesterday',
      '?from=2020-01-01&to=2026-01-01',
      '?from=2026-02-01&to=2026-01-01',
    ]) {
      expect((await usage(query)).status, query).toBe(400)
    }
  })

  test('is forgotten when its time is over', async () => {
    const { hub } = world.site
    const before = await world.usage()
    const old = (hub.clock.now() - 31 * 86_400_000).toString(16).padStart(12, '0')
    const [row] = before
    if (row === undefined) throw new Error('There were calls.')
    await hub.transaction((tx) =>
      tx
        .insertInto('inferenceUsage')
        .values({ ...row, id: `${old}000000000000` })
        .execute(),
    )
    const forget = usageJobs(hub)['forget-inference-usage']
    await forget?.(null, new AbortController().signal)
    expect((await world.usage()).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
  })
})
