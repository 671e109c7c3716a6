/** bzip2: blocks of up to 900,000 bytes, each read when all of it has come; streams one behind another. */
import { Damaged, type Decoder, NotDecoded, outBytes, Pending } from './decoder.ts'

const blockMagic = [0x314159, 0x265359] as const
const endMagic = [0x177245, 0x385090] as const
const longestCode = 20
const groupLength = 50
const lookBits = 11
/** No block has more: 900,000 symbols of twenty bits, and tables. */
const mostBlockBytes = 3 << 20

/** Fewer bits are there than are needed; more may come. */
class Short extends Error {}

export class Bzip2Decoder implements Decoder {
  isOver = false
  readonly #input = new Pending()
  /** Bits that were read of the first pending byte. */
  #bit = 0
  #level = 0
  /** So many bytes must be there before the next try. */
  #wanted = 1 << 18
  readonly #bytes = new Uint32Array(900_000)
  readonly #out = new Uint8Array(outBytes);

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const input = this.#input
    input.add(bytes, isLast)
    while (!this.isOver) {
      if (this.#level === 0) {
        if (input.length === 0 && input.isLast) {
          this.isOver = true
          return
        }
        if (!input.has(4)) return
        const head = input.take(4).toString('latin1')
        if (!/^BZh[1-9]$/.test(head)) throw new Damaged('no stream begins here')
        this.#level = Number(head[3])
        continue
      }
      if (input.length < this.#wanted && !input.isLast) return
      const bits = new Bits(input.bytes, input.at * 8 + this.#bit)
      let block: { count: number; start: number } | null
      try {
        block = this.#readBlock(bits)
      } catch (error) {
        if (!(error instanceof Short)) throw error
        if (input.isLast || this.#wanted > mostBlockBytes) throw new Damaged('it ends in the middle')
        this.#wanted *= 2
        continue
      }
      this.#wanted = 1 << 18
      if (block === null) {
        // The end of a stream: another may begin at the next byte.
        input.at = Math.ceil(bits.at / 8)
        this.#bit = 0
        this.#level = 0
      } else {
        input.at = bits.at >> 3
        this.#bit = bits.at & 7
        yield* this.#runs(block.count, block.start)
      }
    }
  }

  /** Leaves the block's bytes, still with runs, as a chain. Null at the end of the stream. */
  #readBlock(bits: Bits): { count: number; start: number } | null {
    const magic = [bits.read(24), bits.read(24)]
    if (magic[0] === endMagic[0] && magic[1] === endMagic[1]) {
      bits.read(16)
      bits.read(16)
      return null
    }
    if (magic[0] !== blockMagic[0] || magic[1] !== blockMagic[1]) throw new Damaged('no block begins here')
    bits.read(16)
    bits.read(16)
    if (bits.read(1) === 1) throw new NotDecoded('it has blocks of a form that nobody has written since 1997')
    const start = bits.read(24)
    const symbols = readSymbols(bits)
    const groups = bits.read(3)
    const selectorCount = bits.read(15)
    if (groups < 2 || groups > 6 || selectorCount === 0) throw new Damaged('its tables are impossible')
    const selectors = readSelectors(bits, groups, selectorCount)
    const tables = Array.from({ length: groups }, () => readTable(bits, symbols.length + 2))
    const count = this.#readBytes(bits, symbols, selectors, tables)
    if (start >= count) throw new Damaged('its first byte is not there')
    return { count, start: this.#chain(count, start) }
  }

  #readBytes(bits: Bits, symbols: Uint8Array, selectors: Uint8Array, tables: readonly Table[]): number {
    const most = this.#level * 100_000
    const end = symbols.length + 1
    let count = 0
    let run = 0
    let weight = 1
    for (let group = 0; ; group++) {
      const table = tables[selectors[group] ?? -1]
      if (table === undefined) throw new Damaged('it has more symbols than tables')
      for (let left = groupLength; left > 0; left--) {
        const symbol = table.read(bits)
        if (symbol < 2) {
          run += weight << symbol
          weight *= 2
          if (run > most) throw new Damaged('a run is too long')
          continue
        }
        if (run > 0) {
          if (count + run > most) throw new Damaged('a block is longer than it may be')
          this.#bytes.fill(symbols[0] ?? 0, count, count + run)
          count += run
          run = 0
          weight = 1
        }
        if (symbol === end) return count
        if (count >= most) throw new Damaged('a block is longer than it may be')
        const byte = symbols[symbol - 1] as number
        for (let place = symbol - 1; place > 0; place--) symbols[place] = symbols[place - 1] as number
        symbols[0] = byte
        this.#bytes[count++] = byte
      }
    }
  }

  /** The bytes are sorted by what follows them; each gets the place of its next in its upper bits. */
  #chain(count: number, start: number): number {
    const bytes = this.#bytes
    const places = new Uint32Array(257)
    for (let index = 0; index < count; index++) {
      const after = ((bytes[index] as number) & 0xff) + 1
      places[after] = (places[after] as number) + 1
    }
    for (let byte = 0; byte < 256; byte++) places[byte + 1] = (places[byte + 1] as number) + (places[byte] as number)
    for (let index = 0; index < count; index++) {
      const byte = (bytes[index] as number) & 0xff
      const place = places[byte] as number
      places[byte] = place + 1
      bytes[place] = ((bytes[place] as number) | (index << 8)) >>> 0
    }
    return (bytes[start] as number) >>> 8
  }

