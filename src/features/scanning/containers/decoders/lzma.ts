/** LZMA symbols: what .lzma files, xz, 7z and method 14 of zips have in common. Read as Igor Pavlov's specification says, and no further than the bytes at hand. */
import { Damaged, NotDecoded, outBytes } from './decoder.ts'

/** So many bytes of what came out are kept: the largest dictionary of `xz -9`, twice. */
const mostKept = 128 << 20
const leastKept = 1 << 18
/** No symbol needs more bytes. */
export const longestSymbol = 21

/** What came out last, in a ring that grows as it is needed; and what of it was not handed out yet. */
export class Window {
  /** Bytes since the dictionary was emptied. */
  total = 0
  /** Bytes that wait to be taken. */
  waiting = 0
  #ring = new Uint8Array(leastKept)
  #at = 0
  #most = leastKept
  #dictionary = leastKept
  /** Room for what waits, for a symbol more, and for a chunk that is stored as it is. */
  readonly #out = new Uint8Array(2 * outBytes + 1024)

  /** Distances up to so many bytes are good. */
  setDictionary(bytes: number): void {
    this.#dictionary = Math.max(bytes, 4096)
    this.#most = Math.max(leastKept, Math.min(this.#dictionary, mostKept))
  }

  /** Nothing that came before can be referred to. */
  empty(): void {
    this.total = 0
  }

  /** Good until more is put in. */
  take(): Uint8Array {
    const piece = this.#out.subarray(0, this.waiting)
    this.waiting = 0
    return piece
  }

