/** A server of a model that thinks for a while and then says a word at a fixed pace: what is slower is what stands before it. */
import { createServer } from 'node:http'
import { announce } from './announce.ts'

export interface PacedOptions {
  readonly thinkMs: number
  readonly everyMs: number
  readonly words: number
}

export async function servePaced({ thinkMs, everyMs, words }: PacedOptions): Promise<void> {
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'word ' } }] })}\n\n`
  const server = createServer((request, response) => {
    request.resume()
    request.once('end', () => {
      const startedAt = performance.now()
      let said = 0
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      // By the clock, not from one word to the next: a late word does not delay the others.
      const say = (): void => {
        if (response.destroyed) return
        if (said === words) return void response.end('data: [DONE]\n\n')
        response.write(event)
        said++
        setTimeout(say, Math.max(0, startedAt + thinkMs + said * everyMs - performance.now()))
      }
      setTimeout(say, thinkMs)
    })
  })
  announce(server)
}
