import { Buffer } from 'node:buffer'
import { forgotten, textPlace, textValue } from './values.ts'

/** Longer texts are no names of imports that anybody writes; used as one, they count as unresolvable. */
export const longestText = 255

const firstSize = 1 << 11
const largestSize = 8 << 20

/**
 * The short texts of a stream, in a ring: the newest 8 MiB of them. A text that was used as the name of an import is pinned, because picklers
 * write a module's name once and refer to it ever after; what is neither pinned nor recent reads as forgotten.
 */
export class Texts {
  #bytes = new Uint8Array(firstSize)
  /** Where the next text goes; grows for ever, modulo the size. */
  #next = 0
  /** The same place, in the ring. */
  #at = 0
  readonly #pinned = new Map<number, string>()

  /** A value for the `length` (at most longestText) bytes at `from`, in UTF-8. */
  add(source: Uint8Array, from: number, length: number): number {
    let at = this.#at
    let bytes = this.#bytes
    if (at + length + 1 > bytes.length) {
      if (bytes.length < largestSize) {
        bytes = new Uint8Array(Math.min(bytes.length * 4, largestSize))
        bytes.set(this.#bytes)
        this.#bytes = bytes
      } else {
        this.#next += bytes.length - at
        at = 0
      }
    }
    const place = this.#next
    bytes[at++] = length
    if (length < 32) {
      const end = at + length
      for (let index = from; at < end; index++) bytes[at++] = source[index] as number
    } else {
      bytes.set(source.subarray(from, from + length), at)
      at += length
    }
    this.#at = at
    this.#next = place + length + 1
    return textValue(place)
  }

  addString(text: string): number {
    const bytes = Buffer.from(text, 'utf8')
    return bytes.length > longestText ? forgotten : this.add(bytes, 0, bytes.length)
  }

  /** Null when it was forgotten. */
  read(value: number): string | null {
    const place = textPlace(value)
    const pinned = this.#pinned.get(place)
    if (pinned !== undefined) return pinned
    const bytes = this.#bytes
    if (place < this.#next - bytes.length) return null
    const at = place % bytes.length
    return Buffer.from(bytes.buffer, at + 1, bytes[at] ?? 0).toString('utf8')
  }

  pin(value: number, text: string): void {
    if (this.#pinned.size < 100_000) this.#pinned.set(textPlace(value), text)
  }

  isPinned(value: number): boolean {
    return this.#pinned.has(textPlace(value))
  }
}
