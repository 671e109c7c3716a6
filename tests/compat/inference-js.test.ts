/** `@huggingface/inference` and the `openai` package for JavaScript, unmodified, against models that a scripted server answers for. */
import * as hf from '@huggingface/inference'
import OpenAI, { APIError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeToken } from '../support/accounts.ts'
import { hello, type InferenceWorld, startInference } from '../support/inference.ts'
import {
  answer,
  helloEvents,
  type ModelServer,
  type Script,
  sayHello,
  startModelServer,
} from '../support/model-server.ts'

/** Begins, and goes on until whoever asked leaves. */
const goesOn: Script = async ({ body }, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let n = 0; n < 500 && !response.destroyed; n++) {
    response.write(helloEvents(body.model)[0])
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  response.end()
}

describe('clients of JavaScript call models', () => {
  let world: InferenceWorld
  let server: ModelServer
  let chat: string
  let embed: string
  let weak: string

  beforeAll(async () => {
    world = await startInference('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
    chat = await world.serve([server.url], { isPrivate: true })
    embed = await world.serve([server.url], { isPrivate: true, kind: 'tei' })
    weak = await makeToken(world.site, world.ada, { role: 'fineGrained', scoped: ['org:acme=repo.content.read'] })
  })
  beforeEach(() => server.play(sayHello))
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  const openai = (apiKey = world.ada.token) => new OpenAI({ baseURL: `${world.site.url}/v1`, apiKey, maxRetries: 0 })
  const refusedBy = async (asked: PromiseLike<unknown>): Promise<APIError> => {
    const error = await Promise.resolve(asked).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof APIError)) throw new Error(`Not an APIError: ${String(error)}`)
    return error
  }
  const messages = hello.messages.map(({ content }) => ({ role: 'user' as const, content }))

  // The story: a page of another site calls a model with the openai package. Its browser asks first whether the headers of that package may be sent; one
  // that is not allowed, and the call is never made.
  test('from pages of other sites: every header that the clients send is let through by the hub', async () => {
    const sent = new Set<string>()
    const seeing: typeof fetch = (input, init) => {
      for (const [name] of new Headers(init?.headers ?? (input as Request).headers)) sent.add(name)
      return fetch(input, init)
    }
    const browser = { dangerouslyAllowBrowser: true, organization: 'o', project: 'p' }
    const asOpenAi = { baseURL: `${world.site.url}/v1`, apiKey: world.ada.token, fetch: seeing, ...browser }
    const client = new OpenAI(asOpenAi)
    for await (const _ of await client.chat.completions.create({ model: chat, messages, stream: true }));
    await client.chat.completions.stream({ model: chat, messages }).finalChatCompletion()
    const endpointUrl = `${world.site.url}/models/${chat}`
    const other = new hf.InferenceClient(world.ada.token, { endpointUrl, billTo: 'acme', fetch: seeing })
    await other.chatCompletion({ messages })
    expect([...sent]).toEqual(expect.arrayContaining(['authorization', 'x-stainless-lang', 'x-hf-bill-to']))
    const asked = await fetch(`${world.site.url}/v1/chat/completions`, { method: 'OPTIONS' })
    const allowed = asked.headers.get('access-control-allow-headers')?.toLowerCase().split(', ')
    expect(allowed).toEqual(expect.arrayContaining([...sent, 'x-wait-for-model']))
    expect(asked.headers.get('access-control-expose-headers')).toContain('Retry-After')
  })

  test('openai: models, chat, streams, completions, embeddings and responses', async () => {
    const client = openai()
    const ids: string[] = []
    for await (const { id } of client.models.list()) ids.push(id)
    expect(ids.sort()).toEqual([chat, embed].sort())
    expect((await client.models.retrieve(chat)).id).toBe(chat)
    const said = await client.chat.completions.create({ model: chat, messages })
    expect([said.choices[0]?.message.content, said.usage?.completion_tokens]).toEqual(['Hello', 3])
    let text = ''
    for await (const event of await client.chat.completions.create({ model: chat, messages, stream: true })) {
      text += event.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('Hello – ü')
    expect((await client.completions.create({ model: chat, prompt: 'Once' })).choices[0]?.text).toBe(' and more')
    const vectors = await client.embeddings.create({ model: embed, input: ['abc', 'b'], encoding_format: 'float' })
    expect(vectors.data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding)).toEqual([
      [3, 1, 0],
      [1, 1, 0],
    ])
    expect((await client.responses.create({ model: chat, input: 'Hello' })).id).toBe('r')
  })

  test('openai: each refusal has its class, its code and its reason', async () => {
    const ask = (client: OpenAI, model = chat) => client.chat.completions.create({ model, messages })
    expect(await refusedBy(ask(openai(`hf_${'x'.repeat(37)}`)))).toMatchObject({
      status: 401,
      code: 'invalid_credentials',
    })
    const denied = await refusedBy(ask(openai(weak)))
    expect(denied).toBeInstanceOf(PermissionDeniedError)
    expect(denied).toMatchObject({ status: 403, code: 'token_permission' })
    expect(denied.message).toContain('inference.serverless.write')
    const missing = await refusedBy(ask(openai(), 'acme/none'))
    expect(missing).toBeInstanceOf(NotFoundError)
    expect(missing).toMatchObject({ status: 404, code: 'repo_not_found' })
    server.play((_heard, response) => answer(response, { error: { message: 'max_tokens is too large' } }, 422))
    const refused = await refusedBy(ask(openai()))
    expect([refused.status, refused.code]).toEqual([422, 'backend_refused'])
    expect(refused.message).toContain('max_tokens is too large')
    server.play((_heard, response) => answer(response, {}, 429))
    const busy = await refusedBy(ask(openai()))
    expect([busy.status, busy.code, busy.headers?.get('retry-after')]).toEqual([503, 'inference_busy', '5'])
    server.play((_heard, response) => answer(response, {}, 500))
    expect(await refusedBy(ask(openai()))).toMatchObject({ status: 502, code: 'backend_failed' })
  })

  test('both: a call too many gets 429, which each takes for what it is', async () => {
    const limited = await startInference('sqlite', { HOLDFAST_RATE_LIMIT_API: '6', HOLDFAST_LOG_LEVEL: 'silent' })
    try {
      const model = await limited.serve([server.url])
      const { token } = limited.bob
      const client = new OpenAI({ baseURL: `${limited.site.url}/v1`, apiKey: token, maxRetries: 0 })
      for (let n = 0; n < 6; n++) await client.chat.completions.create({ model, messages })
      const refused = await refusedBy(client.chat.completions.create({ model, messages }))
      expect(refused).toBeInstanceOf(RateLimitError)
      expect(refused.headers?.get('ratelimit')).toContain('"api"')
      const other = hf.chatCompletion({
        accessToken: token,
        endpointUrl: `${limited.site.url}/models/${model}`,
        messages,
      })
      await expect(other).rejects.toMatchObject({ httpResponse: { status: 429 } })
    } finally {
      await limited.site.stop()
    }
  })

  test('openai: a stream that is broken off upstream is an error, and one that is left is left upstream', async () => {
    const client = openai()
    server.play(({ body }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(helloEvents(body.model)[0])
      setTimeout(() => response.destroy(), 30)
    })
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of await client.chat.completions.create({ model: chat, messages, stream: true })) {
        seen.push(event.choices[0]?.delta.content ?? '')
      }
    })()
    await expect(reading).rejects.toThrow('The server of this model failed')
    expect(seen).toEqual(['Hel'])
    server.play(goesOn)
    for await (const _event of await client.chat.completions.create({ model: chat, messages, stream: true })) break
    await vi.waitFor(() => expect(server.heard.at(-1)?.left).toBe(true))
    expect((await world.usage()).at(-1)).toMatchObject({ status: 499 })
  })

  test('@huggingface/inference: by endpointUrl and by the address of the hub', async () => {
    const { site, ada } = world
    const at = (model: string, path = '') => ({
      accessToken: ada.token,
      endpointUrl: `${site.url}/models/${model}${path}`,
    })
    expect((await hf.chatCompletion({ ...at(chat), messages })).choices[0]?.message.content).toBe('Hello')
    const byModel = { accessToken: ada.token, endpointUrl: `${site.url}/v1`, model: chat }
    expect((await hf.chatCompletion({ ...byModel, messages })).choices[0]?.message.content).toBe('Hello')
    expect(server.heard.at(-1)?.body.model).toBe(chat)
    let text = ''
    for await (const event of new hf.InferenceClient(ada.token, {
      endpointUrl: `${site.url}/models/${chat}`,
    }).chatCompletionStream({
      messages,
    })) {
      text += event.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('Hello – ü')
    expect(await hf.textGeneration({ ...at(chat), inputs: 'Once', parameters: { max_new_tokens: 5 } })).toEqual({
      generated_text: ' and more',
    })
    expect(server.heard.at(-1)?.body).toMatchObject({ prompt: 'Once', max_tokens: 5 })
    expect(await hf.featureExtraction({ ...at(embed), inputs: 'abc' })).toEqual([3, 1, 0])
    expect(await hf.featureExtraction({ ...at(embed), inputs: ['abc', 'b'] })).toEqual([
      [3, 1, 0],
      [1, 1, 0],
    ])
    const inputs = { source_sentence: 'a', sentences: ['a', 'bbb'] }
    const near = await hf.sentenceSimilarity({ ...at(embed, '/pipeline/sentence-similarity'), inputs })
    expect(near[0]).toBeCloseTo(1)
    expect(near.length).toBe(2)
  })

  test('@huggingface/inference: refusals with their words, of whole calls and of streams; a stream that is left is left upstream', async () => {
    const { site, ada } = world
    const at = (model: string, accessToken = ada.token) => ({ accessToken, endpointUrl: `${site.url}/models/${model}` })
    const refusal = async (asked: Promise<unknown>) => {
      const error = await asked.then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof hf.InferenceClientProviderApiError)) throw new Error(`Not its error: ${String(error)}`)
      // Of whole answers in OpenAI's shape it puts none of the words into its message: they are in the body that it keeps.
      return { status: error.httpResponse.status, message: JSON.stringify([error.message, error.httpResponse.body]) }
    }
    const streamed = async (accessToken: string, signal?: AbortSignal) => {
      const options = signal === undefined ? {} : { signal }
      for await (const _event of hf.chatCompletionStream({ ...at(chat, accessToken), messages }, options));
    }
    const wrong = `hf_${'x'.repeat(37)}`
    for (const ask of [
      () => hf.chatCompletion({ ...at(chat, weak), messages }),
      () => streamed(weak),
      () => hf.featureExtraction({ ...at(embed, weak), inputs: 'a' }),
    ]) {
      const { status, message } = await refusal(ask())
      expect(status).toBe(403)
      expect(message).toContain('inference.serverless.write')
    }
    expect((await refusal(streamed(wrong))).status).toBe(401)
    const missing = await refusal(hf.chatCompletion({ ...at('acme/none'), messages }))
    expect(missing.status).toBe(404)
    // It asks again on 503, at once and for ever, unless it is told not to.
    server.play((_heard, response) => answer(response, {}, 429))
    const busy = await refusal(hf.featureExtraction({ ...at(embed), inputs: 'a' }, { retry_on_error: false }))
    expect(busy.status).toBe(503)
    server.play(goesOn)
    const leaving = new AbortController()
    setTimeout(() => leaving.abort(), 200)
    await expect(streamed(ada.token, leaving.signal)).rejects.toThrow()
    await vi.waitFor(() => expect(server.heard.at(-1)?.left).toBe(true))
  })
})
