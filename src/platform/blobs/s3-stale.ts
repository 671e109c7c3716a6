/**
 * Removes what was begun and never ended: parts of uploads under `incoming/`, and multipart uploads that a crash left open. An upload
 * that still gets parts is alive, however long ago it was begun.
 */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  ListPartsCommand,
  type MultipartUpload,
} from '@aws-sdk/client-s3'
import type { S3Access } from './s3-access.ts'
import { describeFault, nullIfNoSuchKey } from './s3-faults.ts'
import type { S3Keys } from './s3-keys.ts'
import { type ListedObject, listObjects } from './s3-list.ts'

export async function deleteObject(s3: S3Access, key: string): Promise<void> {
  await s3.ask('delete an object', async (client, options) => {
    await client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }), options).catch(nullIfNoSuchKey)
  })
}

/** Removes the parts of uploads that got none since `before` (milliseconds). Returns how many. */
export async function removeStaleParts(s3: S3Access, keys: S3Keys, before: number): Promise<number> {
  let removed = 0
  let upload: ListedObject[] = []
  const uploadOf = (part: ListedObject): string => part.key.slice(0, part.key.lastIndexOf('/'))
  const endUpload = async (): Promise<void> => {
    const isOld = upload.every((part) => part.changedAt !== null && part.changedAt < before)
    for (const part of isOld ? upload : []) {
      await deleteObject(s3, part.key)
      removed++
    }
    upload = []
  }
  for await (const part of listObjects(s3, keys.incoming)) {
    const [first] = upload
    if (first !== undefined && uploadOf(first) !== uploadOf(part)) await endUpload()
    upload.push(part)
  }
  await endUpload()
  return removed
}

/** Aborts multipart uploads under our keys that got no part since `before`. Returns how many. */
export async function abortStaleUploads(s3: S3Access, keys: S3Keys, before: number): Promise<number> {
  let aborted = 0
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const at: ListMultipartUploadsCommandInput = { Bucket: s3.bucket, Prefix: keys.all, ...marker }
    const page = await s3.ask('list uploads', async (client, options) =>
      // A few stores cannot list them; there a rule of the bucket removes them (docs/object-storage.md).
      client.send(new ListMultipartUploadsCommand(at), options).catch(nullIfNotOffered),
    )
    for (const upload of page?.Uploads ?? []) {
      if (await isStale(s3, upload, before)) {
        const { Key, UploadId } = upload
        await s3.ask('abort an upload', (client, options) =>
          client.send(new AbortMultipartUploadCommand({ Bucket: s3.bucket, Key, UploadId }), options).catch(nullIfGone),
        )
        aborted++
      }
    }
    if (page?.IsTruncated !== true || page.NextKeyMarker === undefined) return aborted
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker ?? '' }
  }
}

async function isStale(s3: S3Access, upload: MultipartUpload, before: number): Promise<boolean> {
  const { Key, UploadId, Initiated } = upload
  if (Initiated === undefined || Initiated.getTime() >= before) return false
  let marker: string | undefined
  for (;;) {
    const at = { Bucket: s3.bucket, Key, UploadId, ...(marker === undefined ? {} : { PartNumberMarker: marker }) }
    const page = await s3.ask('list parts', (client, options) =>
      client.send(new ListPartsCommand(at), options).catch(nullIfGone),
    )
    if (page === null) return false
    if ((page.Parts ?? []).some((part) => (part.LastModified?.getTime() ?? 0) >= before)) return false
    if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) return true
    marker = page.NextPartNumberMarker
  }
}

function nullIfNotOffered(error: unknown): null {
  const { name, status } = describeFault(error)
  if (name === 'NotImplemented' || status === 501 || status === 405) return null
  throw error
}

/** Completed or aborted meanwhile. */
function nullIfGone(error: unknown): null {
  if (describeFault(error).name === 'NoSuchUpload') return null
  throw error
}
