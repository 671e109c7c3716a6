/** Bytes that may be text, as text. */
const dropping = new TextDecoder('utf-8', { fatal: true })
const keeping = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Null for what is not text in UTF-8. `mark`: whether a mark of the byte order at the beginning is part of the text. */
export function utf8Text(bytes: Uint8Array, mark: 'dropped' | 'kept'): string | null {
  if (bytes.includes(0)) return null
  try {
    return (mark === 'kept' ? keeping : dropping).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}
