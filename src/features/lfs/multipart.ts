/** Uploads in parts, as Hugging Face's clients send large files: begun by the batch answer, joined and checked by the completion call. */
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { BlobIdentity } from '../../platform/blobs/blob-store.ts'
import type { UploadTable } from '../../platform/db/schema.ts'
import { prepareBlob } from '../storage/service.ts'
import {
  deleteUpload,
  insertUpload,
  selectExpiredUploads,
  selectOpenUpload,
  selectUpload,
  updateUploadExpiry,
} from './queries.ts'

const mostPartsOfOne = 1_000
const lifetimeMs = 3 * 24 * 3_600_000
const batchSize = 100

export interface OpenUpload {
  readonly id: string
  readonly partSize: number
  readonly count: number
}

/** Begins an upload, or goes on with the same one of the same person. */
export async function openUpload(hub: Hub, allowed: Allowed<'repo.push'>, blob: BlobIdentity): Promise<OpenUpload> {
  const { principal, resource } = allowed
  const partSize = Math.max(hub.config.multipartPart, Math.ceil(blob.size / mostPartsOfOne))
  const now = hub.clock.now()
  const wanted = { repoId: resource.id, ownerId: accountOf(principal)?.id ?? '', ...blob, partSize }
  const open = await selectOpenUpload(hub.db, wanted, now)
  const id = open?.id ?? hub.clock.id()
  const expiresAt = now + lifetimeMs
  await hub.transaction((tx) =>
    open === null
      ? insertUpload(tx, { id, ...wanted, createdAt: now, expiresAt })
      : updateUploadExpiry(tx, id, expiresAt),
  )
  return { id, partSize, count: Math.ceil(blob.size / partSize) }
}

/** The upload of this repo. Throws `address_not_valid` once it has expired or was completed. */
export async function getUpload(hub: Hub, allowed: Allowed<'repo.push'>, id: string): Promise<UploadTable> {
  const upload = await selectUpload(hub.db, id)
  if (upload === null || upload.repoId !== allowed.resource.id || upload.expiresAt <= hub.clock.now()) {
    throw new HoldfastError('address_not_valid')
  }
  return upload
}

/** Bytes of one part; the last one is what is left. Throws `bad_request` for a part that the upload does not have. */
export function sizeOfPart(upload: UploadTable, part: number): number {
  const before = (part - 1) * upload.partSize
  if (!Number.isInteger(part) || part < 1 || before >= upload.size) {
    throw new HoldfastError('bad_request', { reason: `This upload has no part ${part}.` })
  }
  return Math.min(upload.partSize, upload.size - before)
}

const joining = new Map<string, Promise<void>>()

/** Joins the parts and checks the whole. Two calls at once do the work once. */
export async function joinParts(hub: Hub, upload: UploadTable): Promise<void> {
  const running = joining.get(upload.id)
  if (running !== undefined) return await running
  const { sha256, size } = upload
  const work = (async () => {
    await prepareBlob(hub, { sha256, size })
    await hub.blobs.completeParts(upload.id, Math.ceil(size / upload.partSize), { sha256, size })
  })()
  joining.set(upload.id, work)
  try {
    await work
  } finally {
    joining.delete(upload.id)
  }
}

/** Drops uploads that were begun and never completed. */
export async function dropExpiredUploads(hub: Hub): Promise<void> {
  for (;;) {
    const expired = await selectExpiredUploads(hub.db, hub.clock.now(), batchSize)
    for (const id of expired) {
      await hub.blobs.discardParts(id)
      await hub.transaction((tx) => deleteUpload(tx, id))
    }
    if (expired.length < batchSize) return
  }
}
