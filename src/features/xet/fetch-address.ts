/**
 * Addresses of one range of a stored xorb, for clients that fetch without their token. The range is part of what is signed: a xorb also
 * holds chunks of files that this reader has nothing to do with.
 */
import { signAddress } from '../../access/signed-address.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { ScanPolicy } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { ByteRange } from '../../platform/xet/chunk-index.ts'

const lifetimeMs = 3_600_000

/** `range.end` is exclusive, as in our index; addresses name the last byte, as HTTP does. */
export type SignRange = (xorb: string, range: ByteRange) => string

/**
 * `of`: the SHA-256 of the one file that the ranges are given for, so that they end with it when it is held. Where they are for several: the
 * policy and the place of the repo as they were, which end them when they change.
 */
export function rangeSigner(
  hub: Hub,
  allowed: Allowed<'repo.content.read' | 'repo.push'>,
  segment: string,
  of: { readonly sha256: string } | { readonly policy: ScanPolicy; readonly place: string },
): SignRange {
  const now = hub.clock.now()
  const { credential, resource } = allowed
  return (xorb, range) => {
    const path = `/cas/${segment}/xorbs/${xorb}`
    const about: Readonly<Record<string, string>> =
      'sha256' in of ? { file: of.sha256 } : { policy: of.policy, place: of.place }
    const parameters = { repo: resource.id, ...about, first: range.start, last: range.end - 1 }
    const address = { method: 'GET' as const, path, parameters, credential, now, lifetimeMs }
    return hub.config.publicUrl + signAddress(hub.keys, address)
  }
}
