/**
 * Bytes into an object store. Small ones are gathered on this machine's disk and sent in one request that the store itself checks against
 * their SHA-256; larger ones go in parts while they arrive. Nothing has a name before every byte was counted and hashed: a multipart upload
 * is completed only then, and aborted otherwise.
 */
import { unlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { CheckedBytes, type ExpectedBytes, pump } from './checked-bytes.ts'
import { keepingNothing, nullIfMissing } from './file-faults.ts'
import { writeHashed } from './hashed-write.ts'
import { PartSpool } from './part-spool.ts'
import type { FilePiece, S3Access } from './s3-access.ts'
import { nullIfNoSuchKey } from './s3-faults.ts'
import { MultipartUpload } from './s3-multipart.ts'

export interface S3WriteOptions {
  /** A new path on this machine's disk. */
  newFile(): string
  readonly signal?: AbortSignal | undefined
}

/** Files up to this size are one request, larger ones have parts of this size or more. */
const leastPart = 16 << 20
/** A file that is here already is sent as one up to this size. */
const mostWhole = 72 << 20
/** What S3 takes at most. */
const mostParts = 10_000

/** Bytes of each part but the last; whole MiB. */
export function partSizeFor(size: number): number {
  return Math.max(leastPart, Math.ceil(size / mostParts / (1 << 20)) << 20)
}

/** Streams the sources, one after the other, to `key`. Returns the SHA-256. */
export async function writeObject(
  s3: S3Access,
  key: string,
  sources: Iterable<Readable> | AsyncIterable<Readable>,
  expected: ExpectedBytes,
  { newFile, signal }: S3WriteOptions,
): Promise<string> {
  const partSize = partSizeFor(expected.size)
  if (expected.size <= partSize) {
    const file = newFile()
    return await keepingNothing(file, async () => {
      const digest = await writeHashed(file, sources, expected, { isSynced: false, signal })
      await putWhole(s3, key, { file, start: 0, size: expected.size }, digest, signal)
      await unlink(file).catch(nullIfMissing)
      return digest
    })
  }
  const upload = new MultipartUpload(s3, key, signal)
  const spool = new PartSpool({
    partSize,
    newFile,
    take: (file, size) => upload.send({ file, start: 0, size }, () => unlink(file).catch(nullIfMissing)),
  })
  try {
    const checked = new CheckedBytes(expected)
    for await (const source of sources) await pump(source, checked, spool, signal)
    const digest = checked.finish()
    await spool.finish()
    await upload.complete(expected.size)
    return digest
  } catch (error) {
    await spool.discard()
    await upload.abort()
    throw error
  }
}

/** Sends a file whose content was checked already. A xorb is one request. */
export async function writeFileAs(s3: S3Access, key: string, file: string, size: number): Promise<void> {
  if (size <= mostWhole) return await putWhole(s3, key, { file, start: 0, size }, null)
  const partSize = partSizeFor(size)
  const upload = new MultipartUpload(s3, key)
  try {
    for (let start = 0; start < size; start += partSize) {
      await upload.send({ file, start, size: Math.min(partSize, size - start) })
    }
    await upload.complete(size)
  } catch (error) {
    await upload.abort()
    throw error
  }
}

async function putWhole(
  s3: S3Access,
  key: string,
  piece: FilePiece,
  sha256: string | null,
  signal?: AbortSignal,
): Promise<void> {
  await s3.send(
    'put an object',
    piece,
    (client, body, options) => {
      const command = new PutObjectCommand({ Bucket: s3.bucket, Key: key, ...body })
      if (sha256 !== null) signBody(command, sha256)
      return client.send(command, options)
    },
    signal,
  )
}

/** Signs the hash of the body in place of "unsigned": the store refuses a body that changed on the way. */
function signBody(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request: { headers: Record<string, string> } }
      request.headers['x-amz-content-sha256'] = sha256
      return await next(args)
    },
    { step: 'build', name: 'signBody' },
  )
}

/** Its size, or null. */
export async function sizeOfObject(s3: S3Access, key: string): Promise<number | null> {
  return await s3.ask('look at an object', async (client, options) => {
    const head = await client
      .send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key }), options)
      .catch(nullIfNoSuchKey)
    return head?.ContentLength ?? null
  })
}
