/** What Prometheus reads, and who else does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type InferenceWorld, password, startInference } from '../../../tests/support/inference.ts'
import { type ModelServer, startModelServer } from '../../../tests/support/model-server.ts'

describe.each(dialects)('the metrics on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let model: string
  let root: TestUser

  beforeAll(async () => {
    world = await startInference(dialect, {
      HOLDFAST_LOG_LEVEL: 'silent',
      HOLDFAST_INFERENCE_PERSON_REQUESTS_PER_MINUTE: '1',
    })
    root = await makeUser(world.site, 'root-of-hub', { tokenRole: 'read', password })
    await world.site.hub.transaction((tx) =>
      tx.updateTable('user').set({ isAdmin: 1 }).where('id', '=', root.id).execute(),
    )
    server = await startModelServer()
    model = await world.serve([server.url])
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  const read = async (): Promise<ReadonlyMap<string, number>> => {
    const answer = await world.ask('GET', '/metrics', { token: root.token })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const lines = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of lines) expect(line).toMatch(/^[a-z_0-9]+(\{([a-z]+="[^"\\\n]*",?)*\})? -?[0-9.e+-]+$/)
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    )
  }

  test('count calls, refusals, tokens, times, requests and jobs, and tell how the process does', async () => {
    const before = await read()
    expect(before.get('holdfast_inference_waiting')).toBe(0)
    expect((await world.chat(model, world.ada.token)).status).toBe(200)
    expect((await world.chat(model, world.ada.token)).status).toBe(429)
    expect((await world.chat(await world.serve(['http://127.0.0.1:1']), world.bob.token)).status).toBe(502)
    const after = await read()
    expect(after.get('holdfast_inference_calls_total{kind="vllm",task="chat/completions",status="2xx"}')).toBe(1)
    expect(after.get('holdfast_inference_calls_total{kind="vllm",task="chat/completions",status="5xx"}')).toBe(1)
    expect(after.get('holdfast_inference_limited_total{scope="person",limit="requestsPerMinute"}')).toBe(1)
    expect(after.get('holdfast_inference_tokens_total{kind="vllm",direction="in"}')).toBe(7)
    expect(after.get('holdfast_inference_tokens_total{kind="vllm",direction="out"}')).toBe(3)
    expect(after.get('holdfast_inference_first_byte_seconds_count{kind="vllm"}')).toBe(1)
    expect(after.get('holdfast_inference_call_seconds_bucket{kind="vllm",le="+Inf"}')).toBe(2)
    expect(after.get('holdfast_http_requests_total{surface="openai",status="2xx"}')).toBe(1)
    expect(after.get('holdfast_http_requests_total{surface="openai",status="4xx"}')).toBe(1)
    expect(after.get('holdfast_jobs{queue="mail",state="waiting"}')).toBe(0)
    expect(after.get('holdfast_jobs{queue="forget-inference-usage",state="waiting"}')).toBe(1)
    expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
    expect(after.get('process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(after.get('nodejs_eventloop_lag_p99_seconds')).toBeLessThan(60)
  })

  test('are for administrators of the hub, with a token or a session', async () => {
    expect((await world.ask('GET', '/metrics')).status).toBe(401)
    for (const { token } of [world.ada, world.bob, world.carl]) {
      expect((await world.ask('GET', '/metrics', { token })).status).toBe(403)
    }
    const cookie = await signInAs(world.site, { name: 'root-of-hub', password })
    expect((await world.ask('GET', '/metrics', { cookie })).status).toBe(200)
  })

  // The story: a stranger makes up addresses, methods, models and routes, each a new series, until the hub has no memory left.
  test('no caller makes a series', async () => {
    const count = async () => (await read()).size
    const whatever = async (round: number) => {
      for (let at = 0; at < 40; at++) {
        const word = `r${round}-${at}`
        await world.ask('GET', `/${word}/${word}?x=${word}`)
        await world.ask('POST', `/models/${model}/pipeline/${word}`, { token: world.carl.token, body: { inputs: 'x' } })
        await world.chat(`${word}/${word}`, world.carl.token)
        await fetch(`${world.site.url}/${word}`, { method: 'PURGE' }).then((answer) => answer.arrayBuffer())
      }
    }
    await whatever(0)
    await read()
    const before = await count()
    await whatever(1)
    expect(await count()).toBe(before)
    expect(before).toBeLessThan(500)
    const { text } = await world.ask('GET', '/metrics', { token: root.token })
    expect(text).not.toMatch(/acme|r0-|r1-|carl/)
  })
})
