/**
 * Takes a commit body apart, byte by byte and in pieces of any size: lines of `{"key": ..., "value": {...}}`. The string `content` goes on
 * as it comes; everything else is kept until it is whole, within the bound of its field, and must be strict JSON. No line is ever held.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { ContentFault, type ContentReader } from './content-reader.ts'
import { JsonTextReader } from './json-text.ts'

/** A line that is whole. Members are what `JSON.parse` gives; `content` stands apart. */
export interface ParsedLine {
  readonly number: number
  readonly key: unknown
  /** Null where the line has no `value`. */
  readonly members: ReadonlyMap<string, unknown> | null
  readonly content: ContentReader | null
}

export interface MachineOptions {
  /** `encoding` as far as it is known when the content begins. */
  newContent(encoding: unknown): ContentReader
}

type State =
  | 'line'
  | 'line-end'
  | 'name-or-end'
  | 'name'
  | 'in-name'
  | 'colon'
  | 'value'
  | 'scalar'
  | 'string'
  | 'nested'
  | 'content'
  | 'after-value'

/** Bytes of a field's text; others may have 64 KiB. */
const fieldLimits: Readonly<Record<string, number>> = {
  path: 4096,
  summary: 8192,
  description: 65_536,
  oid: 256,
  algo: 256,
  encoding: 256,
  parentCommit: 256,
  key: 256,
}
const otherLimit = 65_536
const nameLimit = 256
const membersLimit = 64
const newline = 0x0a
const quote = 0x22
const backslash = 0x5c

export class NdjsonMachine {
  readonly #options: MachineOptions
  readonly #lines: ParsedLine[] = []
  #state: State = 'line'
  #number = 1
  /** 1 in the line's object, 2 in its value. */
  #level = 0
  #name = ''
  #key: unknown
  #hasKey = false
  #members: Map<string, unknown> | null = null
  #content: ContentReader | null = null
  readonly #text = new JsonTextReader()
  /** Raw JSON of the name or value that is being read. */
  #captured: Buffer[] = []
  #capturedSize = 0
  #capturedLimit = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** No escape so far. */
  #isPlain = true

  constructor(options: MachineOptions) {
    this.#options = options
  }

  /** The content of the line that is under way, so that it can be flushed and, after a fault, removed. */
  get openContent(): ContentReader | null {
    return this.#content
  }

  /** Takes the lines that are whole. */
  takeLines(): ParsedLine[] {
    return this.#lines.splice(0)
  }

  /** Throws `invalid_ndjson` or `field_too_large`. The piece may be kept, so it must not change afterwards. */
  push(piece: Buffer): void {
    try {
      for (let at = 0; at < piece.length; ) at = this.#step(piece, at)
    } catch (error) {
      if (error instanceof ContentFault) throw this.#fault(error.message)
      throw error
    }
  }

