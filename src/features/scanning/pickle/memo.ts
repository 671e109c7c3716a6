import { absent, forgotten, isResult, isText, lost, opaque, plainTuple } from './values.ts'

const mostDense = 1 << 21
const mostSparse = 100_000
const ringSize = 1 << 18

/**
 * The memo, bounded. Two million entries lie as they are; beyond them a ring has the newest, and of what it drops data is not kept at all, and of texts those
 * alone that name imports. What was not kept reads as forgotten, never as something else.
 */
export class Memo {
  #dense = new Float64Array(64).fill(absent)
  readonly #sparse = new Map<number, number>()
  #ring = new Float64Array(0)
  #count = 0
  /** An explicit index beyond what is kept: from then on nobody can say how many entries the real memo has. */
  #hasUncounted = false
  #isConfused = false
  #hasLost = false
  readonly #isPinned: (text: number) => boolean

  constructor(isPinned: (text: number) => boolean) {
    this.#isPinned = isPinned
  }

  /** MEMOIZE: the next index is the number of entries. */
  append(value: number): void {
    const index = this.#count
    const dense = this.#dense
    if (index < dense.length && dense[index] === absent && !this.#hasUncounted) {
      dense[index] = value
      this.#count = index + 1
      return
    }
    if (this.#hasUncounted) this.#isConfused = true
    if (index < mostDense) this.#setDense(index, value)
    else this.#appendToRing(index, value)
  }

  put(index: number, value: number): void {
    if (index < mostDense) this.#setDense(index, value)
    else {
      this.#hasUncounted = true
      if (this.#isInRing(index)) this.#ring[index % ringSize] = value
      else this.#setSparse(index, value)
    }
  }

  /** Null when nothing was ever put there. */
  get(index: number): number | null {
    if (this.#isConfused) return forgotten
    if (this.#isInRing(index)) return this.#ring[index % ringSize] as number
    if (index >= mostDense) return this.#sparse.get(index) ?? (this.#hasLost ? lost : forgotten)
    const value = index < this.#dense.length ? (this.#dense[index] ?? absent) : absent
    return value === absent ? null : value
  }

  #isInRing(index: number): boolean {
    return index >= mostDense && index < this.#count && index >= this.#count - ringSize
  }

  #appendToRing(index: number, value: number): void {
    if (this.#ring.length === 0) this.#ring = new Float64Array(ringSize)
    const slot = index % ringSize
    const oldest = index - ringSize
    if (oldest >= mostDense) {
      const dropped = this.#ring[slot] as number
      if (!isText(dropped) || this.#isPinned(dropped)) this.#setSparse(oldest, dropped)
    }
    this.#ring[slot] = value
    this.#count = index + 1
  }

  #setDense(index: number, value: number): void {
    if (index >= this.#dense.length) {
      let size = this.#dense.length
      while (size <= index) size *= 2
      const grown = new Float64Array(size).fill(absent, this.#dense.length)
      grown.set(this.#dense)
      this.#dense = grown
    }
    if (this.#dense[index] === absent) this.#count++
    this.#dense[index] = value
  }

  #setSparse(index: number, value: number): void {
    this.#sparse.delete(index)
    if (value === opaque || value === plainTuple || isResult(value)) return
    if (this.#sparse.size >= mostSparse) this.#forgetOldest()
    this.#sparse.set(index, value)
  }

  #forgetOldest(): void {
    let looked = 0
    for (const [index, value] of this.#sparse) {
      if (isText(value) && !this.#isPinned(value)) {
        this.#sparse.delete(index)
        return
      }
      if (++looked === 64) break
    }
    // Imports are few in honest pickles; in a stream made of them, what is missing later may have been one.
    this.#hasLost = true
    const oldest = this.#sparse.keys().next()
    if (!oldest.done) this.#sparse.delete(oldest.value)
  }
}
