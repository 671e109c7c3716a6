/** Which servers answer for a model: who says so, what is told of it, and what somebody tries. INF-7. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import { type ModelServer, startModelServer } from '../../../tests/support/model-server.ts'

interface Told {
  readonly backends: readonly {
    readonly id: string
    readonly url: string
    readonly kind: string
    readonly model: string | null
    readonly weight: number
    readonly hasSecret: boolean
    readonly failures: number
  }[]
  readonly revision: string | null
  readonly commit: string | null
}

describe.each(dialects)('the servers of a model on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer

  beforeAll(async () => {
    world = await startInference(dialect)
    server = await startModelServer()
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })
  const read = (model: string, token: string) => world.ask('GET', `/api/models/${model}/inference`, { token })

  test('INF-7: are set, told without their secrets, changed and removed, and the audit log has it', async () => {
    const { ask, ada, makeModel, setServers, site } = world
    const model = await makeModel(true)
    expect((await read(model, ada.token)).status).toBe(404)
    const secret = 'sk-very-secret-1'
    const set = await setServers(model, [
      { url: server.url, kind: 'vllm', model: 'inner', secret, weight: 3 },
      { url: `${server.url}/v1`, kind: 'llama.cpp' },
    ])
    expect(set.status).toBe(200)
    const told = await read(model, ada.token)
    expect(told.json<Told>()).toMatchObject({
      backends: [
        { url: server.url, kind: 'vllm', model: 'inner', weight: 3, hasSecret: true, failures: 0 },
        { url: `${server.url}/v1`, kind: 'llama.cpp', model: null, weight: 1, hasSecret: false },
      ],
      revision: null,
    })
    const rows = await site.hub.db.read.selectFrom('inferenceBackend').selectAll().execute()
    const events = await site.hub.db.read
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'repo.inference.update')
      .execute()
    expect(events.length).toBe(1)
    expect(events[0]?.data).toContain(`${server.url}, vllm, as inner, weight 3, secret`)
    for (const text of [set.text, told.text, JSON.stringify(rows), JSON.stringify(events)]) {
      expect(text).not.toContain(secret)
    }
    expect((await ask('DELETE', `/api/models/${model}/inference`, { token: ada.token })).status).toBe(200)
    expect((await read(model, ada.token)).status).toBe(404)
    expect((await ask('DELETE', `/api/models/${model}/inference`, { token: ada.token })).status).toBe(404)
  })

  test('INF-7: a secret that is not sent again stays, under a new weight too; null takes it away', async () => {
    const { ada, makeModel, setServers, chat } = world
    const model = await makeModel(false)
    await setServers(model, [{ url: server.url, kind: 'vllm', secret: 'sk-stays' }])
    const before = (await read(model, ada.token)).json<Told>().backends[0]
    await setServers(model, [{ url: server.url, kind: 'vllm', weight: 9 }])
    expect((await read(model, ada.token)).json<Told>().backends[0]).toMatchObject({
      id: before?.id,
      weight: 9,
      hasSecret: true,
    })
    expect((await chat(model, ada.token)).status).toBe(200)
    expect(server.heard.at(-1)?.headers.authorization).toBe('Bearer sk-stays')
    await setServers(model, [{ url: server.url, kind: 'vllm', secret: null }])
    expect((await chat(model, ada.token)).status).toBe(200)
    expect(server.heard.at(-1)?.headers.authorization).toBeUndefined()
  })

  // The story: whoever got to administer a model does not know the key of its server, and names an address of their own in its place, hoping
  // that the key is sent there.
  test('INF-7: a secret does not follow to another address', async () => {
    const { ada, makeModel, setServers, chat } = world
    const other = await startModelServer()
    const model = await makeModel(false)
    await setServers(model, [{ url: server.url, kind: 'vllm', secret: 'sk-of-the-first' }])
    await setServers(model, [{ url: other.url, kind: 'vllm' }])
    expect((await read(model, ada.token)).json<Told>().backends[0]).toMatchObject({ hasSecret: false })
    expect((await chat(model, ada.token)).status).toBe(200)
    expect(JSON.stringify(other.heard)).not.toContain('sk-of-the-first')
    await other.stop()
  })

  // The story: an administrator of a model, who is none of the machine, names the metadata service of the cloud, the loopback, or a name that
  // leads there, as the server of a model, and reads what it answers.
  test('SSRF: an address of the inside is refused when it is set, and again when it is asked', async () => {
    const closed = await startInference(dialect, { HOLDFAST_OUTBOUND_ALLOW: '' })
    try {
      const model = await closed.makeModel(false)
      for (const url of [
        server.url,
        'http://169.254.169.254/latest',
        'https://127.0.0.1',
        'https://[::1]:8000',
        'https://10.1.2.3/v1',
        'http://models.example.com',
        'https://key:word@models.example.com',
      ]) {
        const set = await closed.setServers(model, [{ url, kind: 'openai' }])
        expect(set.status, url).toBe(422)
      }
      for (const url of ['ftp://models.example.com', 'https://models.example.com/?key=1', 'nonsense']) {
        expect((await closed.setServers(model, [{ url, kind: 'openai' }])).status, url).toBeGreaterThanOrEqual(400)
      }
      // A name is judged where it leads, at each call.
      expect((await closed.setServers(model, [{ url: 'https://localhost:1', kind: 'openai' }])).status).toBe(200)
      const called = await closed.chat(model, closed.ada.token)
      expect(called.status).toBe(502)
      expect(called.text).toContain('its address is not let through')
      expect(called.text).not.toContain('localhost')
    } finally {
      await closed.site.stop()
    }
  })

  test('are those of the administrators of the organization alone, and of the owner for a model of a person', async () => {
    const { ask, ada, bob, carl, makeModel, setServers, site } = world
    const backends = [{ url: server.url, kind: 'vllm' }]
    const open = await makeModel(false)
    const hidden = await makeModel(true)
    expect((await setServers(open, backends, { token: carl.token })).status).toBe(403)
    expect((await setServers(open, backends, { token: bob.token })).status).toBe(403)
    expect((await read(open, bob.token)).status).toBe(403)
    expect((await setServers(open, backends, {})).status).toBe(401)
    // AUTH-7: what is hidden is as what is missing.
    const answers = [await read(hidden, bob.token), await read('acme/nothing', bob.token)]
    expect(answers.map(({ status, text }) => [status, text])[0]).toEqual(
      answers.map(({ status, text }) => [status, text])[1],
    )
    const pushes = await makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=repo.write'] })
    const denied = await setServers(open, backends, { token: pushes })
    expect(denied.status).toBe(403)
    expect(denied.headers.get('x-hub-denied')).toContain('inference.endpoints.write')
    const manages = await makeToken(site, ada, {
      role: 'fineGrained',
      scoped: ['org:acme=repo.content.read,inference.endpoints.write'],
    })
    expect((await setServers(hidden, backends, { token: manages })).status).toBe(200)
    await ask('POST', '/api/repos/create', { token: bob.token, body: { name: 'mine' } })
    expect((await setServers('bob/mine', backends, { token: bob.token })).status).toBe(200)
  })

  // The story: a program fills the list, or sends fields of another version, and the rest is silently taken.
  test('are at most eight, with known fields, kinds and weights', async () => {
    const { ask, ada, makeModel, setServers } = world
    const model = await makeModel(false)
    const one = { url: server.url, kind: 'vllm' }
    const bad: unknown[] = [
      { backends: [] },
      { backends: Array.from({ length: 9 }, () => one) },
      { backends: [{ ...one, kind: 'magic' }] },
      { backends: [{ ...one, weight: 0 }] },
      { backends: [{ ...one, secret: 'with a blank' }] },
      { backends: [{ ...one, secret: 'line\nbreak' }] },
      { backends: [{ ...one, timeout: 3 }] },
      { embedded: false },
    ]
    for (const body of bad) {
      const set = await ask('PUT', `/api/models/${model}/inference`, { token: ada.token, body })
      expect(set.status, JSON.stringify(body).slice(0, 90)).toBe(400)
    }
    expect(
      (
        await setServers(
          model,
          Array.from({ length: 8 }, () => one),
        )
      ).status,
    ).toBe(200)
    // Two at one address are two.
    expect(new Set((await read(model, ada.token)).json<Told>().backends.map(({ id }) => id)).size).toBe(8)
  })

  test('stand for a revision where one is named, at the commit that it was', async () => {
    const { ask, ada, makeModel } = world
    const model = await makeModel(true)
    const backends = [{ url: server.url, kind: 'vllm' }]
    const put = (revision: string) =>
      ask('PUT', `/api/models/${model}/inference`, { token: ada.token, body: { backends, revision } })
    const told = (await put('main')).json<Told>()
    expect(told.revision).toBe('main')
    expect(told.commit).toMatch(/^[0-9a-f]{40}$/)
    expect((await put('no-such-branch')).status).toBe(404)
  })

  test('go with their model', async () => {
    const { ask, ada, serve, chat } = world
    const model = await serve([server.url], { isPrivate: true })
    const [organization, name] = model.split('/')
    const gone = await ask('DELETE', '/api/repos/delete', { token: ada.token, body: { name, organization } })
    expect(gone.status).toBe(200)
    expect((await chat(model, ada.token)).status).toBe(404)
  })
})