  /** The body is over; its last line needs no line break. */
  end(): void {
    if (this.#state === 'line-end') this.#endLine()
    if (this.#state !== 'line') throw this.#fault('the body ends in the middle of it')
  }

  #step(piece: Buffer, at: number): number {
    switch (this.#state) {
      case 'content':
        return this.#readContent(piece, at)
      case 'in-name':
      case 'string':
        return this.#readString(piece, at)
      case 'scalar':
        return this.#readScalar(piece, at)
      case 'nested':
        return this.#readNested(piece, at)
      default:
        return this.#readStructure(piece, at)
    }
  }

  /** One byte between names and values. */
  #readStructure(piece: Buffer, at: number): number {
    const byte = piece[at] ?? 0
    if (byte === newline) {
      if (this.#state === 'line-end') this.#endLine()
      else if (this.#state !== 'line') throw this.#fault('it ends too early')
      this.#number++
      return at + 1
    }
    if (byte === 0x20 || byte === 0x09 || byte === 0x0d) return at + 1
    switch (this.#state) {
      case 'line':
        if (byte !== 0x7b) throw this.#fault('it is not a JSON object')
        this.#beginLine()
        return at + 1
      case 'name-or-end':
      case 'name':
        return this.#beginName(piece, at, byte)
      case 'colon':
        if (byte !== 0x3a) throw this.#fault(`a colon is missing after "${this.#name}"`)
        this.#state = 'value'
        return at + 1
      case 'value':
        return this.#beginValue(at, byte)
      case 'after-value':
        if (byte === 0x2c) this.#state = 'name'
        else if (byte === 0x7d) this.#endObject()
        else throw this.#fault(`a comma or brace is missing after "${this.#name}"`)
        return at + 1
      default:
        throw this.#fault('something stands behind its object')
    }
  }

  #beginLine(): void {
    this.#level = 1
    this.#state = 'name-or-end'
  }

  #beginName(piece: Buffer, at: number, byte: number): number {
    if (byte === 0x7d && this.#state === 'name-or-end') {
      this.#endObject()
      return at + 1
    }
    if (byte !== quote) throw this.#fault('a name in quotes is missing')
    this.#beginCapture(nameLimit, 'in-name')
    return this.#readString(piece, at)
  }

