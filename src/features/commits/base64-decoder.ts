/**
 * Base64 as it streams by: strict RFC 4648 (standard alphabet, padded, no line breaks, no stray bits), in pieces of any size. What it
 * has decoded can be encoded again to exactly the same text, which is how text that only looked like base64 is brought back.
 */
const wholeQuartets = /^(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/

export class Base64Decoder {
  /** Up to three characters that do not fill a group yet. */
  #carry = ''
  #isPadded = false

  /** The bytes that `run` completes, or null where it is not base64: the decoder is of no use then, but for `carry`. */
  decode(run: Buffer): Buffer | null {
    if (run.length === 0) return empty
    if (this.#isPadded) return null
    const text = this.#carry + run.toString('latin1')
    const padding = run.indexOf(0x3d)
    const plain = padding < 0 ? text.length : this.#carry.length + padding
    const usable = plain - (plain % 4)
    const body = decodePlain(usable === text.length ? text : text.slice(0, usable))
    if (body === null) return null
    const rest = text.slice(usable)
    if (padding < 0 || rest.length < 4) {
      this.#carry = rest
      return body
    }
    const last = decodePadded(rest)
    if (last === null) return null
    this.#carry = ''
    this.#isPadded = true
    return body.length === 0 ? last : Buffer.concat([body, last])
  }

  /** What was taken in but not decoded. */
  get carry(): string {
    return this.#carry
  }
}

const empty = Buffer.alloc(0)

/** Whole groups without padding. Node skips what is no base64 and takes the URL alphabet, so both are looked for here. */
function decodePlain(text: string): Buffer | null {
  if (text.length === 0) return empty
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === (text.length / 4) * 3 && !text.includes('-') && !text.includes('_') ? bytes : null
}

function decodePadded(group: string): Buffer | null {
  if (!wholeQuartets.test(group)) return null
  const bytes = Buffer.from(group, 'base64')
  return bytes.toString('base64') === group ? bytes : null
}
