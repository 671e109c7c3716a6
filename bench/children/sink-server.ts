/** The bare way to take a file in: hash it while it is written, sync it, answer. Writes and hashing overlap, as in any honest rival. */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { announce } from './announce.ts'

export interface SinkOptions {
  readonly folder: string
}

export async function serveSink({ folder }: SinkOptions): Promise<void> {
  const server = createServer((request, response) => {
    takeIn(request, path.join(folder, randomUUID())).then(
      (digest) => response.end(digest),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    )
  })
  announce(server)
}

async function takeIn(request: IncomingMessage, file: string): Promise<string> {
  const hash = createHash('sha256')
  const out = createWriteStream(file, { flags: 'wx', highWaterMark: 1 << 20 })
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      if (out.write(chunk)) return
      request.pause()
      out.once('drain', () => request.resume())
    })
    request.once('end', () => out.end())
    request.once('error', reject)
    out.once('error', reject)
    out.once('close', resolve)
  })
  const written = await open(file, 'r+')
  await written.sync()
  await written.close()
  return hash.digest('hex')
}
