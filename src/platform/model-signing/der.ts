/** As much of DER (X.690) as certificates need that `node:crypto` does not tell: elements, object identifiers, small numbers. */

export interface DerElement {
  /** The identifier octet: `0x30` is a sequence, `0xa3` the third context-specific field. */
  readonly tag: number
  readonly content: Buffer
}

/** The elements that stand in `bytes`, one behind the other. Throws `RangeError` where it is no DER. */
export function readDer(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at)
    // Longer tags stand in no certificate.
    if ((tag & 0x1f) === 0x1f) throw new RangeError('a tag of several octets')
    let length = bytes.readUInt8(at + 1)
    at += 2
    if (length === 0x80 || length > 0x84) throw new RangeError('a length that DER has not')
    if (length > 0x80) {
      const octets = length & 0x7f
      length = bytes.readUIntBE(at, octets)
      at += octets
    }
    if (at + length > bytes.length) throw new RangeError('an element that ends behind its end')
    elements.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return elements
}

/** As `1.2.840.10045.4.3.2`. */
export function readOid(content: Buffer): string {
  const parts: number[] = []
  let value = 0
  for (const octet of content) {
    value = value * 128 + (octet & 0x7f)
    if (octet < 0x80) {
      parts.push(value)
      value = 0
    }
  }
  const [first = 0, ...rest] = parts
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...rest].join('.')
}

/** A number of up to four octets; `Infinity` for a longer one. */
export function readSmallInteger(content: Buffer): number {
  return content.length === 0 || content.length > 4 ? Number.POSITIVE_INFINITY : content.readIntBE(0, content.length)
}
