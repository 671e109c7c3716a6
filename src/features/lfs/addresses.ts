/** The signed addresses that the batch answer hands out. They name the repo by id, so that a rename in between breaks no upload. */
import { signAddress } from '../../access/signed-address.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { BlobIdentity } from '../../platform/blobs/blob-store.ts'

/** A batch of large files may take its time; who may use the address is looked up at each use anyway. */
export const addressLifetimeMs = 24 * 3_600_000

type Holder = Allowed<Extract<Action, 'repo.push' | 'repo.content.read'>>

export interface LfsAddresses {
  upload(blob: BlobIdentity): string
  verify(blob: BlobIdentity): string
  download(blob: BlobIdentity): string
  part(upload: string, part: number): string
  complete(upload: string): string
}

/** Addresses that hold for the repo and the credential that `allowed` speaks of. */
export function lfsAddresses(hub: Hub, allowed: Holder): LfsAddresses {
  const now = hub.clock.now()
  const base = `/lfs/${allowed.resource.id}`
  const sign = (method: 'GET' | 'PUT' | 'POST', path: string, parameters: Record<string, number>): string => {
    const { credential } = allowed
    const address = { method, path: base + path, parameters, credential, now, lifetimeMs: addressLifetimeMs }
    return hub.config.publicUrl + signAddress(hub.keys, address)
  }
  return {
    upload: ({ sha256, size }) => sign('PUT', `/objects/${sha256}`, { size }),
    verify: ({ sha256, size }) => sign('POST', `/objects/${sha256}/verify`, { size }),
    download: ({ sha256, size }) => sign('GET', `/objects/${sha256}`, { size }),
    part: (upload, part) => sign('PUT', `/uploads/${upload}/parts/${part}`, {}),
    complete: (upload) => sign('POST', `/uploads/${upload}`, {}),
  }
}
