import type { ArrayState } from './array-state.ts'
import { uint32, uint64 } from './little-endian.ts'
import { MachineState } from './machine-state.ts'
import { argumentOf, op } from './opcodes.ts'
import { longestText } from './texts.ts'
import { forgotten, opaque } from './values.ts'

/** Lines may be of any length; only so much of one is waited for, the rest is passed over unread. */
const longestLine = 8192

/** By opcode: how many bytes of argument follow at least, all of them or those of a length. */
const fixedLength = Uint8Array.from({ length: 256 }, (_, code) => {
  const argument = argumentOf[code]
  if (argument === undefined || argument.kind === 'lines') return 0
  return argument.kind === 'fixed' ? argument.bytes : argument.lengthBytes
})

// What the loop does by itself. Literals, so that the engine makes a table of jumps of them.
const other = 0
const push = 1
const pushInteger = 2
const pushText = 3
const memoize = 4
const putShort = 5
const getShort = 6
const setMark = 7
const pushDict = 8
const withArgument = 9

const hot = Uint8Array.from({ length: 256 }, (_, code) => {
  switch (code) {
    case op.NONE:
    case op.NEWTRUE:
    case op.NEWFALSE:
    case op.BINFLOAT:
    case op.EMPTY_LIST:
    case op.EMPTY_SET:
    case op.NEXT_BUFFER:
      return push
    case op.BININT:
    case op.BININT1:
    case op.BININT2:
      return pushInteger
    case op.SHORT_BINUNICODE:
      return pushText
    case op.MEMOIZE:
      return memoize
    case op.BINPUT:
      return putShort
    case op.BINGET:
      return getShort
    case op.MARK:
      return setMark
    case op.EMPTY_DICT:
      return pushDict
    default:
      return argumentOf[code]?.kind === 'fixed' ? other : withArgument
  }
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
  #isPassing = false
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
    const { memo, stack } = state
    const trace = this.#trace
    let at = this.#isPassing ? this.#passAll(bytes, from) : from
    let count = 0
    while (at < end) {
      const start = at
      const code = bytes[at] as number
      const length = fixedLength[code] as number
      if (at + 1 + length > end) break
      at += 1 + length
      state.at = base + start
      switch (hot[code]) {
        case push:
          stack.push(opaque)
          break
        case pushInteger:
          stack.push(state.awaitsArrays ? state.integer(bytes, start + 1, length) : opaque)
          break
        case pushText: {
          const textEnd = at + (bytes[start + 1] as number)
          if (textEnd > end) {
            this.count += count
            return start
          }
          state.pushText(bytes, at, textEnd - at)
          at = textEnd
          break
        }
        case memoize:
          memo.append(stack.top())
          break
        case putShort:
          memo.put(bytes[start + 1] as number, stack.top())
          break
        case getShort:
          state.get(bytes[start + 1] as number)
          break
        case setMark:
          state.mark()
          break
        case pushDict:
          stack.push(state.awaitsArrays ? state.container(true) : opaque)
          break
        case withArgument: {
          const next = this.#runWithArgument(bytes, start, base)
          if (next < 0) {
            this.count += count
            return start
          }
          at = this.#isPassing ? this.#passAll(bytes, next) : next
          break
        }
        default:
          if (code === op.STOP) {
            trace?.(code, base + start)
            this.count += count + 1
            state.stop()
            this.status = 'stopped'
            return at
          }
          state.run(code, bytes, start + 1)
          if (state.array !== null) {
            trace?.(code, base + start)
            this.count += count + 1
            this.#beginArray(state.array)
            state.array = null
            return at
          }
      }
      if (trace !== null) trace(code, base + start)
      count++
    }
    this.count += count
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
    this.#isPassing = this.#skipsPadding || this.#skip > 0
  }

  /** Until there is nothing more to pass over, or no more bytes are at hand. */
  #passAll(bytes: Uint8Array, from: number): number {
    let at = from
    while (this.#isPassing && at < bytes.length) at = this.#passOver(bytes, at)
    return at
  }

  #passOver(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.#skipsPadding) {
      this.#skipsPadding = false
      this.#skip += bytes[at++] ?? 0
    } else if (this.#lines > 0) {
      const feed = bytes.indexOf(10, at)
      if (feed >= 0) this.#lines--
      at = feed < 0 ? bytes.length : feed + 1
    } else {
      const passed = Math.min(this.#skip, bytes.length - at)
      this.#skip -= passed
      at += passed
    }
    this.#isPassing = this.#lines > 0 || this.#skip > 0
    return at
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
    if (argument.kind === 'fixed') return -1
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
    this.#isPassing = true
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
    this.#isPassing = true
    return start + 1
  }
}

function isTextCode(code: number): boolean {
  return code === op.BINUNICODE || code === op.BINUNICODE8 || code === op.BINSTRING
}
