/** Looks at the servers of models beside the calls: what comes back is used, what goes away is known, and nobody else is asked. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import {
  answer,
  type ModelServer,
  type Script,
  sayHello,
  startModelServer,
} from '../../../tests/support/model-server.ts'
import { probeAddress } from './backend.ts'

interface Shown {
  readonly backends: readonly {
    readonly failures: number
    readonly skippedUntil: string | null
    readonly hasSecret: boolean
    readonly probe: { readonly at: string; readonly isWell: boolean; readonly fault: string | null } | null
  }[]
}

/** A server that calls fail on, by `calls`, and that says `health` of itself. */
const plays =
  (calls: Script, health: number): Script =>
  (heard, response) =>
    heard.path === '/health' ? answer(response, {}, health) : calls(heard, response)
const fails: Script = (_heard, response) => answer(response, {}, 500)
const starts: Script = (_heard, response) => answer(response, {}, 503)

describe('looks at the servers of models', () => {
  let world: InferenceWorld
  let server: ModelServer

  beforeAll(async () => {
    world = await startInference('sqlite', { HOLDFAST_INFERENCE_PROBE: '1', HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
  })
  beforeEach(() => {
    server.play(plays(sayHello, 200))
    server.heard.splice(0)
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  const shown = async (model: string) => {
    const { ask, ada } = world
    const [backend] = (await ask('GET', `/api/models/${model}/inference`, { token: ada.token })).json<Shown>().backends
    if (backend === undefined) throw new Error('The model has a server.')
    return backend
  }
  const probes = () => server.heard.filter(({ path }) => path === '/health')
  const within = { timeout: 6_000, interval: 50 }

  test('a server that was not there, and is again, is used before its time is over; with its key, and no caller pays for it', async () => {
    const { serve, chat, ada } = world
    const model = await serve([{ url: server.url, secret: 'sk-probe' }])
    server.play(plays(starts, 503))
    for (let n = 0; n < 3; n++) expect((await chat(model, ada.token)).status).toBe(502)
    expect((await shown(model)).skippedUntil).not.toBeNull()
    await vi.waitFor(async () => {
      expect((await shown(model)).probe).toMatchObject({ isWell: false, fault: 'it answered 503.' })
    }, within)
    const before = server.heard.length - probes().length
    server.play(plays(sayHello, 200))
    await vi.waitFor(async () => {
      expect(await shown(model)).toMatchObject({
        failures: 0,
        skippedUntil: null,
        probe: { isWell: true, fault: null },
      })
    }, within)
    expect(server.heard.length - probes().length).toBe(before)
    expect(probes().at(-1)?.headers.authorization).toBe('Bearer sk-probe')
    expect(JSON.stringify(await shown(model))).not.toContain('sk-probe')
    expect((await chat(model, ada.token)).status).toBe(200)
  }, 20_000)

  test('a server that goes away while nobody calls is known before anybody does', async () => {
    const { serve, chat, ada } = world
    const gone = await startModelServer(plays(sayHello, 200))
    const model = await serve([gone.url])
    expect((await chat(model, ada.token)).status).toBe(200)
    await gone.stop()
    await vi.waitFor(async () => {
      const { skippedUntil, probe } = await shown(model)
      expect(probe).toMatchObject({ isWell: false, fault: 'it could not be reached.' })
      expect(skippedUntil).not.toBeNull()
    }, within)
  }, 20_000)

  // The story: a server says that it is well and fails each call; were that believed, its callers would find it first again every few seconds.
  test('a server that is well by its own word, and answers calls wrongly, waits its time', async () => {
    const { serve, chat, ada } = world
    const model = await serve([server.url])
    server.play(plays(fails, 200))
    for (let n = 0; n < 3; n++) expect((await chat(model, ada.token)).status).toBe(502)
    const { skippedUntil } = await shown(model)
    await vi.waitFor(async () => expect((await shown(model)).probe?.isWell).toBe(true), within)
    expect(await shown(model)).toMatchObject({ failures: 3, skippedUntil })
  }, 20_000)

  // The story: the keys of some servers can be read by nobody since the hub came back from its backup. A look that ends at the first of them never comes
  // to the others, and whoever administers the model is not told what is wrong.
  test('a server whose key cannot be read is known as such, and the others are looked at', async () => {
    const { serve, chat, ada, site } = world
    const locked = await serve([{ url: server.url, secret: 'sk-lost' }])
    const other = await serve([server.url])
    for (const model of [locked, other]) expect((await chat(model, ada.token)).status).toBe(200)
    const { secret } = await site.hub.db.read
      .selectFrom('inferenceBackend')
      .select('secret')
      .where('secret', 'is not', null)
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    await site.hub.transaction((tx) =>
      tx
        .updateTable('inferenceBackend')
        .set({ secret: secret?.replace(/^v1\.\d+\./, 'v1.999.') ?? null })
        .where('secret', '=', secret)
        .execute(),
    )
    await vi.waitFor(async () => {
      const fault = 'the key that is kept for it cannot be read any more.'
      expect((await shown(locked)).probe).toMatchObject({ isWell: false, fault })
      expect((await shown(other)).probe).toMatchObject({ isWell: true })
    }, within)
  }, 20_000)

  // The story: somebody attaches five thousand servers, and the hub becomes a machine that knocks on all of them.
  test('who was never called, or is no server of a model any more, is not asked', async () => {
    const { serve, chat, ask, ada } = world
    await serve([server.url])
    const called = await startModelServer(plays(sayHello, 200))
    const removed = await serve([called.url])
    expect((await chat(removed, ada.token)).status).toBe(200)
    await vi.waitFor(() => expect(called.heard.some(({ path }) => path === '/health')).toBe(true), within)
    expect((await ask('DELETE', `/api/models/${removed}/inference`, { token: ada.token })).status).toBe(200)
    // One that is under way may still come.
    await new Promise((resolve) => setTimeout(resolve, 1_400))
    called.heard.splice(0)
    await new Promise((resolve) => setTimeout(resolve, 2_600))
    expect(called.heard).toEqual([])
    await called.stop()
  }, 20_000)

  test('each kind is asked where it answers', () => {
    const at = (kind: Parameters<typeof probeAddress>[0]['kind'], url: string) => probeAddress({ kind, url })
    expect(at('vllm', 'http://a:1/v1')).toBe('http://a:1/health')
    expect(at('tei', 'http://a:1')).toBe('http://a:1/health')
    expect(at('llama.cpp', 'http://a:1/base/v1/')).toBe('http://a:1/base/health')
    expect(at('ollama', 'http://a:1')).toBe('http://a:1/api/version')
    expect(at('openai', 'https://a/api/openai')).toBe('https://a/api/openai/models')
    expect(at('openai', 'https://a')).toBe('https://a/v1/models')
  })
})

test('where they are switched off nobody is asked, and a hub that stops does not wait for one that hangs', async () => {
  const hangs = await startModelServer((heard, response) =>
    heard.path === '/health' ? undefined : starts(heard, response),
  )
  for (const every of ['0', '1']) {
    const world = await startInference('sqlite', { HOLDFAST_INFERENCE_PROBE: every, HOLDFAST_LOG_LEVEL: 'silent' })
    const model = await world.serve([hangs.url])
    await world.chat(model, world.ada.token)
    const isAsked = () => hangs.heard.some(({ path }) => path === '/health')
    if (every === '1') await vi.waitFor(() => expect(isAsked()).toBe(true), { timeout: 5_000 })
    else await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(isAsked()).toBe(every === '1')
    const startedAt = performance.now()
    await world.site.stop()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  }
  await hangs.stop()
}, 20_000)
