import { absent, forgotten, isResult, isText, lost, opaque, plainTuple } from './values.ts'

const mostDense = 1 << 21
const mostSparse = 100_000

/**
 * The memo, bounded. Two million entries lie as they are; beyond them data is not kept at all, and of texts the oldest go first unless they name
 * imports. What was not kept reads as forgotten, never as something else.
 */
export class Memo {
  #dense = new Float64Array(64).fill(absent)
  readonly #sparse = new Map<number, number>()
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
    else {
      this.#count++
      this.#setSparse(index, value)
    }
  }

  put(index: number, value: number): void {
    if (index < mostDense) this.#setDense(index, value)
    else {
      this.#hasUncounted = true
      this.#setSparse(index, value)
    }
  }

  /** Null when nothing was ever put there. */
  get(index: number): number | null {
    if (this.#isConfused) return forgotten
    if (index >= mostDense) return this.#sparse.get(index) ?? (this.#hasLost ? lost : forgotten)
    const value = index < this.#dense.length ? (this.#dense[index] ?? absent) : absent
    return value === absent ? null : value
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
