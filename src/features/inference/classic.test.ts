/** The classic API in terms of what servers speak: streams of text, details, labels, ranks and speech; and what a server may not get away with. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import { answer, type ModelServer, type Script, startModelServer } from '../../../tests/support/model-server.ts'

interface Piece {
  readonly index: number
  readonly token: { readonly text: string; readonly special: boolean }
  readonly generated_text: string | null
  readonly details: object | null
}

const usage = { prompt_tokens: 3, completion_tokens: 2 }
const choiceOf = (text: string, more: object = {}) => ({ index: 0, text, ...more })
const eventOf = (value: unknown) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
const streamOf =
  (...events: readonly string[]): Script =>
  async (_heard, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const part of events) {
      response.write(part)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    response.end()
  }
const words: Script = streamOf(
  eventOf({ choices: [choiceOf(' änd')] }),
  eventOf({ choices: [choiceOf(' more', { finish_reason: null })] }),
  eventOf({ choices: [choiceOf('', { finish_reason: 'stop', stop_reason: '.' })] }),
  eventOf({ choices: [], usage }),
  eventOf('[DONE]'),
)

describe('the classic API', () => {
  let world: InferenceWorld
  let server: ModelServer
  let texts: string
  let tei: string

  beforeAll(async () => {
    world = await startInference('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
    texts = await world.serve([{ url: server.url, model: 'inner' }])
    tei = await world.serve([server.url], { kind: 'tei' })
  })
  beforeEach(() => server.heard.splice(0))
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  const post = (model: string, body: unknown, task = '') =>
    world.ask('POST', `/models/${model}${task === '' ? '' : `/pipeline/${task}`}`, { token: world.ada.token, body })
  const pieces = (text: string): Piece[] =>
    text
      .split('\n\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line.replace(/^data:/, '')) as Piece)
  const sent = () => server.heard.at(-1)?.body

  test('streams of text come in the events of Text Generation Inference, whatever pieces the bytes come in', async () => {
    server.play(words)
    const parameters = { max_new_tokens: 5, stop: ['.'], do_sample: false, return_full_text: true }
    const streamed = await post(texts, { inputs: 'Once', parameters, stream: true })
    expect([streamed.status, streamed.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const asked = { model: 'inner', prompt: 'Once', max_tokens: 5, temperature: 0, stop: ['.'], stream: true }
    expect(sent()).toEqual({ ...asked, stream_options: { include_usage: true } })
    const all = pieces(streamed.text)
    expect(all.map(({ index, token }) => [index, token.text, token.special])).toEqual([
      [1, ' änd', false],
      [2, ' more', false],
      [3, '', true],
    ])
    expect(all.slice(0, 2).map(({ generated_text }) => generated_text)).toEqual([null, null])
    expect(all.at(-1)).toMatchObject({
      generated_text: 'Once änd more',
      details: { finish_reason: 'stop_sequence', generated_tokens: 2, input_length: 3 },
    })
    expect((await world.usage()).at(-1)).toMatchObject({ route: 'text-generation', tokensIn: 3, tokensOut: 2 })
    // A byte at a time, in the middle of letters and lines.
    const bytes = Buffer.from(eventOf({ choices: [choiceOf(' änd')] }) + eventOf({ choices: [choiceOf(' so')] }))
    server.play(async (_heard, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const byte of bytes) {
        response.write(Buffer.from([byte]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    })
    const slow = pieces((await post(texts, { inputs: 'x', stream: true })).text)
    expect(slow.map(({ token }) => token.text)).toEqual([' änd', ' so', ''])
    expect(slow.at(-1)?.generated_text).toBe(' änd so')
  })

  // The story: a server sends half a stream, nonsense, or a whole answer, and the caller takes what came for all of it.
  test('a stream that is none, or is not whole, never ends as if it were', async () => {
    const { site, ada } = world
    const broken = [
      streamOf(eventOf({ choices: [choiceOf('half')] }), eventOf('{"choices":')),
      streamOf(eventOf({ choices: [choiceOf('half')] }), eventOf({ error: { message: 'out of memory' } })),
      streamOf(eventOf('[DONE]')),
    ]
    for (const script of broken) {
      server.play(script)
      const response = await fetch(`${site.url}/models/${texts}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: 'x', stream: true }),
      })
      let text = ''
      const reading = (async () => {
        for await (const part of response.body ?? []) text += Buffer.from(part as Uint8Array).toString()
      })()
      await expect(reading).rejects.toThrow()
      expect(text).toContain('"code":"backend_failed"')
      expect(text).not.toContain('out of memory')
      expect(text).not.toContain('"generated_text":"')
      expect((await world.usage()).at(-1)).toMatchObject({ status: 502 })
    }
    server.play((_heard, response) => answer(response, { choices: [choiceOf('whole')] }))
    expect((await post(texts, { inputs: 'x', stream: true })).status).toBe(502)
  })

  test('details of a whole text, and what only some servers know', async () => {
    for (const [more, reason] of [
      [{ finish_reason: 'length' }, 'length'],
      [{ finish_reason: 'stop', stop_reason: '.' }, 'stop_sequence'],
      [{ finish_reason: 'stop', stop_reason: null }, 'eos_token'],
    ] as const) {
      server.play((_heard, response) => answer(response, { choices: [choiceOf(' more', more)], usage }))
      const told = await post(texts, { inputs: 'Once', parameters: { details: true, seed: 7, top_k: 5 } })
      const details = { finish_reason: reason, generated_tokens: 2, seed: 7, prefill: [], tokens: [] }
      expect(told.json()).toEqual([{ generated_text: ' more', details }])
      expect(sent()).toMatchObject({ seed: 7, top_k: 5 })
    }
    const other = await world.serve([server.url], { kind: 'llama.cpp' })
    const refused = await post(other, { inputs: 'Once', parameters: { top_k: 5 } })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('top_k')])
  })

  test('labels of texts come from Text Embeddings Inference, the likeliest first, a list for each text', async () => {
    const scores = [
      { label: 'bad', score: 0.1 },
      { label: 'good', score: 0.9 },
    ]
    server.play(({ body }, response) =>
      answer(
        response,
        (body.inputs as unknown[]).map(() => scores),
      ),
    )
    const sorted = scores.toReversed()
    expect((await post(tei, { inputs: 'a' }, 'text-classification')).json()).toEqual([sorted])
    expect(server.heard.at(-1)?.path).toBe('/predict')
    expect(sent()).toEqual({ inputs: [['a']], raw_scores: false })
    const two = await post(tei, { inputs: ['a', 'b'], parameters: { top_k: 1 } }, 'text-classification')
    expect(two.json()).toEqual([sorted.slice(0, 1), sorted.slice(0, 1)])
    server.play((_heard, response) => answer(response, [scores]))
    expect((await post(tei, { inputs: ['a', 'b'] }, 'text-classification')).status).toBe(502)
    expect((await post(texts, { inputs: 'a' }, 'text-classification')).status).toBe(400)
    expect((await post(tei, { inputs: 'a', parameters: { x: 1 } }, 'text-classification')).status).toBe(400)
  })

  // The story: InferenceClient.feature_extraction(normalize=True) writes `normalize` beside `inputs`. The vectors come as the server made them, nothing is
  // said, and a search that takes products for cosines ranks by the length of texts.
  test('what vectors are asked to be they are, or the call is refused by the name of the field', async () => {
    const given = [3, 4]
    server.play(({ path, body }, response) =>
      path === '/embed'
        ? answer(
            response,
            [].concat(body.inputs as never).map(() => given),
          )
        : answer(response, { data: [].concat(body.input as never).map((_, index) => ({ index, embedding: given })) }),
    )
    const task = 'feature-extraction'
    expect((await post(texts, { inputs: 'a' }, task)).json()).toEqual([3, 4])
    expect((await post(texts, { inputs: 'a', normalize: true }, task)).json()).toEqual([0.6, 0.8])
    expect((await post(texts, { inputs: ['a'], parameters: { normalize: true } }, task)).json()).toEqual([[0.6, 0.8]])
    expect((await post(texts, { inputs: 'a', parameters: { dimensions: 2 } }, task)).status).toBe(200)
    expect(sent()).toEqual({ model: 'inner', input: 'a', dimensions: 2 })
    for (const [name, value] of [
      ['truncate', true],
      ['normalize', false],
      ['prompt_name', 'query'],
    ] as const) {
      const refused = await post(texts, { inputs: 'a', [name]: value }, task)
      expect(refused.status, name).toBe(400)
      expect(refused.json<{ error: string }>().error).toContain(`"${name}"`)
    }
    // Text Embeddings Inference has words for all of them.
    const asked = { normalize: false, truncate: true, truncation_direction: 'left', prompt_name: 'query' }
    expect((await post(tei, { inputs: 'a', ...asked }, task)).json()).toEqual([3, 4])
    expect(server.heard.at(-1)?.path).toBe('/embed')
    expect(sent()).toEqual({ inputs: ['a'], ...asked, truncation_direction: 'Left' })
    server.play((_heard, response) => answer(response, [[1], [2]]))
    expect((await post(tei, { inputs: 'a', ...asked }, task)).status).toBe(502)
  })

  // The story: a server numbers its vectors wrongly, and texts are found by the vectors of others.
  test('vectors that are not numbered as the texts are no answer', async () => {
    for (const numbers of [
      [0, 0],
      [1, 2],
      [0, 2],
    ]) {
      const data = numbers.map((index) => ({ index, embedding: [index, 1] }))
      server.play((_heard, response) => answer(response, { data }))
      expect((await post(texts, { inputs: ['a', 'b'] }, 'feature-extraction')).status, `${numbers}`).toBe(502)
    }
    const data = [1, 0].map((index) => ({ index, embedding: [index, 1] }))
    server.play((_heard, response) => answer(response, { data }))
    expect((await post(texts, { inputs: ['a', 'b'] }, 'feature-extraction')).json()).toEqual([
      [0, 1],
      [1, 1],
    ])
  })

  // The story: a field is misspelt, or meant for another task. The answer comes as if it had not been sent.
  test('a field that the address does not know is refused by its name', async () => {
    server.heard.splice(0)
    const pair = { source_sentence: 'a', sentences: ['b'] }
    for (const [body, task, name] of [
      [{ inputs: 'a', normalise: true }, 'feature-extraction', 'normalise'],
      [{ inputs: 'a', parameters: { pooling: 'cls' } }, 'feature-extraction', 'pooling'],
      [{ inputs: pair, parameters: { x1: 1 } }, 'sentence-similarity', 'x1'],
      [{ inputs: 'a', max_tokens: 5 }, 'text-generation', 'max_tokens'],
    ] as const) {
      const refused = await post(texts, body, task)
      expect(refused.status, name).toBe(400)
      expect(refused.json<{ error: string }>().error).toContain(name)
    }
    const ranked = { inputs: { query: 'a', texts: ['b'] }, parameters: { x2: 1 } }
    expect((await post(tei, ranked, 'sentence-ranking')).status).toBe(400)
    expect(server.heard.length).toBe(0)
  })

  // The story: a script calls /models/gpt2, or the base address without its slash, and has to make sense of a page in HTML.
  test('where nothing stands, clients are told so in their own words', async () => {
    const body = { inputs: 'a' }
    const { token } = world.ada
    const bare = await world.ask('POST', '/models/gpt2', { token, body })
    expect(bare.status).toBe(404)
    expect(typeof bare.json<{ error: unknown }>().error).toBe('string')
    for (const [method, path] of [
      ['GET', '/v1'],
      ['GET', `/models/${texts}/v1/models`],
      ['POST', `/models/${texts}/v1/x`],
    ] as const) {
      const answered = await world.ask(method, path, { token, ...(method === 'POST' ? { body } : {}) })
      expect(answered.status, path).toBe(404)
      expect(answered.json<{ error: { message: string } }>().error.message, path).toContain('Not found')
    }
  })

  // The story: a server answers with ranks of texts that nobody sent, or forgets one, and a search shows the wrong page.
  test('ranks of texts come from Text Embeddings Inference, each text once', async () => {
    const inputs = { query: 'q', texts: ['a', 'b'] }
    server.play((_heard, response) =>
      answer(response, [
        { index: 0, score: 0.1 },
        { index: 1, score: 0.7 },
      ]),
    )
    for (const task of ['sentence-ranking', 'text-ranking']) {
      expect((await post(tei, { inputs: { ...inputs, return_text: true } }, task)).json()).toEqual([
        { index: 1, score: 0.7, text: 'b' },
        { index: 0, score: 0.1, text: 'a' },
      ])
    }
    expect(server.heard.at(-1)?.path).toBe('/rerank')
    expect(sent()).toEqual({ query: 'q', texts: ['a', 'b'], return_text: false })
    for (const wrong of [
      [{ index: 0, score: 1 }],
      [0, 0].map((index) => ({ index, score: 1 })),
      [0, 2].map((index) => ({ index, score: 1 })),
      {},
    ]) {
      server.play((_heard, response) => answer(response, wrong))
      expect((await post(tei, { inputs }, 'sentence-ranking')).status).toBe(502)
    }
  })

  // The story: a recording has the end of a form in it, and what follows becomes a field that the caller may not say.
  test('speech goes on as a form, byte for byte, and comes back as text', async () => {
    const { site, ada } = world
    const heard: Buffer[] = []
    const types: string[] = []
    const { createServer } = await import('node:http')
    const listening = createServer((request, response) => {
      const parts: Buffer[] = []
      types.push(request.headers['content-type'] ?? '')
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        heard.push(Buffer.concat(parts))
        answer(response, { text: 'hello', language: 'en' })
      })
    })
    await new Promise<void>((ready) => listening.listen(0, '127.0.0.1', ready))
    const address = listening.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const model = await world.serve([{ url: `http://127.0.0.1:${port}`, model: 'whisper\r\nx: y' }])
    const wav = Buffer.concat([
      Buffer.from('RIFF0000WAVE\r\n----\r\nContent-Disposition: form-data; name="model"\r\n\r\nother'),
      Buffer.from([0, 255, 13, 10]),
    ])
    const speak = (body: Buffer | string, type: string) =>
      fetch(`${site.url}/models/${model}/pipeline/automatic-speech-recognition`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': type },
        body,
      })
    const asJson = JSON.stringify({ inputs: wav.toString('base64'), parameters: { language: 'en' } })
    for (const [body, type] of [
      [wav, 'audio/wav'],
      [asJson, 'application/json'],
    ] as const) {
      const response = await speak(body, type)
      expect([response.status, await response.text()]).toEqual([200, '{"text":"hello"}'])
      const form = await new Response(heard.at(-1), { headers: { 'content-type': types.at(-1) ?? '' } }).formData()
      expect([form.getAll('model'), form.get('response_format')]).toEqual([['whisper  x: y'], 'json'])
      const file = form.get('file')
      if (!(file instanceof File)) throw new Error('There is no file.')
      expect(file.name).toBe('audio.wav')
      expect(Buffer.from(await file.arrayBuffer()).equals(wav)).toBe(true)
    }
    expect((await speak('plain words', 'audio/wav')).status).toBe(400)
    expect((await speak(JSON.stringify({ inputs: 'no base64!' }), 'application/json')).status).toBe(400)
    expect((await speak(Buffer.alloc(17_000_000, 1), 'audio/wav')).status).toBe(413)
    const silent = await fetch(`${site.url}/models/${tei}/pipeline/automatic-speech-recognition`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'audio/wav' },
      body: wav,
    })
    expect(silent.status).toBe(400)
    expect(heard.length).toBe(2)
    await new Promise((closed) => listening.close(closed).closeAllConnections())
  })
})
