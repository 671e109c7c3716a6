/** Which chunks of which xorbs are needed, each chunk once. Bounded in memory: of many xorbs it keeps those with the lowest hashes. */

/** Sorted, disjoint pairs of first chunk and end (exclusive). */
type Ranges = number[]

export class ChunkRanges {
  readonly #ranges = new Map<string, Ranges>()
  readonly #from: string
  readonly #most: number
  #count = 0
  #end = end

  /** Xorbs with hashes from `from` on; at most about `most` ranges. */
  constructor(from: string, most = 200_000) {
    this.#from = from
    this.#most = most
  }

  /** Where the next pass begins, or null if nothing was left out. */
  get next(): string | null {
    return this.#end === end ? null : this.#end
  }

  /** By xorb. */
  get all(): ReadonlyMap<string, readonly number[]> {
    return this.#ranges
  }

  add(xorb: string, from: number, to: number): void {
    if (xorb < this.#from || xorb >= this.#end) return
    const ranges = this.#ranges.get(xorb)
    if (ranges === undefined) {
      this.#ranges.set(xorb, [from, to])
      this.#count++
    } else {
      const before = ranges.length / 2
      insert(ranges, from, to)
      this.#count += ranges.length / 2 - before
    }
    if (this.#count > this.#most && this.#ranges.size > 1) this.#halve()
  }

  #halve(): void {
    const hashes = [...this.#ranges.keys()].sort()
    this.#end = hashes[hashes.length >> 1] ?? end
    for (const hash of hashes.slice(hashes.length >> 1)) {
      this.#count -= (this.#ranges.get(hash)?.length ?? 0) / 2
      this.#ranges.delete(hash)
    }
  }
}

/** No hash comes after this. */
const end = 'g'

function insert(ranges: Ranges, from: number, to: number): void {
  // The first range that ends at or after `from`: it and those behind it may touch the new one.
  let first = ranges.length
  while (first > 0 && (ranges[first - 1] ?? 0) >= from) first -= 2
  let last = first
  let [start, stop] = [from, to]
  while (last < ranges.length && (ranges[last] ?? 0) <= to) {
    start = Math.min(start, ranges[last] ?? start)
    stop = Math.max(stop, ranges[last + 1] ?? stop)
    last += 2
  }
  ranges.splice(first, last - first, start, stop)
}
