/** Undoes the escapes of a JSON string that comes in pieces (RFC 8259, section 7). An escape, or a surrogate pair, may be cut anywhere. */

const shortEscapes: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
}

export class JsonTextReader {
  /** The escape that has begun: empty, `\`, or `\u` with some digits. */
  #escape = ''
  #highSurrogate = 0

  /** True between two pieces if the next byte belongs to what has begun. */
  get isInside(): boolean {
    return this.#escape !== '' || this.#highSurrogate !== 0
  }

  /**
   * Reads from `at` up to the quote that ends the string, or to the end of the piece. Null for text that is no JSON.
   * `end` is the place of the quote, or -1.
   */
  read(piece: Buffer, at: number): { text: Buffer; end: number } | null {
    // A pair that began in the piece before is four bytes that this piece has no room for.
    const text = Buffer.allocUnsafe(piece.length - at + 4)
    let used = 0
    for (let index = at; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (this.#escape !== '') {
        const code = this.#continueEscape(byte)
        if (code === null) return null
        if (code >= 0) used = this.#put(text, used, code)
        if (used < 0) return null
        continue
      }
      if (byte === 0x5c) {
        this.#escape = '\\'
        continue
      }
      if (byte < 0x20 || this.#highSurrogate !== 0) return null
      if (byte === 0x22) return { text: text.subarray(0, used), end: index }
      text[used++] = byte
    }
    return { text: text.subarray(0, used), end: -1 }
  }

  /** The code unit that is complete now, -1 where more must come, null for a broken escape. */
  #continueEscape(byte: number): number | null {
    const character = String.fromCharCode(byte)
    if (this.#escape === '\\') {
      const code = shortEscapes[character]
      this.#escape = code === undefined ? `\\${character}` : ''
      if (code !== undefined) return code
      return character === 'u' ? -1 : null
    }
    if (!/[0-9a-fA-F]/.test(character)) return null
    this.#escape += character
    if (this.#escape.length < 6) return -1
    const code = Number.parseInt(this.#escape.slice(2), 16)
    this.#escape = ''
    return code
  }

  /** Writes a code unit as UTF-8; returns where the next goes, or -1 for half a surrogate pair. */
  #put(text: Buffer, at: number, code: number): number {
    const isLow = code >= 0xdc00 && code < 0xe000
    if ((this.#highSurrogate !== 0) !== isLow) return -1
    if (code >= 0xd800 && code < 0xdc00) {
      this.#highSurrogate = code
      return at
    }
    const point = isLow ? 0x10000 + ((this.#highSurrogate - 0xd800) << 10) + (code - 0xdc00) : code
    this.#highSurrogate = 0
    if (point < 0x80) {
      text[at] = point
      return at + 1
    }
    return at + text.write(String.fromCodePoint(point), at)
  }
}
