/**
 * One multipart upload of an object store. Begun with its first part; a few parts are under way at once. Nothing is visible before
 * `complete`, and after `abort` nothing is left, unless the store is away: then `removeStale` finds it.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { FilePiece, S3Access } from './s3-access.ts'
import { describeFault, nullIfNoSuchKey } from './s3-faults.ts'
import { Slots } from './slots.ts'

const partsAtOnce = 3

export class MultipartUpload {
  readonly #s3: S3Access
  readonly #key: string
  readonly #signal: AbortSignal | undefined
  readonly #failing = new AbortController()
  readonly #slots = new Slots(partsAtOnce)
  readonly #sending: Promise<void>[] = []
  readonly #etags: string[] = []
  #count = 0
  #id: string | null = null
  #fault: { readonly error: unknown } | null = null

  constructor(s3: S3Access, key: string, signal?: AbortSignal) {
    this.#s3 = s3
    this.#key = key
    this.#signal = signal === undefined ? this.#failing.signal : AbortSignal.any([signal, this.#failing.signal])
  }

  /** Sends the next part. Resolves once it is under way; `done` is called when its bytes are needed no more, whatever came of them. */
  async send(piece: FilePiece, done: () => Promise<unknown> = async () => undefined): Promise<void> {
    await this.#slots.take()
    try {
      this.#throwFault()
      this.#id ??= await this.#begin()
    } catch (error) {
      this.#slots.give()
      await done()
      throw error
    }
    const number = ++this.#count
    this.#sending.push(this.#sendPart(this.#id, number, piece, done))
  }

  /** Publishes. Throws `store_refused` where the store then has another number of bytes. */
  async complete(size: number): Promise<void> {
    await Promise.all(this.#sending)
    this.#throwFault()
    const id = this.#id
    if (id === null) throw new Error('A multipart upload has at least one part.')
    const parts = this.#etags.map((etag, index) => ({ PartNumber: index + 1, ETag: etag }))
    const at = { Bucket: this.#s3.bucket, Key: this.#key }
    await this.#s3.ask(
      'complete an upload',
      async (client, options) => {
        const complete = new CompleteMultipartUploadCommand({ ...at, UploadId: id, MultipartUpload: { Parts: parts } })
        await client.send(complete, options).catch((error: unknown) => {
          // An earlier try was carried out and its answer lost. The size says whether it was.
          if (describeFault(error).name !== 'NoSuchUpload') throw error
        })
        const kept = await client.send(new HeadObjectCommand(at), options).catch(nullIfNoSuchKey)
        if (kept?.ContentLength === size) return
        if (kept !== null) await client.send(new DeleteObjectCommand(at), options)
        const reason = `it kept ${kept?.ContentLength ?? 0} of ${size} bytes.`
        throw this.#s3.mistrust('complete an upload', reason)
      },
      this.#signal,
    )
    this.#id = null
  }

  async abort(): Promise<void> {
    this.#failing.abort(new Error('The upload was given up.'))
    await Promise.all(this.#sending)
    const id = this.#id
    if (id === null) return
    await this.#s3
      .ask('abort an upload', (client, options) =>
        client.send(
          new AbortMultipartUploadCommand({ Bucket: this.#s3.bucket, Key: this.#key, UploadId: id }),
          options,
        ),
      )
      // It was logged. The error that led here is the one to tell, and the stale parts are removed later.
      .catch(() => undefined)
  }

  async #begin(): Promise<string> {
    const begun = await this.#s3.ask(
      'begin an upload',
      (client, options) =>
        client.send(new CreateMultipartUploadCommand({ Bucket: this.#s3.bucket, Key: this.#key }), options),
      this.#signal,
    )
    if (begun.UploadId === undefined) throw this.#s3.mistrust('begin an upload', 'it gave no name.')
    return begun.UploadId
  }

  /** Never rejects: the fault is told by the next `send`, or by `complete`. */
  async #sendPart(id: string, number: number, piece: FilePiece, done: () => Promise<unknown>): Promise<void> {
    try {
      const sent = await this.#s3.send(
        'send a part',
        piece,
        (client, body, options) =>
          client.send(
            new UploadPartCommand({
              Bucket: this.#s3.bucket,
              Key: this.#key,
              UploadId: id,
              PartNumber: number,
              ...body,
            }),
            options,
          ),
        this.#signal,
      )
      if (sent.ETag === undefined) throw this.#s3.mistrust('send a part', 'it gave no ETag.')
      this.#etags[number - 1] = sent.ETag
    } catch (error) {
      this.#fault ??= { error }
      this.#failing.abort(new Error('Another part of the upload failed.'))
    }
    try {
      await done()
    } catch (error) {
      this.#fault ??= { error }
    } finally {
      this.#slots.give()
    }
  }

  #throwFault(): void {
    if (this.#fault !== null) throw this.#fault.error
  }
}
