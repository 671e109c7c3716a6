/** What goes wrong behind a model, and what somebody tries with it: servers that are down, slow, cut, lie or hang, and callers that do. */
import { Agent, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { eicar } from '../../../tests/scanning/samples.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { hello, type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import {
  answer,
  helloEvents,
  type ModelServer,
  sayHello,
  startModelServer,
} from '../../../tests/support/model-server.ts'
import { gatewayOf } from './gateway.ts'
import { findServed } from './queries.ts'

interface OpenAiError {
  readonly error: { readonly message: string; readonly code: string }
}

describe.each(dialects)('what goes wrong with models on %s', (dialect) => {
  let world: InferenceWorld
  let first: ModelServer
  let second: ModelServer
  const raw: Server[] = []

  beforeAll(async () => {
    world = await startInference(dialect, {
      HOLDFAST_INFERENCE_FIRST_BYTE: '1s',
      HOLDFAST_INFERENCE_CONCURRENCY: '2',
      HOLDFAST_LOG_LEVEL: 'silent',
    })
    first = await startModelServer()
    second = await startModelServer()
  })
  beforeEach(() => {
    first.play(sayHello)
    second.play(sayHello)
    first.heard.length = 0
    second.heard.length = 0
  })
  afterAll(async () => {
    for (const server of raw) server.close()
    await first.stop()
    await second.stop()
    await world.site.stop()
  })

  /** A server that says these bytes to whoever connects, whatever is asked. */
  async function startRaw(bytes: string): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end(bytes))
    })
    raw.push(server)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  /** A server that says the one once, and the other again and again. */
  async function startTalking(once: string, often: string): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(once)
        const talking = setInterval(() => socket.write(often), 200)
        socket.once('close', () => clearInterval(talking))
      })
    })
    raw.push(server)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  /** The first in the list is asked first. */
  const heavyFirst = (url: string, other: string) => [
    { url, weight: 100, kind: 'vllm' },
    { url: other, weight: 1, kind: 'openai' },
  ]
  const always = { random: () => 0.5 }
  const code = (text: string) => (JSON.parse(text) as OpenAiError).error.code

  // The story: a server is behind a proxy that says "everything is well" in HTML, redirects to a login, or breaks off; a client that takes the
  // answer for JSON fails with words that lead nowhere.
  test('a server that is down, answers HTML, redirects, lies about lengths or breaks off is a clear 502', async () => {
    const { ada, serve, chat, usage } = world
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
    const cases: readonly [string, string, string][] = [
      ['down', 'http://127.0.0.1:1', 'could not be reached'],
      ['HTML', await startRaw('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<h1>Welcome</h1>'), 'text/html'],
      ['a redirect', await startRaw('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n'), 'redirects'],
      ['too short', await startRaw(`${head}content-length: 1000\r\n\r\n{"a":`), 'broke off'],
      ['cut chunks', await startRaw(`${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n`), 'broke off'],
      ['no JSON', await startRaw(`${head}content-length: 5\r\n\r\n{"a":`), 'not valid JSON'],
      ['no HTTP', await startRaw('SSH-2.0-OpenSSH_9.2\r\n'), 'could not be reached'],
      ['its key', await startRaw('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n'), 'does not take the key'],
      ['an error', await startRaw('HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n'), 'answered 500'],
      ['bytes', await startRaw('HTTP/1.1 200 OK\r\n\r\nhello'), 'not with JSON'],
      ['an empty stream', await startRaw('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'), 'ended before'],
    ]
    for (const [name, url, words] of cases) {
      const model = await serve([url])
      const answered = await chat(model, ada.token, { stream: name === 'an empty stream' })
      expect(answered.status, name).toBe(502)
      expect(answered.json<OpenAiError>().error.message, name).toContain(words)
      // Where the server is, is its administrators' business.
      expect(answered.text, name).not.toContain('127.0.0.1')
      expect((await usage()).at(-1), name).toMatchObject({ status: 502, tokensIn: null })
    }
  })

  // The story: a server runs out of memory, and says so with 200, as a proxy makes of it. The hub holds it for well and hands its words on as an answer;
  // clients look for the first choice and die of a null, although the other server could have answered.
  test('a server that says 200 and then that it failed is passed over, and where there is no other its words are told', async () => {
    const { ada, serve, chat, ask, usage } = world
    const cases: readonly [unknown, string][] = [
      [{ error: { message: 'CUDA out of memory; Bearer sk-oom-key', type: 'server_error' } }, 'CUDA out of memory'],
      [{ object: 'error', message: 'engine is dead', code: 500 }, 'engine is dead'],
      [{ error: 'overloaded', error_type: 'overloaded' }, 'overloaded'],
      [{}, 'no \\"choices\\"'],
      [[1, 2], 'no \\"choices\\"'],
    ]
    for (const [said, words] of cases) {
      first.play((_heard, response) => answer(response, said))
      const alone = await chat(await serve([{ url: first.url, secret: 'sk-oom-key' }]), ada.token)
      expect(alone.status, words).toBe(502)
      expect(alone.text).toContain(words)
      expect(alone.text).not.toContain('sk-oom-key')
      expect((await usage()).at(-1)).toMatchObject({ status: 502 })
      const model = await serve(heavyFirst(first.url, second.url))
      for (let n = 0; n < 3; n++) expect((await chat(model, ada.token)).status).toBe(200)
    }
    // As vLLM does where the engine fails before the first word.
    first.play((_heard, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: {"error":{"message":"engine is dead"}}\n\ndata: [DONE]\n\n')
    })
    const model = await serve(heavyFirst(first.url, second.url))
    for (let n = 0; n < 3; n++) {
      expect((await chat(model, ada.token, { stream: true })).text).toBe(helloEvents(model).join(''))
    }
    const alone = await chat(await serve([first.url]), ada.token, { stream: true })
    expect([alone.status, alone.text]).toEqual([502, expect.stringContaining('engine is dead')])
    // A response that failed is an answer of this API.
    const failed = { object: 'response', status: 'failed', error: { code: 'x', message: 'y' }, output: [] }
    first.play((_heard, response) => answer(response, failed))
    const response = await ask('POST', '/v1/responses', {
      token: ada.token,
      body: { model: await serve([first.url]), input: 'x' },
    })
    expect([response.status, response.json()]).toEqual([200, failed])
  })

  // The story: the account behind a server has nothing left (402), or Text Generation Inference fails while it generates (424). Callers are told that their
  // request is wrong, rewrite it in vain, and the server that could have answered is not asked.
  test('what is below 500 and not about the request is the fault of the server', async () => {
    const { ada, serve, chat } = world
    for (const status of [402, 408, 409, 424]) {
      first.play((_heard, response) => answer(response, { error: 'failed during generation; sk-lost-key' }, status))
      const model = await serve(heavyFirst(first.url, second.url))
      for (let n = 0; n < 2; n++) expect((await chat(model, ada.token)).status, `${status}`).toBe(200)
      const alone = await chat(await serve([{ url: first.url, secret: 'sk-lost-key' }]), ada.token)
      expect([alone.status, code(alone.text)], `${status}`).toEqual([502, 'backend_failed'])
      expect(alone.text).toContain(`answered ${status}: failed during generation`)
      expect(alone.text).not.toContain('sk-lost-key')
    }
  })

  // The story: a field of a call is wrong. The server, as all that are built on FastAPI, says which in a list, and the caller is told "422".
  test('what a server says of single fields is told, without what was in them', async () => {
    const { ada, serve, chat } = world
    const detail = [
      { loc: ['body', 'messages', 0, 'role'], msg: 'Field required', type: 'missing', input: 'my secret words' },
      { loc: ['body', 'seed'], msg: 'Input should be a valid integer', type: 'int_type' },
    ]
    first.play((_heard, response) => answer(response, { detail }, 422))
    const refused = await chat(await serve([first.url]), ada.token)
    expect(refused.status).toBe(422)
    expect(refused.text).toContain('messages.0.role: Field required; seed: Input should be a valid integer')
    expect(refused.text).not.toContain('secret words')
  })

  // The story: a server hangs with the connection open, and takes every caller's connection with it.
  test('a server that hangs before its first byte is left after the time that is set', async () => {
    const { ada, serve, chat } = world
    first.play(() => undefined)
    const startedAt = performance.now()
    const answered = await chat(await serve([first.url]), ada.token)
    expect(answered.status).toBe(502)
    expect(answered.text).toContain('did not answer in time')
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    await vi.waitFor(() => expect(first.underWay()).toBe(0))
    expect(first.heard[0]?.left).toBe(true)
  })

  // The story: somebody names a server that speaks another protocol (101), that says "103 Early Hints" for ever, or a header a second. None of them
  // is silent, and none ever answers: calls of their model wait without end, also when their callers have left, and hold their places at the server.
  test('a server that says something and never answers is left after the time that is set, and holds no place', async () => {
    const { ada, serve, chat, site } = world
    const head = 'HTTP/1.1 200 OK\r\n'
    const cases: readonly [string, string, string][] = [
      [
        'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
        '',
        'not what was asked',
      ],
      ['', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'did not answer in time'],
      [head, 'x: y\r\n', 'did not answer in time'],
    ]
    for (const [once, often, words] of cases) {
      const model = await serve([await startTalking(once, often)])
      const startedAt = performance.now()
      const answered = await chat(model, ada.token)
      expect(answered.status, words).toBe(502)
      expect(answered.text).toContain(words)
      expect(performance.now() - startedAt).toBeLessThan(4_000)
      expect(gatewayOf(site.hub).load()).toMatchObject({ running: 0 })
    }
  })

  test('the next server answers where one fails before its first byte, and the caller sees nothing of it', async () => {
    const { ada, serve, chat } = world
    for (const fails of [
      (response: { destroy(): void }) => response.destroy(),
      (_response: unknown) => undefined,
      (response: Parameters<typeof sayHello>[1]) => answer(response, { error: 'oh' }, 503),
    ]) {
      const model = await serve(heavyFirst(first.url, second.url))
      first.play((_heard, response) => fails(response))
      second.play(sayHello)
      for (let n = 0; n < 4; n++) {
        const answered = await chat(model, ada.token, { stream: true })
        expect(answered.status).toBe(200)
        expect(answered.text).toBe(helloEvents(model).join(''))
      }
    }
    expect(first.heard.length).toBeGreaterThan(0)
  })

  // The story: a hub comes back from its backup with new keys. What it kept for the servers of models can be read by nobody; a call that meets such a
  // server fails as if the hub itself were broken, although the other server of the model is well and asks for no key.
  test('a server whose key cannot be read any more is passed over, and where there is no other the reason is told', async () => {
    const { ada, serve, chat, site } = world
    const [alone, withOther] = [
      await serve([{ url: first.url, secret: 'sk-lost' }]),
      await serve([
        { url: first.url, weight: 100, secret: 'sk-lost' },
        { url: second.url, weight: 1 },
      ]),
    ]
    const rows = await site.hub.db.read
      .selectFrom('inferenceBackend')
      .select(['id', 'secret'])
      .where('secret', 'is not', null)
      .execute()
    await site.hub.transaction(async (tx) => {
      for (const { id, secret } of rows) {
        const lost = secret?.replace(/^v1\.\d+\./, 'v1.999.') ?? null
        await tx.updateTable('inferenceBackend').set({ secret: lost }).where('id', '=', id).execute()
      }
    })
    for (let n = 0; n < 4; n++) expect((await chat(withOther, ada.token)).status).toBe(200)
    const refused = await chat(alone, ada.token)
    expect([refused.status, code(refused.text)]).toEqual([502, 'backend_failed'])
    expect(refused.json<OpenAiError>().error.message).toContain('the key that is kept for it cannot be read')
    expect(first.heard).toEqual([])
  })

  // The story: the second server answers from the beginning, behind half an answer of the first.
  test('a stream that breaks off says so in its own words, goes to no other server, and never ends as if it were whole', async () => {
    const { site, ada, serve, usage } = world
    for (const breaks of ['cut', 'silence']) {
      const model = await serve([first.url])
      first.play(({ body }, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(helloEvents(body.model)[0])
        if (breaks === 'cut') setTimeout(() => response.destroy(), 50)
      })
      const response = await fetch(`${site.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, ...hello, stream: true }),
      })
      let text = ''
      const reading = (async () => {
        for await (const part of response.body ?? []) text += Buffer.from(part as Uint8Array).toString()
      })()
      await expect(reading, breaks).rejects.toThrow()
      expect(text).toContain('"Hel"')
      expect(text).toContain('"code":"backend_failed"')
      expect((await usage()).at(-1)).toMatchObject({ status: 502 })
    }
    expect(second.heard.length).toBe(0)
  })

  // The story: a server before which no length and no chunks stand (HTTP/1.0) is killed in mid-stream. Its connection is closed as if it were done, and
  // half a sentence is taken for the whole answer.
  test('a stream that is as long as its connection stands is whole only where an event says so', async () => {
    const { ada, serve, chat, usage } = world
    const head = 'HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'
    const word = 'data: {"choices":[{"index":0,"delta":{"content":"half a"},"finish_reason":null}]}\n\n'
    const model = await serve([await startRaw(head + word)])
    const broken = await chat(model, ada.token, { stream: true }).catch((error: unknown) => error)
    expect(broken).toBeInstanceOf(Error)
    expect((await usage()).at(-1)).toMatchObject({ status: 502 })
    for (const end of [
      'data: [DONE]\n\n',
      word.replace('null', '"length"'),
      'data: {"type":"response.completed"}\n\n',
    ]) {
      const whole = await chat(await serve([await startRaw(head + word + end)]), ada.token, { stream: true })
      expect([whole.status, whole.text]).toEqual([200, word + end])
    }
  })

  test('what a server says of the request itself is told, without its key, and no other is asked', async () => {
    const { ada, serve, chat, ask } = world
    const model = await serve([first.url, second.url].map((url) => ({ url, secret: 'sk-quoted-key' })))
    const refuse = (_heard: unknown, response: Parameters<typeof sayHello>[1]) =>
      answer(response, { error: { message: 'max_tokens is too large; Bearer sk-quoted-key\r\nx: y' } }, 400)
    first.play(refuse)
    second.play(refuse)
    const refused = await chat(model, ada.token)
    expect(refused.status).toBe(400)
    expect(code(refused.text)).toBe('backend_refused')
    expect(refused.text).toContain('max_tokens is too large')
    expect(refused.text).not.toContain('sk-quoted-key')
    expect(first.heard.length + second.heard.length).toBe(1)
    // What it does not have at all.
    first.play((_heard, response) => answer(response, { detail: 'Not Found' }, 404))
    second.play((_heard, response) => answer(response, { detail: 'Not Found' }, 404))
    const none = await ask('POST', '/v1/responses', { token: ada.token, body: { model, input: 'x' } })
    expect(none.status).toBe(400)
    expect(code(none.text)).toBe('inference_unsupported')
  })

  // The story: a caller starts a thousand long answers and closes the connections, and the servers work on for nobody.
  test('when the caller leaves, the server is told, before the first byte and after it', async () => {
    const { site, ada, serve, usage } = world
    const model = await serve([first.url])
    for (const begins of [false, true]) {
      first.play(async ({ body }, response) => {
        if (!begins) return
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let n = 0; n < 1_000 && !response.destroyed; n++) {
          response.write(helloEvents(body.model)[0])
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })
      const before = first.heard.length
      const leaving = new AbortController()
      const asked = fetch(`${site.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, ...hello, stream: true }),
        signal: leaving.signal,
      }).then((response) => response.text())
      asked.catch(() => undefined)
      await vi.waitFor(() => expect(first.heard.length).toBe(before + 1))
      await new Promise((resolve) => setTimeout(resolve, 100))
      leaving.abort()
      await expect(asked).rejects.toThrow()
      await vi.waitFor(() => expect(first.heard.at(-1)?.left).toBe(true))
      await vi.waitFor(async () => expect((await usage()).at(-1)).toMatchObject({ status: 499 }))
    }
  })

  // The story: somebody asks for streams and hangs up at once, again and again, until each place at the server of a model is held for nobody.
  test('who leaves before their call begins holds no place at the server', async () => {
    const { site, ada, serve, chat } = world
    const model = await serve([first.url])
    const body = JSON.stringify({ model, ...hello, stream: true })
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      `Host: ${new URL(site.url).host}`,
      `Authorization: Bearer ${ada.token}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ].join('\r\n')
    for (let round = 0; round < 60; round++) {
      await new Promise<void>((gone) => {
        const socket = connect(Number(new URL(site.url).port), 'localhost', () => {
          socket.write(`${head}\r\n\r\n${body}`)
          // At every moment of a call, one after the other.
          setTimeout(() => socket.destroy(), round / 6)
        })
        socket.once('close', () => gone())
      })
    }
    await vi.waitFor(() => expect(first.underWay()).toBe(0))
    for (let n = 0; n < 3; n++) expect((await chat(model, ada.token)).status).toBe(200)
  })

  // The story: a caller reads one byte a minute of an endless stream, and the hub holds the rest of it in memory.
  test('whoever reads slowly slows the server down: what is not read is not held here', async () => {
    const { site, ada, serve } = world
    const model = await serve([first.url])
    let written = 0
    first.play(async (_heard, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = `data: ${'x'.repeat(65_000)}\n\n`
      const closed = new Promise((resolve) => response.once('close', resolve))
      while (written < 400_000_000 && !response.destroyed) {
        written += event.length
        if (!response.write(event)) {
          await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
        }
      }
    })
    const agent = new Agent()
    const request = httpRequest(`${site.url}/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
    request.on('error', () => undefined)
    request.end(JSON.stringify({ model, ...hello, stream: true }))
    await new Promise((resolve) => request.once('response', (response) => resolve(response.pause())))
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(written).toBeLessThan(40_000_000)
    request.destroy()
    await vi.waitFor(() => expect(first.underWay()).toBe(0))
  })

  // The story: a thousand callers come at once, and the server of the model, which takes two at a time, falls over.
  test('a server gets no more calls at once than it may; as many wait, and the others are told to come again', async () => {
    const { ada, serve, chat } = world
    const model = await serve([first.url])
    let most = 0
    first.play(async (heard, response) => {
      most = Math.max(most, first.underWay())
      // However slowly the calls come: nobody's turn ends before all of them were judged.
      await vi.waitFor(() => expect(refusals).toBe(8), 20_000)
      await sayHello(heard, response)
    })
    let refusals = 0
    const call = async () => {
      const answered = await chat(model, ada.token)
      if (answered.status === 503) refusals++
      return answered
    }
    const answers = await Promise.all(Array.from({ length: 12 }, call))
    expect(most).toBe(2)
    expect(answers.filter(({ status }) => status === 200).length).toBe(4)
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused.length).toBe(8)
    expect(refused[0]?.headers.get('retry-after')).toBe('5')
    expect(code(refused[0]?.text ?? '')).toBe('inference_busy')
    expect((await chat(model, ada.token)).status).toBe(200)
  })

  // The story: the token of a caller is revoked while their call waits for its turn.
  test('INF-5: a token that is revoked while its call waits for its turn starts nothing', async () => {
    const { site, ada, bob, serve, chat } = world
    const model = await serve([first.url])
    first.play(async (heard, response) => {
      await new Promise((resolve) => setTimeout(resolve, 400))
      await sayHello(heard, response)
    })
    const busy = [chat(model, ada.token), chat(model, ada.token)]
    await vi.waitFor(() => expect(first.heard.length).toBe(2))
    const waiting = chat(model, bob.token)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await site.hub.transaction((tx) => tx.deleteFrom('accessToken').where('ownerId', '=', bob.id).execute())
    expect((await waiting).status).toBe(401)
    expect((await Promise.all(busy)).map(({ status }) => status)).toEqual([200, 200])
    expect(first.heard.length).toBe(2)
  })

  test('a server that fails three times in a row is left alone for a while, and asked again where there is no other', async () => {
    const { site, ada, serve, chat } = world
    const model = await serve([first.url])
    first.play((_heard, response) => answer(response, {}, 500))
    for (let n = 0; n < 3; n++) expect((await chat(model, ada.token)).status).toBe(502)
    const [{ repoId } = { repoId: '' }] = await site.hub.db.read
      .selectFrom('inferenceBackend')
      .select('repoId')
      .orderBy('id', 'desc')
      .limit(1)
      .execute()
    const [backend] = (await findServed(site.hub.db.read, repoId))?.backends ?? []
    if (backend === undefined) throw new Error('The model has a server.')
    const gateway = gatewayOf(site.hub)
    expect(gateway.healthOf(backend).skippedUntil).toBeGreaterThan(Date.now())
    const other = { ...backend, id: 'other', weight: 1 }
    expect(gateway.order([backend, other], always.random).map(({ id }) => id)).toEqual(['other', backend.id])
    first.play(sayHello)
    expect((await chat(model, ada.token)).status).toBe(200)
    expect(gateway.healthOf(backend)).toMatchObject({ failures: 0, skippedUntil: null })
  })

  // The story: a body of hundreds of megabytes, of ten thousand brackets, or of nonsense, to use up the memory or the stack of the hub.
  test('huge, deep and malformed bodies are refused in the words of each client, and no server hears of them', async () => {
    const { site, ada, serve } = world
    const model = await serve([first.url])
    const post = async (path: string, body: string, type = 'application/json') => {
      const response = await fetch(`${site.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': type },
        body,
      })
      return { status: response.status, text: await response.text() }
    }
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const named = (rest: string) => `{"model":"${model}",${rest}}`
    for (const [body, status] of [
      [named(`"messages":"${'x'.repeat(17_000_000)}"`), 413],
      [named(`"messages":${deep}`), 400],
      ['{"model":', 400],
      ['[]', 400],
      ['"text"', 400],
      ['', 400],
      ['{"messages":[]}', 400],
      ['{"model":3}', 400],
      [named('"stream":"yes"'), 400],
    ] as const) {
      const answered = await post('/v1/chat/completions', body)
      expect(answered.status, body.slice(0, 60)).toBe(status)
      expect(typeof code(answered.text), body.slice(0, 60)).toBe('string')
    }
    for (const body of ['{"inputs":', '[]', `{"inputs":"x","parameters":${deep}}`]) {
      const answered = await post(`/models/${model}`, body)
      expect(answered.status).toBe(400)
      expect(typeof (JSON.parse(answered.text) as { error: unknown }).error).toBe('string')
    }
    expect(first.heard.length).toBe(0)
  })

  // The story: a model with a virus in it is held, so that nobody loads it; who calls it gets what it says all the same.
  test('a model with a held file is not run, as the file is not handed out', async () => {
    const { site, ask, ada, serve, chat } = world
    const model = await serve([first.url])
    const lines = [
      { key: 'header', value: { summary: 'a file' } },
      { key: 'file', value: { path: 'x.com', content: Buffer.from(eicar).toString('base64'), encoding: 'base64' } },
    ]
    const committed = await fetch(`${site.url}/api/models/${model}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(committed.status).toBe(200)
    await vi.waitFor(
      async () =>
        expect((await ask('GET', `/api/models/${model}/scan`, { token: ada.token })).text).toContain('unsafe'),
      { timeout: 20_000, interval: 100 },
    )
    expect((await chat(model, ada.token)).status).toBe(200)
    const policy = { token: ada.token, body: { scanPolicy: 'block_infected' } }
    expect((await ask('PATCH', '/api/organizations/acme/settings', policy)).status).toBe(200)
    const held = await chat(model, ada.token)
    expect(held.status).toBe(403)
    expect(code(held.text)).toBe('content_held')
    expect((await chat(await serve([first.url]), ada.token)).status).toBe(200)
  })
})
