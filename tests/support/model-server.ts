/** A server that answers for models, as a script tells it: a real one on the loopback, with everything that it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Heard {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: Record<string, unknown>
  /** Whether whoever asked went away before the end. */
  left: boolean
}

export type Script = (heard: Heard, response: ServerResponse) => void | Promise<void>

export interface ModelServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly heard: Heard[]
  /** What it does from now on. */
  play(script: Script): void
  /** Answers under way. */
  readonly underWay: () => number
  stop(): Promise<void>
}

export async function startModelServer(script: Script = sayHello): Promise<ModelServer> {
  let playing = script
  let underWay = 0
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8')
      const one: Heard = {
        path: request.url ?? '',
        headers: request.headers,
        text,
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        left: false,
      }
      heard.push(one)
      underWay++
      response.once('close', () => {
        underWay--
        one.left = !response.writableEnded
      })
      Promise.resolve(playing(one, response)).catch(() => response.destroy())
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    play: (next) => {
      playing = next
    },
    underWay: () => underWay,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

export function answer(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }

/** Events as vLLM writes them, with the usage in the last one. */
export function helloEvents(model: unknown): string[] {
  const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model }
  const deltas = ['Hel', 'lo', ' – ü'].map((content) => ({
    ...head,
    choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }],
  }))
  const last = { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }
  return [...[...deltas, last].map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n']
}

/** Answers everything that a server of OpenAI's API does. */
export const sayHello: Script = async ({ path, body }, response) => {
  if (path.endsWith('/embeddings')) {
    const input = [body.input].flat()
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: [String(text).length, 1, 0] }))
    return answer(response, { object: 'list', data: data.reverse(), model: body.model, usage: { prompt_tokens: 5 } })
  }
  if (path.endsWith('/v1/completions')) {
    const choices = [{ index: 0, text: ' and more', finish_reason: 'length' }]
    return answer(response, { id: 'x', object: 'text_completion', created: 1, model: body.model, choices, usage })
  }
  if (path.endsWith('/responses')) {
    const counted = { input_tokens: 2, output_tokens: 4 }
    return answer(response, { id: 'r', object: 'response', model: body.model, output: [], usage: counted })
  }
  if (!path.endsWith('/chat/completions')) return answer(response, { detail: 'Not Found' }, 404)
  if (body.stream === true) {
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'keep-alive', 'x-upstream': 'yes' })
    for (const event of helloEvents(body.model)) {
      response.write(event)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    response.end()
    return
  }
  const message = { role: 'assistant', content: 'Hello' }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  answer(response, { id: 'c', object: 'chat.completion', created: 1, model: body.model, choices, usage })
}
