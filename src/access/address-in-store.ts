/** Where a client may fetch a large file from the object storage by itself, if this hub is set to send it there. */
import type { Hub } from '../hub.ts'
import type { BlobName } from '../platform/blobs/blob-store.ts'

export interface AnswerHeaders {
  readonly contentType: string
  readonly contentDisposition: string
}

/**
 * `lifetimeMs`: long enough to begin a download; one that has begun may last. Neither the permission nor the quarantine behind it is looked up again. With `range`
 * only for a request of exactly that range. Null where the bytes go through the hub: so it is set, or they do not lie there as they are.
 */
export async function findAddressInStore(
  hub: Pick<Hub, 'config' | 'blobs'>,
  name: BlobName,
  size: number,
  headers: AnswerHeaders,
  lifetimeMs: number,
  range?: { readonly start: number; readonly end: number },
): Promise<string | null> {
  if (hub.config.s3?.isRedirecting !== true) return null
  // A client that was sent to a place without the file could not be told why.
  if ((await hub.blobs.findSize(name)) !== size) return null
  return await hub.blobs.signedFetch(name, {
    lifetimeMs,
    ...headers,
    cacheControl: 'private, no-store',
    ...(range === undefined ? {} : { range }),
  })
}