  put(byte: number): void {
    if (this.#at === this.#ring.length) this.#turn()
    this.#ring[this.#at++] = byte
    this.#out[this.waiting++] = byte
    this.total++
  }

  /** The byte `distance` before the next one; 1 is the last. */
  byteAt(distance: number): number {
    const at = this.#at - distance
    return this.#ring[at < 0 ? at + this.#ring.length : at] as number
  }

  copy(distance: number, length: number): void {
    if (distance > this.total || distance > this.#dictionary) throw new Damaged('it refers to what is not there')
    if (distance > this.#most) throw new NotDecoded(`it refers to bytes more than ${mostKept >> 20} MiB before`)
    const ring = this.#ring
    const from = this.#at - distance
    if (from < 0 || this.#at + length > ring.length) {
      for (let left = length; left > 0; left--) this.put(this.byteAt(distance))
      return
    }
    for (let index = from; index < from + length; index++) {
      const byte = ring[index] as number
      ring[this.#at++] = byte
      this.#out[this.waiting++] = byte
    }
    this.total += length
  }

  store(bytes: Uint8Array): void {
    for (const byte of bytes) this.put(byte)
  }

  /** The end of the ring: it grows, or goes on at its beginning. */
  #turn(): void {
    const size = this.#ring.length
    if (size >= this.#most) {
      this.#at = 0
      return
    }
    const grown = new Uint8Array(Math.min(size * 2, this.#most))
    grown.set(this.#ring)
    this.#ring = grown
  }
}

const isMatch = 0
const isRep = isMatch + (12 << 4)
const isRepG0 = isRep + 12
const isRepG1 = isRepG0 + 12
const isRepG2 = isRepG1 + 12
const isRep0Long = isRepG2 + 12
const posSlots = isRep0Long + (12 << 4)
const posSpecial = posSlots + 4 * 64
const posAlign = posSpecial + 128
const lengths = posAlign + 16
const lengthSize = 2 + 16 * 8 + 16 * 8 + 256
const repLengths = lengths + lengthSize
const literals = repLengths + lengthSize

/** The state of the symbols; bytes come from whoever calls. */
export class LzmaSymbols {
  /** The mark of the end was read. */
  isEnded = false
  readonly window: Window
  #probabilities = new Uint16Array(literals)
  #lc = 0
  #lpMask = 0
  #pbMask = 0
  #state = 0
  #rep0 = 0
  #rep1 = 0
  #rep2 = 0
  #rep3 = 0
  #range = 0
  #code = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0

  constructor(window: Window) {
    this.window = window
  }

  /** As one byte: (pb * 5 + lp) * 9 + lc. */
  setProperties(byte: number): void {
    if (byte >= 225) throw new Damaged('its properties are impossible')
    this.#lc = byte % 9
    const lp = Math.floor(byte / 9) % 5
    this.#lpMask = (1 << lp) - 1
    this.#pbMask = (1 << Math.floor(byte / 45)) - 1
    const size = literals + (0x300 << (this.#lc + lp))
    if (this.#probabilities.length < size) this.#probabilities = new Uint16Array(size)
    this.reset()
  }

  reset(): void {
    this.#probabilities.fill(1024)
    this.#state = 0
    this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0
    this.isEnded = false
  }

  /** The five bytes before the first symbol. */
  begin(bytes: Uint8Array, at: number): void {
    if (bytes[at] !== 0) throw new Damaged('it does not begin with a zero')
    this.#range = 0xffffffff
    this.#code = 0
    for (let index = 1; index < 5; index++) this.#code = this.#code * 256 + (bytes[at + index] as number)
  }

  /**
   * Reads symbols of `bytes` from `from` until `wanted` bytes came out, enough wait to be taken, or the next symbol may not be there whole (with `isLast` it is
   * begun all the same). Returns how far it came.
   */
  run(bytes: Uint8Array, from: number, end: number, isLast: boolean, wanted: number): number {
    const { window } = this
    const target = window.total + wanted
    this.#bytes = bytes
    this.#at = from
    this.#end = end
    while (window.total < target && window.waiting < outBytes && !this.isEnded) {
      if (!isLast && end - this.#at < longestSymbol) break
      this.#symbol(target - window.total)
    }
    return this.#at
  }

  /** The mark of the end, which may stand where the length was said too. Returns how far it came. */
  passEnd(bytes: Uint8Array, from: number, end: number): number {
    if (this.#code === 0) return from
    this.#bytes = bytes
    this.#at = from
    this.#end = end
    try {
      this.#symbol(0)
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
    }
    return this.isEnded ? this.#at : from
  }

  #symbol(most: number): void {
    const { window } = this
    const posState = window.total & this.#pbMask
    const state = this.#state
    if (this.#bit(isMatch + (state << 4) + posState) === 0) {
      this.#literal(state)
      return
    }
    let length: number
    if (this.#bit(isRep + state) === 1) {
      if (window.total === 0) throw new Damaged('it refers to what is not there')
      if (this.#bit(isRepG0 + state) === 0) {
        if (this.#bit(isRep0Long + (state << 4) + posState) === 0) {
          this.#state = state < 7 ? 9 : 11
          window.copy(this.#rep0 + 1, 1)
          return
        }
      } else {
        let distance: number
        if (this.#bit(isRepG1 + state) === 0) distance = this.#rep1
        else {
          if (this.#bit(isRepG2 + state) === 0) distance = this.#rep2
          else {
            distance = this.#rep3
            this.#rep3 = this.#rep2
          }
          this.#rep2 = this.#rep1
        }
        this.#rep1 = this.#rep0
        this.#rep0 = distance
      }
      length = this.#length(repLengths, posState)
      this.#state = state < 7 ? 8 : 11
    } else {
      this.#rep3 = this.#rep2
      this.#rep2 = this.#rep1
      this.#rep1 = this.#rep0
      length = this.#length(lengths, posState)
      this.#state = state < 7 ? 7 : 10
      this.#rep0 = this.#distance(length)
      if (this.#rep0 === 0xffffffff) {
        this.isEnded = true
        return
      }
    }
    // Beyond what was announced nobody's decoder goes.
    window.copy(this.#rep0 + 1, Math.min(length + 2, most))
  }

  #literal(state: number): void {
    const { window } = this
    const before = window.total > 0 ? window.byteAt(1) : 0
    const context = ((window.total & this.#lpMask) << this.#lc) + (before >> (8 - this.#lc))
    const base = literals + 0x300 * context
    let symbol = 1
    if (state >= 7) {
      if (this.#rep0 >= window.total) throw new Damaged('it refers to what is not there')
      let match = window.byteAt(this.#rep0 + 1)
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1
        match <<= 1
        const bit = this.#bit(base + ((1 + matchBit) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (matchBit !== bit) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol)
    window.put(symbol & 0xff)
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
  }

  /** Two less than the length. */
  #length(base: number, posState: number): number {
    if (this.#bit(base) === 0) return this.#tree(base + 2 + (posState << 3), 3)
    if (this.#bit(base + 1) === 0) return 8 + this.#tree(base + 130 + (posState << 3), 3)
    return 16 + this.#tree(base + 258, 8)
  }

  /** One less than the distance; all ones is the mark of the end. */
  #distance(length: number): number {
    const slot = this.#tree(posSlots + (Math.min(length, 3) << 6), 6)
    if (slot < 4) return slot
    const direct = (slot >> 1) - 1
    const base = (2 | (slot & 1)) * 2 ** direct
    if (slot < 14) return base + this.#reverse(posSpecial + base - slot, direct)
    let high = 0
    for (let left = direct - 4; left > 0; left--) {
      this.#range = Math.floor(this.#range / 2)
      const rest = (this.#code - this.#range) >>> 0
      // By the highest bit, as everybody's decoder does it.
      const bit = rest < 0x80000000 ? 1 : 0
      if (bit === 1) this.#code = rest
      high = high * 2 + bit
      if (this.#range < 0x1000000) this.#more()
    }
    return base + high * 16 + this.#reverse(posAlign, 4)
  }

  #tree(base: number, bits: number): number {
    let symbol = 1
    for (let left = bits; left > 0; left--) symbol = (symbol << 1) | this.#bit(base + symbol)
    return symbol - (1 << bits)
  }

  #reverse(base: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let place = 0; place < bits; place++) {
      const bit = this.#bit(base + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << place
    }
    return value
  }

  #bit(place: number): 0 | 1 {
    const probability = this.#probabilities[place] as number
    const bound = (this.#range >>> 11) * probability
    let bit: 0 | 1 = 0
    if (this.#code < bound) {
      this.#range = bound
      this.#probabilities[place] = probability + ((2048 - probability) >>> 5)
    } else {
      this.#range -= bound
      this.#code -= bound
      this.#probabilities[place] = probability - (probability >>> 5)
      bit = 1
    }
    if (this.#range < 0x1000000) this.#more()
    return bit
  }

  #more(): void {
    if (this.#at >= this.#end) throw new Damaged('it ends in the middle')
    this.#range *= 256
    // What is above 32 bits is lost, as in every decoder: no encoder brings the code so high, but an attacker does.
    this.#code = ((this.#code << 8) | (this.#bytes[this.#at++] as number)) >>> 0
  }
}
