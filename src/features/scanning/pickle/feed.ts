import { Buffer } from 'node:buffer'
import { Machine } from './machine.ts'

const deepestNesting = 8

/** Where a feed stopped: `bytes` from `at` on were not read; they lie `base` bytes into the stream. */
export interface Rest {
  readonly bytes: Uint8Array
  readonly at: number
  readonly base: number
}

export type Trace = (code: number, at: number) => void

/**
 * Gives a machine its bytes in pieces of any size, and keeps what it could not use yet. A pickle inside an array of objects is read by a machine
 * of its own before the outer one goes on.
 */
export class Feed {
  /** The outermost first. */
  readonly machines: Machine[]
  /** Where the pickle begins in the stream. */
  readonly start: number
  #carry: Uint8Array = new Uint8Array(0)
  #nested: Machine[] = []
  readonly #trace: Trace | null
  readonly #onArray: ((rest: Rest) => void) | null

  constructor(start: number, options: { trace?: Trace | null; onArray?: (rest: Rest) => void } = {}) {
    this.start = start
    this.#trace = options.trace ?? null
    this.#onArray = options.onArray ?? null
    this.machines = [new Machine(this.#trace)]
    this.#nested = [...this.machines]
  }

  get outer(): Machine {
    const [first] = this.machines
    if (first === undefined) throw new Error('A feed has a machine')
    return first
  }

  /** Bytes that are being passed over. */
  get awaited(): number {
    return this.#nested.at(-1)?.awaited ?? 0
  }

  /** Null while it wants more. */
  write(piece: Uint8Array, from: number, base: number): Rest | null {
    const carried = this.#carry.length
    const bytes = carried === 0 ? piece : Buffer.concat([this.#carry, from === 0 ? piece : piece.subarray(from)])
    const bytesBase = carried === 0 ? base : base + from - carried
    let at = carried === 0 ? from : 0
    for (;;) {
      const machine = this.#nested.at(-1)
      if (machine === undefined) return { bytes, at, base: bytesBase }
      at = machine.run(bytes, at, bytesBase)
      switch (machine.status) {
        case 'reading':
          this.#carry = at === bytes.length ? new Uint8Array(0) : Uint8Array.from(bytes.subarray(at))
          return null
        case 'stopped':
          this.#nested.pop()
          this.#nested.at(-1)?.resume()
          break
        case 'unreadable':
          this.#nested = []
          break
        case 'array':
          machine.resume()
          this.#onArray?.({ bytes, at, base: bytesBase })
          break
        case 'nested': {
          const inner = new Machine(this.#trace)
          if (this.#nested.length >= deepestNesting) {
            machine.state.partly ??= 'arrays lie too deep in each other'
            this.#nested = []
            break
          }
          this.machines.push(inner)
          this.#nested.push(inner)
        }
      }
    }
  }
}
