/** What was worked out once is remembered for whoever asks next, and worked out once for all who ask meanwhile. The one asked for longest ago is forgotten first. */

export interface Remembering<T> {
  /** Of the sizes of all that is remembered. */
  readonly most: number
  sizeOf(value: T): number
  /** Milliseconds; 0: not at all. */
  keptMs(value: T): number
}

export class Remembered<T> {
  readonly #how: Remembering<T>
  readonly #kept = new Map<string, { readonly value: T; readonly until: number; readonly size: number }>()
  readonly #underWay = new Map<string, Promise<T>>()
  #size = 0

  constructor(how: Remembering<T>) {
    this.#how = how
  }

  async get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key)
    if (known !== undefined && known.until > Date.now()) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
      return known.value
    }
    let making = this.#underWay.get(key)
    if (making === undefined) {
      making = this.#make(key, make).finally(() => this.#underWay.delete(key))
      this.#underWay.set(key, making)
    }
    return await making
  }

  async #make(key: string, make: () => Promise<T>): Promise<T> {
    const value = await make()
    this.#forget(key)
    const keptMs = this.#how.keptMs(value)
    if (keptMs === 0) return value
    const size = this.#how.sizeOf(value)
    this.#kept.set(key, { value, size, until: Date.now() + keptMs })
    this.#size += size
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#how.most) break
      this.#forget(oldest)
    }
    return value
  }

  #forget(key: string): void {
    this.#size -= this.#kept.get(key)?.size ?? 0
    this.#kept.delete(key)
  }
}
