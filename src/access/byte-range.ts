/** The `Range` header (RFC 9110, 14.2): one range of bytes. What is malformed or has several ranges is ignored, as the RFC allows. */

/** Both ends included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export type RangeRequest = ByteRange | 'whole' | 'unsatisfiable'

/** What of `size` bytes the header asks for, cut to what is there. A range of an empty file is the whole of it. */
export function parseRange(header: string | null, size: number): RangeRequest {
  const match = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '') || size === 0) return 'whole'
  if (match[1] === '') {
    const length = Number(match[2])
    return length === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(match[1])
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (match[2] !== '' && Number(match[2]) < start) return 'whole'
  return start >= size ? 'unsatisfiable' : { start, end }
}
