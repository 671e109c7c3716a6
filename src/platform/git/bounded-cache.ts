/** Remembers what can never change (it is named by commit id), per owner, least recently used first out. One computation per key. */
export class BoundedCache<Owner extends object, Value> {
  readonly #limit: number
  readonly #entries = new WeakMap<Owner, Map<string, Promise<Value>>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The remembered value, or what `compute` gives. A failure is not remembered. */
  get(owner: Owner, key: string, compute: () => Promise<Value>): Promise<Value> {
    let entries = this.#entries.get(owner)
    if (entries === undefined) {
      entries = new Map()
      this.#entries.set(owner, entries)
    }
    const known = entries.get(key)
    entries.delete(key)
    const value = known ?? compute()
    entries.set(key, value)
    if (known === undefined) value.catch(() => entries.delete(key))
    for (const oldest of entries.keys()) {
      if (entries.size <= this.#limit) break
      entries.delete(oldest)
    }
    return value
  }
}
