/** Names of blobs as paths and keys: `ab/cd/<hash>`. Nothing but hex digits of the right number ever reaches a path. */

/** Throws if `hash` is not 64 lowercase hex digits. */
export function fannedOut(hash: string): string {
  if (!isBlobHash(hash)) throw new Error('A blob is named by 64 lowercase hex digits.')
  return `${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`
}

export function isBlobHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

export function checkedUpload(upload: string): string {
  if (!/^[\w-]{1,100}$/.test(upload)) throw new Error('An upload is named by letters, digits, "_" and "-".')
  return upload
}
