import { heapIndex, heapValue, isHeap } from './values.ts'

type Entry =
  | { readonly kind: 'tuple'; readonly items: readonly number[] }
  | { readonly kind: 'dict'; readonly items: Map<string, number> }

const size = 1 << 14
const mostItems = 16

/** The newest tuples and dicts, and what lies in them: enough to read the state of an array that was just written. */
export class Heap {
  readonly #entries: Entry[] = []
  #next = 0

  tuple(items: readonly number[]): number {
    return this.#add({ kind: 'tuple', items })
  }

  dict(): number {
    return this.#add({ kind: 'dict', items: new Map() })
  }

  /** Null when it is no tuple, or no longer kept. */
  items(value: number): readonly number[] | null {
    const entry = this.#entry(value)
    return entry?.kind === 'tuple' ? entry.items : null
  }

  item(value: number, key: string): number | null {
    const entry = this.#entry(value)
    return entry?.kind === 'dict' ? (entry.items.get(key) ?? null) : null
  }

  setItem(value: number, key: string, item: number): void {
    const entry = this.#entry(value)
    if (entry?.kind === 'dict' && (entry.items.size < mostItems || entry.items.has(key))) entry.items.set(key, item)
  }

  #add(entry: Entry): number {
    const index = this.#next++
    this.#entries[index % size] = entry
    return heapValue(index)
  }

  #entry(value: number): Entry | undefined {
    if (!isHeap(value)) return undefined
    const index = heapIndex(value)
    return index >= this.#next - size ? this.#entries[index % size] : undefined
  }
}
