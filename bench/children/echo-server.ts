/** The least that a Node server can do: answer with a ready-made body of the same size as ours. */
import { createServer } from 'node:http'
import { announce } from './announce.ts'

export interface EchoOptions {
  readonly bytes: number
}

export async function serveEcho({ bytes }: EchoOptions): Promise<void> {
  const body = JSON.stringify('x'.repeat(Math.max(0, bytes - 2)))
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length })
    response.end(body)
  })
  announce(server)
}
