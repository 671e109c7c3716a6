/**
 * A range of an object as one stream. A connection that is cut midway, or that the store closed while a slow client held it, is taken up
 * again where it broke; only a store that gives nothing several times in a row is a fault. Objects never change, so the pieces fit.
 */
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../../domain/errors.ts'
import { PassingStream } from './passing-stream.ts'
import type { S3Access } from './s3-access.ts'
import { nullIfNoSuchKey } from './s3-faults.ts'

const mostFailures = 4

/** The bytes from `start` to `end`, both included. Throws `entry_not_found`. */
export async function readObject(s3: S3Access, key: string, start: number, end: number): Promise<PassingStream> {
  const first = await openBody(s3, key, start, end)
  return new ObjectRange(first, start, end, (from, signal) => openBody(s3, key, from, end, signal))
}

async function openBody(
  s3: S3Access,
  key: string,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  return await s3.ask(
    'read an object',
    async (client, options) => {
      const got = await client
        .send(new GetObjectCommand({ Bucket: s3.bucket, Key: key, Range: `bytes=${start}-${end}` }), options)
        .catch(nullIfNoSuchKey)
      if (got === null) throw new HoldfastError('entry_not_found')
      const body = got.Body as IncomingMessage | undefined
      if (body === undefined) throw s3.mistrust('read an object', 'it answered without a body.')
      if (got.ContentLength !== end - start + 1) {
        body.destroy()
        const reason = `it has ${got.ContentLength} bytes where ${end - start + 1} were stored.`
        throw s3.mistrust('read an object', reason)
      }
      return body
    },
    signal,
  )
}

class ObjectRange extends PassingStream {
  readonly #reopen: (from: number, signal: AbortSignal) => Promise<IncomingMessage>
  readonly #end: number
  readonly #over = new AbortController()
  #next: number
  #body: IncomingMessage | null = null
  #isOpening = false
  #isWanted = false
  #failures = 0

  constructor(
    first: IncomingMessage,
    start: number,
    end: number,
    reopen: (from: number, signal: AbortSignal) => Promise<IncomingMessage>,
  ) {
    super({ highWaterMark: 1 << 20 })
    this.#next = start
    this.#end = end
    this.#reopen = reopen
    this.#take(first)
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#body !== null) this.#body.resume()
    else if (!this.#isOpening) void this.#open()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#over.abort()
    this.#body?.destroy()
    callback(error)
  }

  #take(body: IncomingMessage): void {
    this.#body = body
    body.on('data', (chunk: Buffer) => {
      if (this.destroyed) return
      this.#next += chunk.length
      this.#failures = 0
      if (this.#next > this.#end + 1) this.destroy(new Error('The store sent more bytes than asked.'))
      else if (!this.push(chunk)) {
        this.#isWanted = false
        body.pause()
      }
    })
    finished(body, { writable: false }, (error) => {
      if (this.destroyed) return
      this.#body = null
      if (this.#next > this.#end) this.push(null)
      else this.#lost(error ?? new Error('The body ended early.'))
    })
    if (!this.#isWanted) body.pause()
  }

  /** While the reader wants nothing, nothing is asked for: `_read` does. */
  #lost(error: unknown): void {
    this.#failures++
    if (this.#failures >= mostFailures) this.destroy(asError(error))
    else if (this.#isWanted) void this.#open()
  }

  async #open(): Promise<void> {
    this.#isOpening = true
    try {
      if (this.#failures > 0) await pause(100 * 2 ** this.#failures, undefined, { signal: this.#over.signal })
      const body = await this.#reopen(this.#next, this.#over.signal)
      if (this.destroyed) body.destroy()
      else this.#take(body)
    } catch (error) {
      if (!this.destroyed) this.destroy(asError(error))
    } finally {
      this.#isOpening = false
    }
  }
}

function asError(error: unknown): HoldfastError {
  return error instanceof HoldfastError ? error : new HoldfastError('store_unreachable', {}, { cause: error })
}
