import { Buffer } from 'node:buffer'
import { Machine } from './machine.ts'

const deepestNesting = 8
/** More than any opcode needs but those with long arguments. */
const joinedBytes = 1024
const none = new Uint8Array(0)

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
  #carry: Uint8Array = none
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
    if (carried === 0) return this.#run({ bytes: piece, at: from, base }, (at) => ({ bytes: piece, at, base }))
    // What is needed to get beyond the carried bytes is little; the whole piece is copied only where that does not do.
    const joined = Buffer.concat([this.#carry, piece.subarray(from, from + joinedBytes)])
    const joinedBase = base + from - carried
    const inPiece = (at: number): Rest => {
      if (at >= carried) return { bytes: piece, at: from + at - carried, base }
      return { bytes: Buffer.concat([joined, piece.subarray(from + joinedBytes)]), at, base: joinedBase }
    }
    const rest = this.#run({ bytes: joined, at: 0, base: joinedBase }, inPiece)
    if (rest !== null || from + joinedBytes >= piece.length) return rest
    const next = inPiece(joined.length - this.#carry.length)
    this.#carry = none
    return this.#run(next, (at) => ({ ...next, at }))
  }

  /** `restAt` says of a place in these bytes where the same is in all that there is. */
  #run({ bytes, at: from, base }: Rest, restAt: (at: number) => Rest): Rest | null {
    let at = from
    for (;;) {
      const machine = this.#nested.at(-1)
      if (machine === undefined) return restAt(at)
      at = machine.run(bytes, at, base)
      switch (machine.status) {
        case 'reading':
          this.#carry = at === bytes.length ? none : Uint8Array.from(bytes.subarray(at))
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
          this.#onArray?.(restAt(at))
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
