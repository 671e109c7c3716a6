/** The bare way to send a file from Node: a read stream with large reads, piped into the response. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { announce } from './announce.ts'

export interface FileOptions {
  readonly file: string
}

export async function serveFile({ file }: FileOptions): Promise<void> {
  const { size } = await stat(file)
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
    createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response)
  })
  announce(server)
}
