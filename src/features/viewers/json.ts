/** JSON and JSON lines as tables: a list of records, the keys of one record, or the tensors of an index of shards. */
import { endNote } from './csv.ts'
import { limits } from './limits.ts'
import { type Row, recordTable } from './record-table.ts'
import { NotShown, type Shown, type ShownTable, type Source } from './shown.ts'
import { tensorPage } from './tensor-page.ts'
import { readText } from './text.ts'

const firstRead = 512 << 10

export async function jsonLinesTable(source: Source, from: number): Promise<ShownTable> {
  for (let most = firstRead; ; most *= 4) {
    const { text, isCut, notes } = await readText(source, Math.min(most, limits.rowsRead))
    const { lines, hasMore } = linesFrom(text, from, isCut)
    if (isCut && !hasMore && most < limits.rowsRead) continue
    if (isCut && !hasMore) notes.push(endNote)
    const next = hasMore ? from + lines.length : null
    const total = isCut || hasMore ? null : from + lines.length
    return recordTable(lines.map(rowOf), { from, next, total }, notes)
  }
}

/** Lines that are not empty. The last line of what is cut may be half a line, so it is none. */
function linesFrom(text: string, from: number, isCut: boolean): { lines: string[]; hasMore: boolean } {
  const lines: string[] = []
  let number = 0
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    if (end === -1 && isCut) break
    const line = text.slice(at, end === -1 ? text.length : end).trim()
    at = end === -1 ? text.length : end + 1
    if (line === '') continue
    if (number >= from) {
      if (lines.length === limits.rowsAtOnce) return { lines, hasMore: true }
      lines.push(line)
    }
    number++
  }
  return { lines, hasMore: false }
}

function rowOf(line: string): Row {
  try {
    return { value: JSON.parse(line) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { broken: `Not JSON: ${line.slice(0, 200)}` }
  }
}

export async function jsonTable(source: Source, from: number): Promise<Shown> {
  const value = await readJson(source)
  if (Array.isArray(value)) {
    const rows = value.slice(from, from + limits.rowsAtOnce).map((one: unknown) => ({ value: one }))
    const end = from + rows.length
    return recordTable(rows, { from, next: end < value.length ? end : null, total: value.length }, [])
  }
  if (typeof value !== 'object' || value === null)
    return recordTable([{ value }], { from: 0, next: null, total: 1 }, [])
  const index = shardIndex(value, from)
  if (index !== null) return index
  const entries = Object.entries(value)
  const rows = entries.slice(from, from + limits.rowsAtOnce).map(([key, inner]: [string, unknown]) => ({
    value: { key, value: inner },
  }))
  const end = from + rows.length
  return recordTable(rows, { from, next: end < entries.length ? end : null, total: entries.length }, [])
}

/** Throws `NotShown`. */
export async function readJson(source: Source): Promise<unknown> {
  if (source.size > limits.whole)
    throw new NotShown(`JSON is read whole to be shown, so files of more than ${limits.whole >> 20} MiB are not.`)
  const { text } = await readText(source, limits.whole)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new NotShown('This file is not JSON, whatever its name says.')
  }
}

/** `model.safetensors.index.json`: which tensor lies in which file. */
function shardIndex(value: object, from: number): Shown | null {
  const map: unknown = 'weight_map' in value ? value.weight_map : null
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return null
  const about: unknown = 'metadata' in value ? value.metadata : null
  const metadata = typeof about === 'object' && about !== null ? Object.entries(about) : []
  const tensors = Object.entries(map).map(([name, file]: [string, unknown]) => ({
    name,
    dtype: '',
    shape: [],
    bytes: null,
    file: typeof file === 'string' ? file : '',
  }))
  return tensorPage('index of shards', tensors, metadata, from, [])
}
