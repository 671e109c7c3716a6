/** Calls of models: who may (INF-1 to INF-5), what goes to the server and what comes back, and what is written down (INF-6). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeToken } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { hello, type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import {
  answer,
  helloEvents,
  type ModelServer,
  sayHello,
  startModelServer,
} from '../../../tests/support/model-server.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'

interface OpenAiError {
  readonly error: { readonly message: string; readonly type: string; readonly code: string }
}

describe.each(dialects)('calls of models on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let open: string
  let hidden: string

  beforeAll(async () => {
    world = await startInference(dialect)
    server = await startModelServer()
    open = await world.serve([{ url: server.url, model: 'inner-name', secret: 'sk-upstream' }])
    hidden = await world.serve([server.url], { isPrivate: true })
  })
  beforeEach(() => server.play(sayHello))
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  test('INF-7: the server gets the body under its own name of the model, its own key, and nothing else of the caller', async () => {
    const { site, ada } = world
    const response = await fetch(`${site.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ada.token}`,
        'content-type': 'application/json',
        cookie: 'a=b',
        'x-forwarded-for': '10.0.0.1',
        'x-api-key': 'other',
        'openai-organization': 'mine',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
      },
      body: JSON.stringify({ model: open, ...hello, temperature: 0.5, unknown_field: { a: [1] } }),
    })
    expect(response.status).toBe(200)
    const heard = server.heard.at(-1)
    expect(heard?.path).toBe('/v1/chat/completions')
    expect(heard?.body).toEqual({ model: 'inner-name', ...hello, temperature: 0.5, unknown_field: { a: [1] } })
    expect(heard?.headers.authorization).toBe('Bearer sk-upstream')
    expect(Object.keys(heard?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
    ])
    expect(JSON.stringify(heard?.headers)).not.toContain(ada.token)
  })

  test('streams are passed on byte for byte, as they come, with no header of the server', async () => {
    const { site, ada } = world
    const response = await fetch(`${site.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: open, ...hello, stream: true }),
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-upstream')).toBeNull()
    const parts: string[] = []
    const decoder = new TextDecoder()
    for await (const part of response.body ?? []) parts.push(decoder.decode(part as Uint8Array, { stream: true }))
    expect(parts.join('')).toBe(helloEvents('inner-name').join(''))
    expect(parts.length).toBeGreaterThan(1)
  })

  test('INF-6: each call is written down with its tokens and without a word of it', async () => {
    const { ask, ada, chat, usage } = world
    const before = (await usage()).length
    await chat(open, ada.token)
    await chat(open, ada.token, { stream: true })
    await ask('POST', '/v1/responses', { token: ada.token, body: { model: open, input: 'secret words' } })
    await ask('POST', '/v1/embeddings', { token: ada.token, body: { model: open, input: 'secret words' } })
    const rows = (await usage()).slice(before)
    expect(rows.map(({ route, status, tokensIn, tokensOut }) => [route, status, tokensIn, tokensOut])).toEqual([
      ['chat/completions', 200, 7, 3],
      ['chat/completions', 200, 7, 3],
      ['responses', 200, 2, 4],
      ['embeddings', 200, 5, null],
    ])
    expect(rows[0]).toMatchObject({
      repoName: open,
      actorKind: 'user',
      actorName: 'Ada',
      billedName: 'Ada',
      tokenLast4: ada.token.slice(-4),
      backend: `vllm ${new URL(server.url).host}`,
    })
    expect(rows[0]?.commit).toMatch(/^[0-9a-f]{40}$/)
    expect(JSON.stringify(rows)).not.toContain('secret words')
    expect(JSON.stringify(rows)).not.toContain('Hello')
  })

  test('INF-1: nobody, and a wrong token, get 401 as OpenAI says it', async () => {
    const { chat, ask } = world
    const wrong = `hf_${'x'.repeat(37)}`
    for (const answered of [
      await chat(open, undefined),
      await chat(open, wrong),
      await chat(hidden, undefined),
      await ask('GET', '/v1/models'),
      await ask('GET', '/v1/models', { token: wrong }),
    ]) {
      expect(answered.status).toBe(401)
      expect(answered.json<OpenAiError>().error).toMatchObject({ type: 'authentication_error' })
    }
    expect((await ask('POST', `/models/${open}`, { body: { inputs: 'x' } })).status).toBe(401)
    expect((await ask('POST', '/v1/nothing', { body: {} })).json<OpenAiError>().error.code).toBe('not_found')
  })

  test('INF-2: read and write tokens pass; a fine-grained one needs inference.serverless.write, its own or that of the owner', async () => {
    const { site, ada, bob, carl, chat } = world
    const fine = (scoped: readonly string[], owner = bob) => makeToken(site, owner, { role: 'fineGrained', scoped })
    expect((await chat(open, carl.token)).status).toBe(200)
    expect((await chat(open, bob.token)).status).toBe(200)
    expect((await chat(hidden, carl.token)).status).toBe(200)
    const denied = await chat(open, await fine(['user:bob=repo.content.read']))
    expect(denied.status).toBe(403)
    expect(denied.headers.get('x-hub-denied')).toContain('token_permission; need=inference.serverless.write')
    expect(denied.json<OpenAiError>().error.message).toContain('inference.serverless.write')
    expect((await chat(open, await fine(['user:bob=inference.serverless.write']))).status).toBe(200)
    expect((await chat(open, await fine(['org:acme=inference.serverless.write'], ada))).status).toBe(200)
  })

  test('INF-3: a private model is not there for who may not read it, nor for a token that does not', async () => {
    const { site, ada, bob, chat, ask } = world
    const [missing, unseen] = [await chat('acme/no-such-model', bob.token), await chat(hidden, bob.token)]
    expect(unseen.status).toBe(404)
    expect(unseen.text).toBe(missing.text)
    const both = (path: string) => ask('POST', `/models/${path}`, { token: bob.token, body: { inputs: 'x' } })
    expect((await both(hidden)).text).toBe((await both('acme/no-such-model')).text)
    const calls = await makeToken(site, ada, { role: 'fineGrained', scoped: ['user:Ada=inference.serverless.write'] })
    expect((await chat(hidden, calls)).status).toBe(404)
    const reads = await makeToken(site, ada, {
      role: 'fineGrained',
      scoped: ['user:Ada=inference.serverless.write', 'org:acme=repo.content.read'],
    })
    expect((await chat(hidden, reads)).status).toBe(200)
    for (const model of ['nonsense', 'a/b/c', '../etc/passwd', 'acme/', '/', `${open}:fast`]) {
      expect((await chat(model, ada.token)).status, model).toBe(404)
    }
  })

  test('INF-3: a gated model is called by who was let in, and by no other', async () => {
    const { ask, ada, bob, chat, serve } = world
    const model = await serve([server.url])
    await ask('PUT', `/api/models/${model}/settings`, { token: ada.token, body: { gated: 'manual' } })
    const shut = await chat(model, bob.token)
    expect(shut.status).toBe(403)
    expect(shut.headers.get('x-error-code')).toBe('GatedRepo')
    expect((await chat(model, ada.token)).status).toBe(200)
    expect((await chat(model, undefined)).status).toBe(401)
  })

  test('service accounts call by their grants, and are billed to their organization', async () => {
    const { site, acme, bob, ask, chat, usage } = world
    const machine = await makeServiceAccount(site, acme, 'caller', 'read')
    const inherits = await makeAccountToken(site, acme, machine)
    const narrow = await makeAccountToken(site, acme, machine, [`model:${hidden}=repo.content.read`])
    const calls = await makeAccountToken(site, acme, machine, ['org:acme=repo.content.read,inference.serverless.write'])
    expect((await chat(hidden, inherits)).status).toBe(200)
    expect((await usage()).at(-1)).toMatchObject({
      actorKind: 'service-account',
      actorName: 'caller',
      billedName: 'acme',
    })
    expect((await chat(hidden, narrow)).status).toBe(403)
    expect((await chat(hidden, calls)).status).toBe(200)
    await ask('POST', '/api/repos/create', { token: bob.token, body: { name: 'own', private: true } })
    expect((await chat('bob/own', inherits)).status).toBe(404)
  })

  test('INF-4: X-HF-Bill-To bills an organization of the caller, and no other', async () => {
    const { site, acme, ada, bob, carl, usage } = world
    const call = async (token: string, billTo: string) => {
      const response = await fetch(`${site.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'x-hf-bill-to': billTo, 'content-type': 'application/json' },
        body: JSON.stringify({ model: open, ...hello }),
      })
      return { status: response.status, text: await response.text() }
    }
    expect((await call(carl.token, 'acme')).status).toBe(200)
    expect((await usage()).at(-1)).toMatchObject({ billedId: acme.id, billedName: 'acme', actorName: 'carl' })
    expect((await call(bob.token, 'bob')).status).toBe(200)
    const [other, nothing] = [await call(bob.token, 'acme'), await call(bob.token, 'nowhere')]
    expect([other.status, nothing.status]).toEqual([403, 403])
    const plain = (text: string, name: string) => text.replaceAll(name, 'NAME').replace(/"requestId":"[^"]*"/, '')
    expect(plain(other.text, 'acme')).toBe(plain(nothing.text, 'nowhere'))
    const machine = await makeServiceAccount(site, acme, 'payer', 'read')
    const token = await makeAccountToken(site, acme, machine)
    expect((await call(token, 'acme')).status).toBe(200)
    expect((await call(token, 'Ada')).status).toBe(403)
    const fine = (scoped: string[]) => makeToken(site, ada, { role: 'fineGrained', scoped })
    expect((await call(await fine(['user:Ada=inference.serverless.write']), 'acme')).status).toBe(403)
    expect((await call(await fine(['org:acme=inference.serverless.write']), 'acme')).status).toBe(200)
  })

  // The story: a token leaks, and its owner revokes it while a long prompt of the thief is being worked on. The thief gets the answer all the same.
  test('INF-5: a token that is revoked before the first byte starts nothing', async () => {
    const { site, bob, chat } = world
    const token = await makeToken(site, bob, { role: 'read', name: 'leaked' })
    server.play(async ({ body }, response) => {
      await site.hub.transaction((tx) => tx.deleteFrom('accessToken').where('name', '=', 'leaked').execute())
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(helloEvents(body.model).join(''))
    })
    const answered = await chat(open, token, { stream: true })
    expect(answered.status).toBe(401)
    expect(answered.text).not.toContain('Hel')
  })

  test('/v1/models lists what the caller sees and can call, a page at a time', async () => {
    const { ask, ada, bob, makeModel } = world
    await makeModel(false)
    interface List {
      readonly data: readonly { readonly id: string; readonly object: string; readonly owned_by: string }[]
      readonly has_more: boolean
      readonly last_id: string
    }
    const ids = async (token: string, query = '') => (await ask('GET', `/v1/models${query}`, { token })).json<List>()
    const seen = (await ids(ada.token)).data.map(({ id }) => id)
    expect(seen).toContain(open)
    expect(seen).toContain(hidden)
    const ofBob = (await ids(bob.token)).data.map(({ id }) => id)
    expect(ofBob).toContain(open)
    expect(ofBob).not.toContain(hidden)
    const served = await world.site.hub.db.read.selectFrom('inferenceModel').select('repoId').execute()
    expect(seen.length).toBe(served.length)
    const first = await ids(ada.token, '?limit=1')
    expect(first.has_more).toBe(true)
    const second = await ids(ada.token, `?limit=1&after=${first.last_id}`)
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(seen.slice(0, 2))
    expect((await ask('GET', '/v1/models?after=nonsense', { token: ada.token })).status).toBe(400)
    for (const path of [open, open.replace('/', '%2F')]) {
      expect((await ask('GET', `/v1/models/${path}`, { token: bob.token })).json()).toMatchObject({ id: open })
      expect((await ask('GET', `/v1/models/${path}x`, { token: bob.token })).status).toBe(404)
    }
  })

  test('the classic address answers vectors, similarities and text, and says what it does not', async () => {
    const { ask, ada } = world
    const post = (body: unknown, task = '') => ask('POST', `/models/${open}${task}`, { token: ada.token, body })
    expect((await post({ inputs: 'abc' }, '/pipeline/feature-extraction')).json()).toEqual([3, 1, 0])
    expect((await post({ inputs: ['a', 'bb'] }, '/pipeline/feature-extraction')).json()).toEqual([
      [1, 1, 0],
      [2, 1, 0],
    ])
    const inputs = { source_sentence: 'a', sentences: ['b', 'bbb'] }
    const [same, other] = (await post({ inputs }, '/pipeline/sentence-similarity')).json<number[]>()
    expect(same).toBeCloseTo(1)
    expect(other).toBeLessThan(1)
    const text = await post({ inputs: 'Once', parameters: { max_new_tokens: 5, return_full_text: true } })
    expect(text.json()).toEqual([{ generated_text: 'Once and more' }])
    expect(server.heard.at(-1)?.body).toEqual({ model: 'inner-name', prompt: 'Once', max_tokens: 5 })
    for (const [body, task, status] of [
      [{ inputs: 'x' }, '/pipeline/image-classification', 400],
      [{ inputs: 'x' }, '/pipeline/text-to-magic', 400],
      [{ inputs: 3 }, '', 400],
      [{ inputs: 'x', parameters: { best_of: 3 } }, '', 400],
      [{ inputs: 'x', stream: true }, '/pipeline/feature-extraction', 400],
      [{ inputs: [] }, '/pipeline/feature-extraction', 400],
      [{}, '', 400],
    ] as const) {
      const answered = await post(body, task)
      expect(answered.status, JSON.stringify(body)).toBe(status)
      expect(typeof answered.json<{ error: unknown }>().error).toBe('string')
    }
  })

  test('Text Generation Inference gets the classic call as it is, and streams its own events', async () => {
    const { ask, ada, serve } = world
    const model = await serve([server.url], { kind: 'tgi' })
    const events = 'data:{"token":{"text":"a"}}\n\ndata:{"token":{"text":"b"},"generated_text":"ab"}\n\n'
    server.play(({ body }, response) => {
      if (body.stream !== true) return answer(response, [{ generated_text: 'ab' }])
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events)
    })
    const body = { inputs: 'Once', parameters: { best_of: 3 } }
    expect((await ask('POST', `/models/${model}`, { token: ada.token, body })).json()).toEqual([
      { generated_text: 'ab' },
    ])
    expect(server.heard.at(-1)).toMatchObject({ path: '/', body: { ...body, stream: false } })
    const streamed = await ask('POST', `/models/${model}`, { token: ada.token, body: { ...body, stream: true } })
    expect(streamed.text).toBe(events)
  })

  // The story: a model is renamed. Its files are still found under the old name, and so is the classic address; programs that name it in a body get 404.
  test('a model that was renamed answers under its old name too, for who may see it and for nobody else', async () => {
    const { ask, ada, bob, carl, chat, serve, usage } = world
    for (const isPrivate of [false, true]) {
      const old = await serve([{ url: server.url, model: 'inner-name' }], { isPrivate })
      const body = { fromRepo: old, toRepo: `${old}-now`, type: 'model' }
      expect((await ask('POST', '/api/repos/move', { token: ada.token, body })).status).toBe(200)
      expect((await chat(old, carl.token)).status).toBe(200)
      expect((await usage()).at(-1)).toMatchObject({ repoName: `${old}-now`, status: 200 })
      const [there, never] = [await chat(old, bob.token), await chat(`${old}-never`, bob.token)]
      expect(there.status).toBe(isPrivate ? 404 : 200)
      if (isPrivate) expect(there.text).toBe(never.text)
    }
  })

  test('a model that no server answers for is said to be one', async () => {
    const { ada, chat, makeModel } = world
    const answered = await chat(await makeModel(false), ada.token)
    expect(answered.status).toBe(404)
    expect(answered.json<OpenAiError>().error.code).toBe('model_not_served')
  })
})