  /** Behind four equal bytes stands how many more of them follow. */
  *#runs(count: number, start: number): Generator<Uint8Array> {
    const bytes = this.#bytes
    const out = this.#out
    let to = 0
    let place = start
    let last = -1
    let same = 0
    for (let left = count; left > 0; left--) {
      const entry = bytes[place] as number
      const byte = entry & 0xff
      place = entry >>> 8
      if (same === 4) {
        for (let more = byte; more > 0; more--) out[to++] = last
        same = 0
        last = -1
      } else {
        same = byte === last ? same + 1 : 1
        last = byte
        out[to++] = byte
      }
      if (to > out.length - 256) {
        yield out.subarray(0, to)
        to = 0
      }
    }
    if (to > 0) yield out.subarray(0, to)
  }
}

function readSymbols(bits: Bits): Uint8Array {
  const ranges = bits.read(16)
  const symbols: number[] = []
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const used = bits.read(16)
    for (let bit = 0; bit < 16; bit++) if ((used & (0x8000 >> bit)) !== 0) symbols.push(range * 16 + bit)
  }
  if (symbols.length === 0) throw new Damaged('it has no symbols')
  return Uint8Array.from(symbols)
}

function readSelectors(bits: Bits, groups: number, count: number): Uint8Array {
  const order = Array.from({ length: groups }, (_, index) => index)
  const selectors = new Uint8Array(count)
  for (let index = 0; index < count; index++) {
    let place = 0
    while (bits.read(1) === 1) if (++place >= groups) throw new Damaged('a table is not there')
    const [selector = 0] = order.splice(place, 1)
    order.unshift(selector)
    selectors[index] = selector
  }
  return selectors
}

function readTable(bits: Bits, symbols: number): Table {
  const lengths = new Uint8Array(symbols)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > longestCode) throw new Damaged('a code is too long')
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return new Table(lengths)
}

/** A canonical Huffman code: short codes by one look, longer ones bit by bit. */
class Table {
  /** By the next `lookBits` bits: the symbol and the length of its code; 0 where that is longer. */
  readonly #looks = new Uint16Array(1 << lookBits)
  readonly #order: number[] = []
  readonly #limits = new Int32Array(longestCode + 2)
  readonly #bases = new Int32Array(longestCode + 2)
  readonly #shortest: number

  constructor(lengths: Uint8Array) {
    const counts = new Int32Array(longestCode + 2)
    for (const length of lengths) counts[length] = (counts[length] as number) + 1
    for (let length = 1; length <= longestCode; length++)
      for (const [symbol, one] of lengths.entries()) if (one === length) this.#order.push(symbol)
    this.#shortest = Math.min(...lengths)
    let code = 0
    let before = 0
    for (let length = 1; length <= longestCode; length++) {
      const count = counts[length] as number
      this.#bases[length] = before - code
      if (length <= lookBits) {
        for (let index = 0; index < count && code + index < 1 << length; index++) {
          const symbol = this.#order[before + index] as number
          const from = (code + index) << (lookBits - length)
          this.#looks.fill((symbol << 5) | length, from, from + (1 << (lookBits - length)))
        }
      }
      code += count
      before += count
      this.#limits[length] = code
      code *= 2
    }
  }

  read(bits: Bits): number {
    const look = this.#looks[bits.look()] as number
    if (look !== 0) {
      bits.pass(look & 31)
      return look >> 5
    }
    let code = bits.read(this.#shortest)
    for (let length = this.#shortest; length <= longestCode; length++) {
      if (code < (this.#limits[length] as number)) {
        const symbol = this.#order[code + (this.#bases[length] as number)]
        if (symbol === undefined) break
        return symbol
      }
      code = code * 2 + bits.read(1)
    }
    throw new Damaged('a code is not there')
  }
}

class Bits {
  at: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** The next `lookBits` bits, with zeros behind the end. */
  look(): number {
    const from = this.at >> 3
    const bytes = this.#bytes
    const word = ((bytes[from] ?? 0) << 24) | ((bytes[from + 1] ?? 0) << 16) | ((bytes[from + 2] ?? 0) << 8)
    return (word << (this.at & 7)) >>> (32 - lookBits)
  }

  pass(count: number): void {
    this.at += count
    if (this.at > this.#bytes.length * 8) throw new Short()
  }

  /** At most 24 bits, the highest first. */
  read(count: number): number {
    const from = this.at >> 3
    const end = this.at + count
    if (end > this.#bytes.length * 8) throw new Short()
    const bytes = this.#bytes
    const word =
      (((bytes[from] as number) << 24) |
        ((bytes[from + 1] ?? 0) << 16) |
        ((bytes[from + 2] ?? 0) << 8) |
        (bytes[from + 3] ?? 0)) <<
      (this.at & 7)
    this.at = end
    return word >>> (32 - count)
  }
}
