import type { ArrayState } from './array-state.ts'
import { MachineState } from './machine-state.ts'
import { argumentOf, op } from './opcodes.ts'
import { longestText } from './texts.ts'
import { forgotten, opaque, plainTuple } from './values.ts'

/** Lines may be of any length; only so much of one is waited for, the rest is passed over unread. */
const longestLine = 8192

const notFixed = 255
/** By opcode: how many bytes of argument follow, or `notFixed`. */
const fixedLength = Uint8Array.from({ length: 256 }, (_, code) => {
  const argument = argumentOf[code]
  return argument?.kind === 'fixed' ? argument.bytes : notFixed
})

/**
 * One pickle, read opcode by opcode as CPython's unpickler would run it, without running anything: a stack, a memo and marks of abstract values.
 * It takes what the C unpickler takes, and goes on where that would stop, as far as the bytes allow; `broken` then says why Python stops there.
 */
export class Machine {
  status: 'reading' | 'stopped' | 'unreadable' | 'array' | 'nested' = 'reading'
  readonly state: MachineState
  /** How many opcodes were run. */
  count = 0
  /** Bytes of an argument or an array that are still to come and are not looked at. */
  #skip = 0
  #skipsPadding = false
  #lines = 0
  readonly #trace: ((code: number, at: number) => void) | null

  constructor(trace: ((code: number, at: number) => void) | null = null) {
    this.#trace = trace
    this.state = new MachineState()
  }

  /** Bytes that must still come before the next opcode. */
  get awaited(): number {
    return this.#skip
  }

  /**
   * Runs over `bytes` from `from`, which lies `base + from` bytes into the stream, and returns how far it came. Short of the end while `reading`,
   * it wants the rest again with more behind it.
   */
  run(bytes: Uint8Array, from: number, base: number): number {
    const end = bytes.length
    const state = this.state
    const trace = this.#trace
    let at = from
    while (at < end) {
      if (this.#lines > 0 || this.#skip > 0 || this.#skipsPadding) {
        at = this.#passOver(bytes, at)
        continue
      }
      const code = bytes[at] ?? 0
      const length = fixedLength[code] ?? notFixed
      const start = at
      if (length === notFixed) {
        at = this.#runWithArgument(bytes, at, base)
        if (at < 0) return start
        if (trace !== null) trace(code, base + start)
      } else {
        if (at + 1 + length > end) return start
        if (trace !== null) trace(code, base + start)
        state.at = base + start
        at += 1 + length
        switch (code) {
          case op.NONE:
          case op.NEWTRUE:
          case op.NEWFALSE:
          case op.BINFLOAT:
          case op.EMPTY_LIST:
          case op.EMPTY_SET:
          case op.NEXT_BUFFER:
            state.push(opaque)
            break
          case op.BININT1:
          case op.BININT2:
          case op.BININT:
            state.push(state.awaitsArrays ? state.integer(bytes, start + 1, length) : opaque)
            break
          case op.MEMOIZE:
            state.memo.append(state.top())
            break
          case op.BINPUT:
            state.memo.put(bytes[start + 1] ?? 0, state.top())
            break
          case op.BINGET:
            state.get(bytes[start + 1] ?? 0)
            break
          case op.LONG_BINPUT:
            state.memo.put(uint32(bytes, start + 1), state.top())
            break
          case op.LONG_BINGET:
            state.get(uint32(bytes, start + 1))
            break
          case op.MARK:
            state.mark()
            break
          case op.EMPTY_DICT:
          case op.EMPTY_TUPLE:
            state.push(
              state.awaitsArrays
                ? state.container(code === op.EMPTY_DICT)
                : code === op.EMPTY_DICT
                  ? opaque
                  : plainTuple,
            )
            break
          case op.STOP:
            this.count++
            state.stop()
            this.status = 'stopped'
            return at
          case op.FRAME:
            break
          default:
            state.run(code, bytes, start + 1)
            if (state.array !== null) {
              this.#beginArray(state.array)
              state.array = null
              this.count++
              return at
            }
        }
      }
      this.count++
    }
    return at
  }

  /** Goes on after an array of joblib began (`array`), or after the pickle inside an array of objects was read (`nested`). */
  resume(): void {
    this.status = 'reading'
  }

  #beginArray(array: ArrayState): void {
    this.status = array.holdsObjects ? 'nested' : 'array'
    if (array.holdsObjects) return
    this.#skip = array.bytes
    this.#skipsPadding = array.isPadded
  }

  #passOver(bytes: Uint8Array, from: number): number {
    if (this.#skipsPadding) {
      this.#skipsPadding = false
      this.#skip += bytes[from] ?? 0
      return from + 1
    }
    if (this.#lines > 0) {
      const feed = bytes.indexOf(10, from)
      if (feed < 0) return bytes.length
      this.#lines--
      return feed + 1
    }
    const passed = Math.min(this.#skip, bytes.length - from)
    this.#skip -= passed
    return from + passed
  }

  /** Where the next opcode is; negative when more bytes are needed, or none will help (`unreadable`). */
  #runWithArgument(bytes: Uint8Array, start: number, base: number): number {
    const code = bytes[start] ?? 0
    const argument = argumentOf[code]
    const state = this.state
    state.at = base + start
    if (argument === undefined) {
      state.breakAt(`byte 0x${code.toString(16).padStart(2, '0')} is no opcode`)
      this.status = 'unreadable'
      return -1
    }
    if (argument.kind === 'lines') return this.#runWithLines(code, argument.count, bytes, start)
    if (argument.kind !== 'counted') return -1
    const from = start + 1 + argument.lengthBytes
    if (from > bytes.length) return -1
    const first = bytes[start + 1] ?? 0
    let length = first
    if (argument.lengthBytes !== 1) {
      length = argument.lengthBytes === 4 ? uint32(bytes, start + 1) : uint64(bytes, start + 1)
      if (argument.isSigned && length >= 2 ** 31) {
        state.breakAt('a length is below zero')
        this.status = 'unreadable'
        return -1
      }
    }
    if (length <= longestText) {
      if (from + length > bytes.length) return -1
      state.pushCounted(code, bytes, from, length)
      return from + length
    }
    state.push(isTextCode(code) ? forgotten : opaque)
    this.#skip = length
    return from
  }

  #runWithLines(code: number, count: 1 | 2, bytes: Uint8Array, start: number): number {
    const first = bytes.indexOf(10, start + 1)
    const last = first < 0 || count === 1 ? first : bytes.indexOf(10, first + 1)
    if (last >= 0 && last - start <= longestLine) {
      this.state.runWithLines(code, bytes, start + 1, first, last)
      return last + 1
    }
    if (last < 0 && bytes.length - start <= longestLine) return -1
    this.state.runWithLongLines(code)
    this.#lines = count
    return start + 1
  }
}

function isTextCode(code: number): boolean {
  return code === op.BINUNICODE || code === op.BINUNICODE8 || code === op.BINSTRING
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 0x100 + (bytes[at + 2] ?? 0) * 0x10000 + (bytes[at + 3] ?? 0) * 0x1000000
  )
}

function uint64(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) + uint32(bytes, at + 4) * 2 ** 32
}
