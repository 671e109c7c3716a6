/**
 * Files of lines, compressed with zstd. They are hashed as they are written, and what a manifest says about them is compared before a line
 * of them is believed.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { pipeline as pipelineDone } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { BackupError } from './errors.ts'

export interface FileFacts {
  readonly bytes: number
  /** Lowercase hex, of the file as it lies there. */
  readonly sha256: string
}

const batchBytes = 1 << 18
/** The terms of the largest Xet file are some tens of MiB as base64. */
const lineLimit = 1 << 28

/** Writes and syncs a new file, readable by its owner only. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<FileFacts> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipelineDone(
    Readable.from(batches(lines), { objectMode: false, highWaterMark: batchBytes }),
    createZstdCompress(),
    async function* (compressed: AsyncIterable<Buffer>) {
      for await (const chunk of compressed) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }),
  )
  return { bytes, sha256: hash.digest('hex') }
}

export async function* readLines(path: string): AsyncGenerator<string> {
  const stream = createZstdDecompress()
  // Errors of either end come out of the loop below.
  pipeline(createReadStream(path), stream, () => undefined)
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      size = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > lineLimit) throw new BackupError(`${path} has a line without an end.`)
  }
  if (size > 0) throw new BackupError(`${path} ends in the middle of a line.`)
}

export async function readFileFacts(path: string): Promise<FileFacts> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function* batches(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let batch: string[] = []
  let length = 0
  for await (const line of lines) {
    batch.push(line)
    length += line.length
    if (length < batchBytes) continue
    yield Buffer.from(`${batch.join('\n')}\n`, 'utf8')
    batch = []
    length = 0
  }
  if (batch.length > 0) yield Buffer.from(`${batch.join('\n')}\n`, 'utf8')
}
