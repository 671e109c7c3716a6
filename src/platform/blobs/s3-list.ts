/** What lies under a prefix of an object store, in the order of the keys; the store gives at most 1,000 at a time. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { ListedBlob } from './blob-store.ts'
import type { S3Access } from './s3-access.ts'
import { hashOfKey } from './s3-keys.ts'

export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Milliseconds, by the store's clock; null where it does not say. */
  readonly changedAt: number | null
}

const mostAtOnce = 1000

export async function* listObjects(
  s3: S3Access,
  prefix: string,
  startAfter: string | null = null,
  atOnce = mostAtOnce,
): AsyncGenerator<ListedObject> {
  let after = startAfter
  for (;;) {
    const page = await s3.ask('list objects', (client, options) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: s3.bucket,
          Prefix: prefix,
          MaxKeys: atOnce,
          ...(after === null ? {} : { StartAfter: after }),
        }),
        options,
      ),
    )
    const found = page.Contents ?? []
    for (const { Key: key, Size: size, LastModified: changed } of found) {
      if (key !== undefined) yield { key, size: size ?? 0, changedAt: changed?.getTime() ?? null }
    }
    const last = found.at(-1)?.Key
    if (page.IsTruncated !== true || last === undefined) return
    after = last
  }
}

/** Up to `limit` blobs under `prefix`; keys that are no hashes are somebody else's. */
export async function listBlobs(
  s3: S3Access,
  prefix: string,
  after: string | null,
  limit: number,
): Promise<ListedBlob[]> {
  const blobs: ListedBlob[] = []
  for await (const { key, size } of listObjects(s3, prefix, after, Math.min(limit, mostAtOnce))) {
    const hash = hashOfKey(key)
    if (hash !== null) blobs.push({ hash, size })
    if (blobs.length >= limit) break
  }
  return blobs
}
