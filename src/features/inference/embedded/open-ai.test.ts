/** OpenAI's API of models that the hub runs: chats, completions and vectors, whole and as a stream. INF-1, INF-6. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeToken } from '../../../../tests/support/accounts.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../../../../tests/support/embedded.ts'
import { alphabetModel, embeddingModel, embeddingWidth } from '../../../../tests/support/tiny-models.ts'

interface Event {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string }
    readonly text?: string
    readonly finish_reason: string | null
  }[]
  readonly usage?: object
}

describe('OpenAI’s API of models that the hub runs', () => {
  let world: EmbeddedWorld
  let letters: string
  beforeAll(async () => {
    world = await startEmbeddedHub('sqlite')
    letters = await world.run(alphabetModel({ isEndless: false }), { tag: 'text-generation', isPrivate: true })
  })
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })

  const post = (path: string, body: object) => world.ask('POST', `/v1/${path}`, { token: world.ada.token, body })
  const eventsOf = (text: string): Event[] =>
    text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)) as Event)

  test('a chat is put into the template of the model', async () => {
    const messages = [
      { role: 'system', content: 'the' },
      { role: 'user', content: [{ type: 'text', text: 'a b' }] },
    ]
    const answer = await post('chat/completions', { model: letters, messages })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: letters,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'c d e', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      // Three letters and the end.
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    })
    const cut = await post('chat/completions', { model: letters, messages, max_tokens: 2 })
    expect(cut.json<{ choices: unknown[] }>().choices[0]).toMatchObject({
      message: { content: 'c d' },
      finish_reason: 'length',
    })
  })

  test('streams say the same words, and count them whether the caller asks or not', async () => {
    const asked = { model: letters, messages: [{ role: 'user', content: 'a' }], stream: true }
    const told = await post('chat/completions', { ...asked, stream_options: { include_usage: true } })
    expect(told.headers.get('content-type')).toContain('text/event-stream')
    expect(told.text.endsWith('data: [DONE]\n\n')).toBe(true)
    const events = eventsOf(told.text)
    expect(events.map(({ choices }) => choices[0]?.delta?.content ?? '').join('')).toBe('b c d e')
    expect(events.filter(({ choices }) => choices[0]?.finish_reason === 'stop').length).toBe(1)
    expect(events.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 5 } })
    const silent = eventsOf((await post('chat/completions', asked)).text)
    expect(silent.some(({ usage }) => usage !== undefined)).toBe(false)
    const completed = await post('completions', { model: letters, prompt: 'a', stop: 'd', stream: true })
    expect(
      eventsOf(completed.text)
        .map(({ choices }) => choices[0]?.text ?? '')
        .join(''),
    ).toBe('b c ')
    const rows = (await world.usage()).slice(-3)
    expect(rows.map(({ route, backend, tokensIn }) => [route, backend, tokensIn])).toEqual([
      ['chat/completions', 'embedded', 1],
      ['chat/completions', 'embedded', 1],
      ['completions', 'embedded', 1],
    ])
    expect(rows.every(({ tokensOut }) => (tokensOut ?? 0) >= 3)).toBe(true)
  })

  test('stop and seed are kept, and what clients send without meaning anything by it is passed over', async () => {
    const asked = { model: letters, messages: [{ role: 'developer', content: 'a' }], n: 1, parallel_tool_calls: true }
    const more = { response_format: { type: 'text' }, tools: [], tool_choice: 'auto', logprobs: false, seed: 7 }
    const answer = await post('chat/completions', { ...asked, ...more, stop: ['x', ' d'], temperature: 0 })
    expect(answer.status, answer.text).toBe(200)
    const [choice] = answer.json<{ choices: { message: { content: string }; finish_reason: string }[] }>().choices
    expect([choice?.message.content, choice?.finish_reason]).toEqual(['b c', 'stop'])
  })

  test('vectors are of length 1, as numbers or in Base64', async () => {
    const model = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    const plain = await post('embeddings', { model, input: ['dog', 'the cat'] })
    expect(plain.status, plain.text).toBe(200)
    const { data, usage } = plain.json<{ data: { embedding: number[]; index: number }[]; usage: object }>()
    expect(usage).toEqual({ prompt_tokens: 7, total_tokens: 7 })
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
    const packed = await post('embeddings', { model, input: 'dog', encoding_format: 'base64' })
    const bytes = Buffer.from(packed.json<{ data: { embedding: string }[] }>().data[0]?.embedding ?? '', 'base64')
    expect(Array.from({ length: embeddingWidth }, (_, at) => bytes.readFloatLE(at * 4))).toEqual(data[0]?.embedding)
    // What it is not for, in the dialect of the API.
    const chat = await post('chat/completions', { model, messages: [{ role: 'user', content: 'a' }] })
    expect([chat.status, chat.json()]).toEqual([
      400,
      {
        error: {
          message: expect.stringContaining('This model is for sentence-similarity'),
          type: 'invalid_request_error',
          param: null,
          code: 'inference_unsupported',
        },
      },
    ])
  })

  // The attack: fields that would change the answer and are passed over in silence, prompts that are longer than the model, and nonsense.
  test('what cannot be done is refused, and named', async () => {
    const messages = [{ role: 'user', content: 'a' }]
    const refused = async (path: string, body: object) => {
      const { status, json } = await post(path, { model: letters, ...body })
      return [status, json<{ error: { message: string } }>().error.message]
    }
    expect(await refused('chat/completions', { messages, tools: [{ type: 'function' }] })).toEqual([
      400,
      expect.stringContaining('tools'),
    ])
    expect(await refused('chat/completions', { messages, n: 2 })).toEqual([400, expect.stringContaining('"n"')])
    expect(await refused('chat/completions', { messages, unheard_of: 1 })).toEqual([
      400,
      expect.stringContaining('unheard_of'),
    ])
    const image = { type: 'image_url', image_url: { url: 'https://example.org/cat.png' } }
    const called = { role: 'assistant', content: '', tool_calls: [{ id: 'c', type: 'function' }] }
    const cases: readonly (readonly [object, string])[] = [
      [{ n: 2 }, '"n": one answer is given.'],
      [
        { response_format: { type: 'json_schema', json_schema: {} } },
        '"response_format.type": models that the hub runs',
      ],
      [{ logprobs: true }, '"logprobs": probabilities are not told.'],
      [{ top_logprobs: 2 }, '"top_logprobs": probabilities are not told.'],
      [{ tools: [{ type: 'function' }] }, '"tools": models that the hub runs itself call no tools.'],
      [{ tool_choice: 'required' }, '"tool_choice": models that the hub runs itself call no tools.'],
      [{ frequency_penalty: 1 }, '"frequency_penalty": models that the hub runs itself do not know it.'],
      [{ logit_bias: { 7: 1 } }, '"logit_bias": models that the hub runs itself do not know it.'],
      [{ stop: [], seed: -1 }, '"seed"'],
      [{ stop: Array(9).fill('x') }, '"stop"'],
      [
        { messages: [{ role: 'user', content: [image] }] },
        '"messages.0.content.0.type": models that the hub runs itself read',
      ],
      [{ messages: [...messages, called] }, '"messages.1.tool_calls": models that the hub runs itself call no tools.'],
      [{ messages: [{ role: 'user', content: null }] }, '"messages.0.content": a text, or a list of parts.'],
    ]
    for (const [body, words] of cases)
      expect(await refused('chat/completions', { messages, ...body })).toEqual([400, expect.stringContaining(words)])
    expect(await refused('chat/completions', { messages: [] })).toEqual([400, expect.stringContaining('messages')])
    expect(await refused('completions', { prompt: 'a '.repeat(80) })).toEqual([
      400,
      expect.stringContaining('at most 64'),
    ])
    expect(await refused('completions', { prompt: 'a'.repeat(1_000_001) })).toEqual([
      400,
      expect.stringContaining('1000001 characters'),
    ])
    expect(await refused('embeddings', { input: 'a' })).toEqual([400, expect.stringContaining('text-generation')])
  })

  // The story: two callers share a model. One sends a seed, and reads the next answers of the other out of the library beforehand; or gets other answers
  // each time that somebody else calls meanwhile, and takes the model for broken.
  test('story: a seed gives the same answer whoever calls meanwhile, and sets nobody else’s', async () => {
    const model = await world.run(alphabetModel({ isEndless: true }), { tag: 'text-generation' })
    const ask = async (seed: number | null) => {
      const answer = await post('completions', { model, prompt: 'a', max_tokens: 30, temperature: 2, seed })
      expect(answer.status, answer.text).toBe(200)
      return answer.json<{ choices: { text: string }[] }>().choices[0]?.text ?? ''
    }
    const first = await ask(7)
    expect(await ask(8)).not.toBe(first)
    const among = await Promise.all([7, null, 8, 7, null, 7].map(ask))
    expect([among[0], among[3], among[5]]).toEqual([first, first, first])
    const unseeded: (string | undefined)[] = [among[1], among[4]]
    for (let n = 0; n < 2; n++) {
      await ask(7)
      unseeded.push(await ask(null))
    }
    expect(new Set([...unseeded, first]).size).toBe(5)
  })

  // The story: a token leaks while its model is loaded for minutes; it is revoked in time, and gets its answer all the same.
  test('INF-5: a token that is revoked while its model is loaded starts nothing', async () => {
    const { site, bob, host, ask } = world
    const model = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    const token = await makeToken(site, bob, { role: 'read', name: 'leaked' })
    const [other] = host.sources
    if (other === undefined) throw new Error('Nothing is loaded.')
    // Loads come one after the other: this one holds up the next.
    const gate = Promise.withResolvers<void>()
    const slow = { ...other, repoId: 'slow', open: () => gate.promise.then(() => Promise.reject(new Error('never'))) }
    const job = { head: 'feature-extraction', texts: ['a'], isNormalized: null, isCut: true } as const
    const held = expect(
      host.run(slow, job, { signal: new AbortController().signal, patienceMs: 60_000 }),
    ).rejects.toThrow('never')
    const asked = ask('POST', '/v1/embeddings', { token, body: { model, input: 'dog' } })
    const classic = await ask('POST', `/models/${model}/pipeline/feature-extraction`, {
      token,
      body: { inputs: 'dog' },
    })
    expect([classic.status, classic.json()]).toEqual([
      503,
      expect.objectContaining({ error: `Model ${model} is currently loading`, estimated_time: expect.any(Number) }),
    ])
    await site.hub.transaction((tx) => tx.deleteFrom('accessToken').where('name', '=', 'leaked').execute())
    gate.resolve()
    await held
    const refused = await asked
    expect([refused.status, refused.text]).toEqual([401, expect.stringContaining('invalid_credentials')])
    expect((await world.usage()).at(-1)).toMatchObject({ status: 401, tokensIn: null, backend: 'embedded' })
  }, 60_000)

  test('a caller who leaves ends the work', async () => {
    const endless = await world.run(alphabetModel({ isEndless: true, most: 100_000 }), { tag: 'text-generation' })
    const leaving = httpRequest(`${world.site.url}/v1/completions`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${world.ada.token}`, 'content-type': 'application/json' },
    })
    leaving.on('error', () => undefined)
    leaving.end(JSON.stringify({ model: endless, prompt: 'a', max_tokens: 4096, stream: true }))
    const [begun] = (await once(leaving, 'response')) as [IncomingMessage]
    await once(begun, 'data')
    leaving.destroy()
    await vi.waitFor(
      async () => expect((await world.usage()).at(-1)).toMatchObject({ status: 499, backend: 'embedded' }),
      {
        timeout: 10_000,
      },
    )
    await vi.waitFor(() => expect(world.host.underWay).toBe(0), { timeout: 10_000 })
  }, 40_000)
})
