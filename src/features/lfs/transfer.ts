/**
 * Bytes of large files coming in. What arrives is hashed and counted while it is written; the repo links it only after it is durable and
 * after the right to push was looked up once more, since an upload may last longer than a permission.
 */
import type { HttpRequest } from '../../access/http-request.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { BlobIdentity } from '../../platform/blobs/blob-store.ts'
import { findLinkedBlob, linkBlob, prepareBlob, writeLimitMs } from '../storage/service.ts'
import { getUpload, joinParts, sizeOfPart } from './multipart.ts'
import { deleteUpload, selectUpload } from './queries.ts'

type Reauthorize = () => Promise<Allowed<'repo.push'>>

export async function receiveObject(
  hub: Hub,
  request: HttpRequest,
  blob: BlobIdentity,
  reauthorize: Reauthorize,
): Promise<void> {
  checkHeaders(request, blob.size)
  await prepareBlob(hub, blob)
  await withTimeLimit(blob.size, (signal) => hub.blobs.put(request.message, blob, signal))
  const allowed = await reauthorize()
  await hub.transaction((tx) => linkBlob(tx, allowed.resource.id, blob, hub.clock.now()))
}

/** Returns the part's ETag. */
export async function receivePart(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  request: HttpRequest,
  uploadId: string,
  part: number,
): Promise<string> {
  const upload = await getUpload(hub, allowed, uploadId)
  const size = sizeOfPart(upload, part)
  checkHeaders(request, size)
  return await withTimeLimit(size, (signal) => hub.blobs.putPart(uploadId, part, request.message, size, signal))
}

/** Joins an upload and links it. Throws `hash_mismatch` or `length_mismatch`; the parts stay, so that one can be sent again. */
export async function completeUpload(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  uploadId: string,
  said: { readonly oid: string; readonly parts: number },
  reauthorize: Reauthorize,
): Promise<void> {
  const isDone = async () => (await findLinkedBlob(hub.db, allowed.resource.id, said.oid)) !== null
  // A client that did not hear the answer asks again.
  if ((await selectUpload(hub.db, uploadId)) === null && (await isDone())) return
  const upload = await getUpload(hub, allowed, uploadId)
  const { sha256, size } = upload
  const count = Math.ceil(size / upload.partSize)
  if (said.oid !== sha256) throw new HoldfastError('hash_mismatch', { received: said.oid, expected: sha256 })
  if (said.parts !== count) {
    throw new HoldfastError('bad_request', { reason: `This upload has ${count} parts, not ${said.parts}.` })
  }
  await joinParts(hub, upload)
  const { resource } = await reauthorize()
  await hub.transaction(async (tx) => {
    await linkBlob(tx, resource.id, { sha256, size }, hub.clock.now())
    await deleteUpload(tx, uploadId)
  })
}

/** What can be refused before a byte is written. */
function checkHeaders(request: HttpRequest, size: number): void {
  const encoding = request.header('content-encoding')
  if (encoding !== null && encoding !== 'identity') {
    throw new HoldfastError('unsupported_media_type', { allowed: 'bytes as they are, without Content-Encoding' })
  }
  const announced = request.header('content-length')
  if (announced !== null && Number(announced) !== size) {
    throw new HoldfastError('length_mismatch', { received: Number(announced), expected: size })
  }
}

async function withTimeLimit<T>(size: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new HoldfastError('request_timeout')), writeLimitMs(size))
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}
