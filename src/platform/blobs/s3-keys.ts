/** The keys of an object store: `objects/ab/cd/<sha256>`, `xorbs/ab/cd/<hash>`, and `incoming/<upload>/<part>` for uploads in parts. */
import { checkedUpload, fannedOut, isBlobHash } from './blob-path.ts'
import type { BlobKind, BlobName } from './blob-store.ts'

const folders: Readonly<Record<BlobKind, string>> = { object: 'objects/', xorb: 'xorbs/' }

/** `prefix` stands before every key: empty, or ends in a slash. */
export interface S3Keys {
  readonly all: string
  blob(name: BlobName): string
  kind(kind: BlobKind): string
  readonly incoming: string
  upload(upload: string): string
  part(upload: string, part: number): string
}

export function s3Keys(prefix: string): S3Keys {
  const incoming = `${prefix}incoming/`
  const upload = (id: string): string => `${incoming}${checkedUpload(id)}/`
  return {
    all: prefix,
    blob: (name) => prefix + folders[name.kind] + fannedOut(name.hash),
    kind: (kind) => prefix + folders[kind],
    incoming,
    upload,
    // Of one length, so that the order of the keys is that of the parts.
    part: (id, part) => upload(id) + String(part).padStart(6, '0'),
  }
}

/** The hash at the end of a key, or null where somebody else put something. */
export function hashOfKey(key: string): string | null {
  const last = key.slice(key.lastIndexOf('/') + 1)
  return isBlobHash(last) ? last : null
}
