/** LZMA in its own format (.lzma), and behind the four bytes of a zip's method 14. */
import { Damaged, type Decoder, Pending } from './decoder.ts'
import { LzmaSymbols, longestSymbol, Window } from './lzma.ts'

export class LzmaDecoder implements Decoder {
  isOver = false
  readonly #kind: 'file' | 'zip' | 'raw'
  readonly #input = new Pending()
  readonly #window = new Window()
  readonly #symbols = new LzmaSymbols(this.#window)
  #next: 'header' | 'start' | 'symbols' = 'header'
  /** Bytes that are still to come out; infinite where a mark ends them. */
  #left = Number.POSITIVE_INFINITY

  /** `raw`: what a header would have said is known. */
  constructor(kind: 'file' | 'zip' | 'raw', raw?: { readonly properties: Uint8Array; readonly size: number }) {
    this.#kind = kind
    if (raw === undefined) return
    this.#setUp(raw.properties)
    this.#left = raw.size
    this.#next = 'start'
  }

  get rest(): Uint8Array {
    return this.#input.rest
  }

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const input = this.#input
    input.add(bytes, isLast)
    if (this.#next === 'header' && !this.#readHeader()) return
    if (this.#next === 'start') {
      if (!input.has(5)) return
      this.#symbols.begin(input.bytes, input.at)
      input.take(5)
      this.#next = 'symbols'
    }
    const window = this.#window
    while (!this.isOver) {
      if (this.#left === 0) {
        if (!input.isLast && input.length < longestSymbol) return
        input.at = this.#symbols.passEnd(input.bytes, input.at, input.bytes.length)
        this.isOver = true
        return
      }
      const before = window.total
      try {
        input.at = this.#symbols.run(input.bytes, input.at, input.bytes.length, input.isLast, this.#left)
      } catch (error) {
        if (window.waiting > 0) yield window.take()
        // A zip says elsewhere how long its entry is, and then needs no mark of the end.
        if (this.#kind !== 'zip' || !(error instanceof Damaged)) throw error
        this.isOver = true
        return
      }
      this.#left -= window.total - before
      if (window.waiting > 0) yield window.take()
      this.isOver = this.#symbols.isEnded
      if (!this.isOver && !input.isLast && input.length < longestSymbol) return
    }
  }

  #readHeader(): boolean {
    const input = this.#input
    if (this.#kind === 'zip') {
      if (!input.has(9)) return false
      const head = input.take(9)
      if (head.readUInt16LE(2) !== 5) throw new Damaged('its properties are impossible')
      this.#setUp(head.subarray(4))
    } else {
      if (!input.has(13)) return false
      const head = input.take(13)
      this.#setUp(head)
      const size = head.readBigUInt64LE(5)
      if (size < 2n ** 53n) this.#left = Number(size)
    }
    this.#next = 'start'
    return true
  }

  #setUp(properties: Uint8Array): void {
    if (properties.length < 5) throw new Damaged('its properties are cut')
    const [byte = 0, ...size] = properties.subarray(0, 5)
    this.#window.setDictionary(size.reduceRight((sum, one) => sum * 256 + one, 0))
    this.#symbols.setProperties(byte)
  }
}
