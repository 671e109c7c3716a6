/** LZMA2: chunks of LZMA or of bytes as they are, as xz and 7z have them. */
import { Damaged, type Decoder, Pending } from './decoder.ts'
import { LzmaSymbols, Window } from './lzma.ts'

/** Of a dictionary as one byte says it. */
export function dictionarySize(byte: number): number {
  if (byte > 40) throw new Damaged('its dictionary is impossible')
  return byte === 40 ? 2 ** 32 - 1 : (2 | (byte & 1)) * 2 ** ((byte >> 1) + 11)
}

export class Lzma2Decoder implements Decoder {
  isOver = false
  /** What came and was not used: of interest once it is over. */
  readonly input = new Pending()
  readonly #window = new Window()
  readonly #symbols = new LzmaSymbols(this.#window)
  #hasProperties = false
  #hasDictionary = false

  constructor(dictionaryByte: number) {
    this.#window.setDictionary(dictionarySize(dictionaryByte))
  }

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const { input } = this
    input.add(bytes, isLast)
    while (!this.isOver) {
      if (!input.has(1)) return
      const control = input.bytes[input.at] as number
      if (control === 0) {
        input.take(1)
        this.isOver = true
      } else if (control < 0x80) {
        if (control > 2) throw new Damaged('a chunk is of no known kind')
        if (!input.has(3)) return
        const size = input.bytes.readUInt16BE(input.at + 1) + 1
        if (!input.has(3 + size)) return
        input.take(3)
        this.#emptyIf(control === 1)
        const chunk = input.take(size)
        this.#window.store(chunk)
        yield this.#window.take()
      } else {
        const hasProperties = control >= 0xc0
        const head = hasProperties ? 6 : 5
        if (!input.has(head)) return
        const packed = input.bytes.readUInt16BE(input.at + 3) + 1
        if (!input.has(head + packed)) return
        const size = ((control & 0x1f) << 16) + input.bytes.readUInt16BE(input.at + 1) + 1
        const properties = input.bytes[input.at + 5] as number
        input.take(head)
        this.#emptyIf(control >= 0xe0)
        if (hasProperties) this.#symbols.setProperties(properties)
        else if (!this.#hasProperties) throw new Damaged('its first chunk has no properties')
        else if (control >= 0xa0) this.#symbols.reset()
        this.#hasProperties = true
        yield* this.#chunk(packed, size)
      }
    }
  }

  #emptyIf(isFirst: boolean): void {
    if (isFirst) this.#window.empty()
    else if (!this.#hasDictionary) throw new Damaged('its first chunk refers to one before it')
    this.#hasDictionary = true
  }

  *#chunk(packed: number, size: number): Generator<Uint8Array> {
    const window = this.#window
    const bytes = this.input.take(packed)
    if (packed < 5) throw new Damaged('a chunk is cut')
    this.#symbols.begin(bytes, 0)
    let at = 5
    for (let left = size; left > 0; ) {
      const before = window.total
      try {
        at = this.#symbols.run(bytes, at, bytes.length, true, left)
      } catch (error) {
        if (window.waiting > 0) yield window.take()
        throw error
      }
      if (this.#symbols.isEnded) throw new Damaged('a chunk ends before its end')
      left -= window.total - before
      yield window.take()
    }
  }
}
