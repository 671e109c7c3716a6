/**
 * The blob store in a bucket of an S3-compatible store. Bytes go through this machine's disk a part at a time; under their names they appear
 * only when they were checked. The module is loaded only by a hub that uses it.
 */
import path from 'node:path'
import type { Readable } from 'node:stream'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { HoldfastError } from '../../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import { type BlobIdentity, type BlobStore, objectNamed } from './blob-store.ts'
import { removeOld } from './file-faults.ts'
import { drainHashed } from './hashed-write.ts'
import { openIncoming } from './incoming.ts'
import { probeStore } from './probe.ts'
import { clientConfig, S3Access, type S3Bounds, type S3Settings, usualBounds } from './s3-access.ts'
import { s3Keys } from './s3-keys.ts'
import { listBlobs, listObjects } from './s3-list.ts'
import { readObject } from './s3-read.ts'
import { abortStaleUploads, deleteObject, removeStaleParts } from './s3-stale.ts'
import { sizeOfObject, writeFileAs, writeObject } from './s3-write.ts'
import { openStagedFile } from './staged-file.ts'

export interface S3BlobStoreOptions {
  readonly settings: S3Settings
  /** Folder on this machine's disk for bytes on their way in. */
  readonly folder: string
  readonly log: Logger
  /** For tests. */
  readonly bounds?: Partial<S3Bounds>
}

const mostListed = 1000

/** Asks the store nothing yet. */
export async function openS3BlobStore(options: S3BlobStoreOptions): Promise<BlobStore> {
  const { settings, log } = options
  const bounds = { ...usualBounds, ...options.bounds }
  const s3 = new S3Access(settings, bounds, log)
  const keys = s3Keys(settings.prefix)
  const { newFile, folder: incoming } = await openIncoming(path.join(options.folder, 'incoming'))
  const { publicEndpoint } = settings
  // Signs addresses for the host name that clients reach; it never sends anything itself.
  const signer = publicEndpoint === null ? null : new S3Client(clientConfig(settings, publicEndpoint, bounds))

  const discardParts = async (upload: string): Promise<void> => {
    for await (const part of listObjects(s3, keys.upload(upload))) await deleteObject(s3, part.key)
  }

  const store: BlobStore = {
    async put(source, expected, signal) {
      const name = objectNamed(expected.sha256)
      if ((await store.findSize(name)) === expected.size) await drainHashed(source, expected, signal)
      else await writeObject(s3, keys.blob(name), [source], expected, { newFile, signal })
    },

    async openStaged() {
      return await openStagedFile(newFile(), {
        isSynced: false,
        keep: async (file, size, name) => {
          if ((await store.findSize(name)) !== size) await writeFileAs(s3, keys.blob(name), file, size)
        },
      })
    },

    async findSize(name) {
      return await sizeOfObject(s3, keys.blob(name))
    },

    async openRange(name, start, end) {
      return await readObject(s3, keys.blob(name), start, end)
    },

    pathForFrontServer: () => null,

    async signedFetch(name, { lifetimeMs, range, contentType, contentDisposition, cacheControl }) {
      if (signer === null) return null
      const command = new GetObjectCommand({
        Bucket: settings.bucket,
        Key: keys.blob(name),
        // A header that is signed: whoever sends another one, or none, is refused.
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
        ...(contentType === undefined ? {} : { ResponseContentType: contentType }),
        ...(contentDisposition === undefined ? {} : { ResponseContentDisposition: contentDisposition }),
        ...(cacheControl === undefined ? {} : { ResponseCacheControl: cacheControl }),
      })
      return await getSignedUrl(signer, command, { expiresIn: Math.max(1, Math.ceil(lifetimeMs / 1000)) })
    },

    async delete(name) {
      await deleteObject(s3, keys.blob(name))
    },

    async list(kind, after, limit) {
      const last = after === null ? null : keys.blob({ kind, hash: after })
      return await listBlobs(s3, keys.kind(kind), last, Math.min(limit, mostListed))
    },

    async putPart(upload, part, source, size, signal) {
      // An object of its own and not a part of one multipart upload: only what was completed can be read back, and the whole is hashed
      // before it gets its name.
      return await writeObject(s3, keys.part(upload, part), [source], { sha256: null, size }, { newFile, signal })
    },

    async completeParts(upload, count, expected) {
      const name = objectNamed(expected.sha256)
      if ((await store.findSize(name)) !== expected.size) {
        const parts = await findParts(s3, keys.upload(upload), count, expected)
        // Streamed through the hash into the blob, rather than copied by the store after a look: what is published is what was hashed,
        // also if somebody replaces a part meanwhile, and it works on stores that cannot copy parts.
        const sources = readParts(s3, parts)
        await writeObject(s3, keys.blob(name), sources, expected, { newFile })
      }
      await discardParts(upload)
    },

    discardParts,

    async removeStale(olderThanMs) {
      const before = Date.now() - olderThanMs
      const files = await removeOld(incoming, before)
      return files + (await removeStaleParts(s3, keys, before)) + (await abortStaleUploads(s3, keys, before))
    },

    async probe() {
      await store.list('object', null, 1)
      await probeStore(store)
      return `bucket "${settings.bucket}" at ${settings.endpoint ?? `Amazon S3, ${settings.region}`}`
    },

    async close() {
      s3.close()
      signer?.destroy()
    },
  }
  return store
}

interface StoredPart {
  readonly key: string
  readonly size: number
}

/** The sum is compared before anything is read, so that a forgotten part costs nothing. */
async function findParts(s3: S3Access, prefix: string, count: number, expected: BlobIdentity): Promise<StoredPart[]> {
  const parts: StoredPart[] = []
  for await (const part of listObjects(s3, prefix)) {
    const number = Number(part.key.slice(prefix.length))
    if (number >= 1 && number <= count) parts.push(part)
  }
  const received = parts.reduce((sum, part) => sum + part.size, 0)
  if (received !== expected.size) throw new HoldfastError('length_mismatch', { received, expected: expected.size })
  return parts
}

async function* readParts(s3: S3Access, parts: readonly StoredPart[]): AsyncGenerator<Readable> {
  for (const { key, size } of parts) {
    if (size === 0) continue
    const part = await readObject(s3, key, 0, size - 1)
    try {
      yield part
    } finally {
      part.destroy()
    }
  }
}
