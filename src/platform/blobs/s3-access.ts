/**
 * One bucket of an S3-compatible store, with bounds on everything: time to connect, silence, tries, and bodies under way at once. What goes
 * wrong is logged here, once, and becomes one of our errors; keys and secrets never leave.
 */
import { setMaxListeners } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { HoldfastError } from '../../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import { asStoreError, describeFault, isPassingFault } from './s3-faults.ts'
import { Slots } from './slots.ts'

export interface S3Settings {
  /** Null: Amazon's own for the region. */
  readonly endpoint: string | null
  readonly bucket: string
  readonly region: string
  /** Empty, or ends in a slash. */
  readonly prefix: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** `host/bucket/key` rather than `bucket.host/key`. */
  readonly isPathStyle: boolean
  /** Where clients reach the store by themselves; null: they do not. */
  readonly publicEndpoint: string | null
}

export interface S3Bounds {
  readonly connectMs: number
  /** A connection on which nothing moves for so long is given up. */
  readonly silentMs: number
  readonly tries: number
  /** Bodies that are sent at the same time. */
  readonly bodies: number
}

export const usualBounds: S3Bounds = { connectMs: 5_000, silentMs: 30_000, tries: 4, bodies: 16 }

/** Bytes of a file on this machine, from `start`. */
export interface FilePiece {
  readonly file: string
  readonly start: number
  readonly size: number
}

export interface SentBody {
  readonly Body: Readable | Uint8Array
  readonly ContentLength: number
}

interface Options {
  readonly abortSignal: AbortSignal
}

export class S3Access {
  readonly bucket: string
  readonly #client: S3Client
  readonly #bounds: S3Bounds
  readonly #log: Logger
  readonly #bodies: Slots
  readonly #closing = new AbortController()

  constructor(settings: S3Settings, bounds: S3Bounds, log: Logger) {
    this.bucket = settings.bucket
    this.#client = new S3Client(clientConfig(settings, settings.endpoint, bounds))
    this.#bounds = bounds
    this.#log = log
    this.#bodies = new Slots(bounds.bodies)
    setMaxListeners(0, this.#closing.signal)
  }

  /** Asks without a body; the SDK tries again by itself. `work` deals with the errors that are answers. */
  async ask<T>(
    what: string,
    work: (client: S3Client, options: Options) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const abortSignal = this.#abortedWith(signal)
    try {
      abortSignal.throwIfAborted()
      return await work(this.#client, { abortSignal })
    } catch (error) {
      abortSignal.throwIfAborted()
      throw this.fault(what, error)
    }
  }

  /** Sends a piece of a file as the body; a body that was cut is sent again from its beginning. */
  async send<T>(
    what: string,
    piece: FilePiece,
    work: (client: S3Client, body: SentBody, options: Options) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const abortSignal = this.#abortedWith(signal)
    await this.#bodies.take()
    try {
      for (let turn = 1; ; turn++) {
        abortSignal.throwIfAborted()
        try {
          return await this.#sendOnce(piece, work, abortSignal)
        } catch (error) {
          abortSignal.throwIfAborted()
          if (turn >= this.#bounds.tries || !isPassingFault(describeFault(error))) throw this.fault(what, error)
        }
        // An abort is told at the top of the loop, with its own reason.
        await pause(200 * 2 ** turn * (0.5 + Math.random()), undefined, { signal: abortSignal }).catch(() => undefined)
      }
    } finally {
      this.#bodies.give()
    }
  }

  /** Logs what went wrong, and says it in our words. */
  fault(what: string, error: unknown): HoldfastError {
    if (error instanceof HoldfastError) return error
    const fault = describeFault(error)
    this.#log.warn({ what, ...fault }, 'The object storage did not do what it was asked')
    return asStoreError(fault)
  }

  /** For an answer that cannot be true. */
  mistrust(what: string, reason: string): HoldfastError {
    this.#log.error({ what, reason }, 'The object storage cannot be trusted')
    return new HoldfastError('store_refused', { reason })
  }

  close(): void {
    this.#closing.abort(new HoldfastError('stopping'))
    this.#client.destroy()
  }

  async #sendOnce<T>(
    { file, start, size }: FilePiece,
    work: (client: S3Client, body: SentBody, options: Options) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // An answer may come before the body is sent: then nobody but us ends the request.
    const over = new AbortController()
    const options = { abortSignal: AbortSignal.any([signal, over.signal]) }
    if (size === 0) return await work(this.#client, { Body: new Uint8Array(0), ContentLength: 0 }, options)
    const body = createReadStream(file, { start, end: start + size - 1, highWaterMark: 1 << 20 })
    const broken = new Promise<never>((_resolve, reject) => body.once('error', reject))
    try {
      return await Promise.race([work(this.#client, { Body: body, ContentLength: size }, options), broken])
    } catch (error) {
      over.abort()
      throw error
    } finally {
      body.destroy()
    }
  }

  #abortedWith(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }
}

const nothing = (): void => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

export function clientConfig(settings: S3Settings, endpoint: string | null, bounds: S3Bounds): S3ClientConfig {
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
  return {
    region: settings.region,
    forcePathStyle: settings.isPathStyle,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    maxAttempts: bounds.tries,
    retryMode: 'standard',
    // What goes wrong is told by `fault`; the SDK would write to the console.
    logger: silent,
    // Checksums in trailers are Amazon's own; other stores keep the framing as if it were content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: bounds.connectMs,
      socketTimeout: bounds.silentMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(endpoint === null ? {} : { endpoint }),
  }
}
