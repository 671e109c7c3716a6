/** Values of JSON and Parquet as cells. */
import type { Cell } from './escape.ts'
import { limits } from './limits.ts'

const none = (text: string): Cell => ({ text, look: 'none' })

export function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return none(value === null ? 'null' : '')
  if (typeof value === 'string') return { text: value, look: 'text' }
  if (typeof value === 'number' || typeof value === 'bigint') return { text: String(value), look: 'number' }
  if (typeof value === 'boolean') return { text: String(value), look: 'text' }
  if (value instanceof Date) {
    return { text: Number.isNaN(value.getTime()) ? 'no date' : value.toISOString(), look: 'text' }
  }
  if (value instanceof Uint8Array) return bytesCell(value)
  return { text: shortJson(value, limits.cellCharacters), look: 'text' }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Old writers do not say which of their bytes are text. */
function bytesCell(bytes: Uint8Array): Cell {
  const words = none(`${bytes.length.toLocaleString('en-GB')} bytes`)
  if (bytes.length > limits.cellCharacters || bytes.some((byte) => byte < 9)) return words
  try {
    return { text: decoder.decode(bytes), look: 'text' }
  } catch (error) {
    if (error instanceof TypeError) return words
    throw error
  }
}

/** JSON of a value, no longer than it takes to say that it is longer: a cell may hold a million numbers. */
function shortJson(value: unknown, most: number): string {
  let text = ''
  const write = (part: unknown, depth: number): void => {
    if (text.length > most) return
    if (depth > 8) text += '…'
    else if (part instanceof Uint8Array) text += `(${part.length.toLocaleString('en-GB')} bytes)`
    else if (ArrayBuffer.isView(part))
      writeList(Array.from(part as unknown as ArrayLike<unknown>).slice(0, most), depth)
    else if (Array.isArray(part)) writeList(part, depth)
    else if (part instanceof Date) text += JSON.stringify(Number.isNaN(part.getTime()) ? null : part)
    else if (typeof part === 'object' && part !== null) writeObject(part, depth)
    else if (typeof part === 'string') text += JSON.stringify(part.slice(0, most + 1))
    else text += String(part)
  }
  const writeList = (list: readonly unknown[], depth: number): void => {
    text += '['
    for (let index = 0; index < list.length && text.length <= most; index++) {
      if (index > 0) text += ', '
      write(list[index], depth + 1)
    }
    text += ']'
  }
  const writeObject = (object: object, depth: number): void => {
    text += '{'
    let isFirst = true
    for (const [key, inner] of Object.entries(object)) {
      if (text.length > most) break
      if (!isFirst) text += ', '
      isFirst = false
      text += `${JSON.stringify(key.slice(0, 100))}: `
      write(inner, depth + 1)
    }
    text += '}'
  }
  write(value, 0)
  return text
}
