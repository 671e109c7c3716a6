/** Git LFS pointers: the small text that stands in git for a large file (github.com/git-lfs/git-lfs, docs/spec.md). */

export interface LfsPointer {
  /** SHA-256 of the content, 64 lowercase hex digits. */
  readonly sha256: string
  readonly size: number
}

/** A blob of this size or more cannot be a pointer, so nobody needs to read it to know. */
export const lfsPointerLimit = 1024

const pointerPattern =
  /^version https:\/\/(?:git-lfs\.github\.com\/spec|hawser\.github\.com\/spec)\/v1\n(?:ext-\d-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n/

/** The pointer that a blob is, or null. Keys stand in alphabetical order after `version`; unknown ones may follow. */
export function parseLfsPointer(bytes: Uint8Array): LfsPointer | null {
  if (bytes.length >= lfsPointerLimit || bytes.length < 80) return null
  // Most small blobs are no pointers, and one byte tells.
  if (bytes[0] !== 0x76) return null
  const match = pointerPattern.exec(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'))
  if (match?.[1] === undefined || match[2] === undefined) return null
  return { sha256: match[1], size: Number(match[2]) }
}

/** The canonical text of a pointer. */
export function formatLfsPointer(pointer: LfsPointer): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${pointer.sha256}\nsize ${pointer.size}\n`
}