  #beginValue(at: number, byte: number): number {
    if (this.#level === 1 && this.#name === 'value' && byte === 0x7b) {
      if (this.#members !== null) throw this.#fault('"value" stands there twice')
      this.#level = 2
      this.#members = new Map()
      this.#state = 'name-or-end'
      return at + 1
    }
    if (this.#level === 2 && this.#name === 'content' && byte === quote) {
      if (this.#content !== null) throw this.#fault('"content" stands there twice')
      this.#content = this.#options.newContent(this.#members?.get('encoding'))
      this.#state = 'content'
      return at + 1
    }
    const limit = (Object.hasOwn(fieldLimits, this.#name) ? fieldLimits[this.#name] : undefined) ?? otherLimit
    if (byte === quote) this.#beginCapture(limit, 'string')
    else if (byte === 0x7b || byte === 0x5b) this.#beginCapture(otherLimit, 'nested')
    else this.#beginCapture(nameLimit, 'scalar')
    return at
  }

  #endObject(): void {
    if (this.#level === 2) {
      this.#level = 1
      this.#name = 'value'
      this.#state = 'after-value'
      return
    }
    this.#state = 'line-end'
  }

  #endLine(): void {
    this.#lines.push({
      number: this.#number,
      key: this.#key,
      members: this.#members,
      content: this.#content,
    })
    this.#key = undefined
    this.#hasKey = false
    this.#members = null
    this.#content = null
    this.#state = 'line'
  }

  /** Hands the longest run of the content on that this piece has. */
  #readContent(piece: Buffer, at: number): number {
    const content = this.#content
    if (content === null) throw new Error('There is no content to read into.')
    const end = piece.indexOf(quote, at)
    const run = piece.subarray(at, end < 0 ? piece.length : end)
    if (!this.#text.isInside && run.indexOf(backslash) < 0) {
      if (run.indexOf(newline) >= 0) throw this.#fault('it ends in the middle of "content"')
      content.take(run, false)
      if (end < 0) return piece.length
      this.#state = 'after-value'
      return end + 1
    }
    const read = this.#text.read(piece, at)
    if (read === null) throw this.#fault('"content" is not a valid JSON string')
    content.take(read.text, true)
    if (read.end < 0) return piece.length
    this.#state = 'after-value'
    return read.end + 1
  }

  #beginCapture(limit: number, state: State): void {
    this.#captured = []
    this.#capturedSize = 0
    // A character may be written in six bytes (`\u002f`); what it comes to is measured when it is whole.
    this.#capturedLimit = limit * 6 + 2
    this.#depth = 0
    this.#isInString = false
    this.#isEscaped = false
    this.#isPlain = true
    this.#state = state
  }

  #capture(piece: Buffer, from: number, to: number): void {
    this.#capturedSize += to - from
    if (this.#capturedSize > this.#capturedLimit) throw this.#tooLarge(Math.floor(this.#capturedLimit / 6))
    this.#captured.push(piece.subarray(from, to))
  }

  #readString(piece: Buffer, at: number): number {
    for (let index = at; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (byte < 0x20) throw this.#fault('it has a line break or control character in the middle of a string')
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === backslash) {
        this.#isEscaped = true
        this.#isPlain = false
      } else if (byte === quote && this.#isInString) {
        // The usual string lies in one piece and has no escape: it needs no copy and no parser.
        const isWhole = this.#isPlain && this.#capturedSize === 0 && index - at <= this.#capturedLimit
        if (isWhole) this.#take(piece.toString('utf8', at + 1, index))
        else {
          this.#capture(piece, at, index + 1)
          this.#endCapture()
        }
        return index + 1
      } else this.#isInString = true
    }
    this.#capture(piece, at, piece.length)
    return piece.length
  }

  #readScalar(piece: Buffer, at: number): number {
    for (let index = at; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (byte !== 0x2c && byte !== 0x7d && byte > 0x20) continue
      this.#capture(piece, at, index)
      this.#endCapture()
      return index
    }
    this.#capture(piece, at, piece.length)
    return piece.length
  }

  #readNested(piece: Buffer, at: number): number {
    for (let index = at; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (byte === newline) throw this.#fault(`it ends in the middle of "${this.#name}"`)
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (byte === backslash) this.#isEscaped = true
        else if (byte === quote) this.#isInString = false
      } else if (byte === quote) this.#isInString = true
      else if (byte === 0x7b || byte === 0x5b) this.#depth++
      else if ((byte === 0x7d || byte === 0x5d) && --this.#depth === 0) {
        this.#capture(piece, at, index + 1)
        this.#endCapture()
        return index + 1
      }
    }
    this.#capture(piece, at, piece.length)
    return piece.length
  }

  #endCapture(): void {
    const raw = Buffer.concat(this.#captured, this.#capturedSize).toString('utf8')
    this.#captured = []
    this.#take(this.#parse(raw))
  }

  /** A name or a value is whole. */
  #take(value: unknown): void {
    const limit = Math.floor(this.#capturedLimit / 6)
    if (typeof value === 'string' && value.length * 3 > limit && Buffer.byteLength(value) > limit) {
      throw this.#tooLarge(limit)
    }
    if (this.#state === 'in-name') {
      this.#name = String(value)
      this.#state = 'colon'
      return
    }
    this.#keep(value)
    this.#state = 'after-value'
  }

  #parse(raw: string): unknown {
    try {
      return JSON.parse(raw)
    } catch {
      const what = this.#state === 'in-name' ? 'a name' : `the value of "${this.#name.slice(0, 100)}"`
      throw this.#fault(`${what} is not valid JSON`)
    }
  }

  #keep(value: unknown): void {
    if (this.#level === 2) {
      const members = this.#members ?? new Map<string, unknown>()
      if (members.has(this.#name)) throw this.#fault(`"${this.#name}" stands there twice`)
      if (members.size >= membersLimit) throw this.#fault('it has too many members')
      members.set(this.#name, value)
      return
    }
    if (this.#name === 'key') {
      if (this.#hasKey) throw this.#fault('"key" stands there twice')
      this.#hasKey = true
      this.#key = value
      return
    }
    if (this.#name === 'value') throw this.#fault('"value" is not an object')
    throw this.#fault(`it has an unknown member "${this.#name.slice(0, 100)}"`)
  }

  #fault(reason: string): HoldfastError {
    return new HoldfastError('invalid_ndjson', { line: this.#number, reason })
  }

  #tooLarge(limit: number): HoldfastError {
    const field = this.#state === 'in-name' ? 'A name' : `"${this.#name.slice(0, 100)}"`
    return new HoldfastError('field_too_large', { field: `${field} in line ${this.#number}`, limit: `${limit} bytes` })
  }
}
