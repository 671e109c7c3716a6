/** Rows of a Parquet file: its footer, and of the columns no more than the row groups that the rows lie in. What a file claims is bounded before it is believed. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  snappyUncompress,
} from 'hyparquet'
import { cellOf } from './cells.ts'
import { rowHtml } from './escape.ts'
import { limits } from './limits.ts'
import { NotShown, type ShownTable, type Source } from './shown.ts'

const mostGroups = 100_000

export async function parquetTable(source: Source, from: number): Promise<ShownTable> {
  const file = {
    byteLength: source.size,
    slice: async (start: number, end = source.size): Promise<ArrayBuffer> => {
      const bytes = await source.read(start, end)
      return Uint8Array.from(bytes).buffer
    },
  }
  await checkFooter(source)
  try {
    return await readRows(file, from)
  } catch (error) {
    // The library throws plain errors at what is broken; the rest of the worker's faults end it.
    if (error instanceof NotShown || !(error instanceof Error)) throw error
    throw new NotShown(`This Parquet file cannot be read: ${error.message.slice(0, 200)}.`)
  }
}

async function checkFooter(source: Source): Promise<void> {
  if (source.size < 12) throw new NotShown('This file is too short to be Parquet.')
  const tail = Buffer.from(await source.read(source.size - 8, source.size))
  const magic = tail.toString('latin1', 4)
  if (magic === 'PARE') throw new NotShown('The footer of this Parquet file is encrypted, so it cannot be shown.')
  if (magic !== 'PAR1') throw new NotShown('This file does not end as Parquet does: it is cut, or it is not Parquet.')
  const length = tail.readUInt32LE(0)
  if (length > source.size - 12)
    throw new NotShown(`The footer is said to have ${length} bytes, more than the file: it is broken.`)
  if (length > limits.parquetFooter) {
    throw new NotShown(
      `The footer of this file has ${length} bytes; footers of up to ${limits.parquetFooter >> 20} MiB are read here.`,
    )
  }
}

interface File {
  readonly byteLength: number
  slice(start: number, end?: number): Promise<ArrayBuffer>
}

async function readRows(file: File, from: number): Promise<ShownTable> {
  const metadata = await parquetMetadataAsync(file)
  const total = Number(metadata.num_rows)
  if (!Number.isSafeInteger(total) || total < 0 || metadata.row_groups.length > mostGroups)
    throw new NotShown('The footer of this Parquet file says what cannot be: it is broken.')
  const notes: string[] = []
  const roots = parquetSchema(metadata).children
  const end = Math.min(total, from + limits.rowsAtOnce)
  const { names, unread } = columnsThatFit(
    metadata,
    from,
    end,
    roots.map(({ element }) => element.name),
  )
  if (unread > 0) {
    const most = limits.parquetColumns >> 20
    notes.push(
      `${unread} more columns are not shown: a page shows ${limits.columns} columns and reads ${most} MiB at most.`,
    )
  }
  if (names.length === 0 && roots.length > 0)
    throw new NotShown(
      `A row group of this file has more than ${limits.parquetColumns >> 20} MiB in its first column, so its rows are not read here.`,
    )
  const rows =
    from < end
      ? await parquetReadObjects({
          file,
          metadata,
          columns: [...names],
          rowStart: from,
          rowEnd: end,
          compressors: boundedCompressors(),
          geoparquet: false,
          utf8: false,
        })
      : []
  const columns = roots
    .filter(({ element }) => names.includes(element.name))
    .map(({ element, children }) => ({
      name: element.name.slice(0, 100),
      type: typeWord(element.logical_type?.type ?? element.converted_type ?? element.type, children.length > 0),
    }))
  const bodyHtml = rows
    .map((row, index) =>
      rowHtml(
        from + index + 1,
        names.map((name) => cellOf(row[name])),
      ),
    )
    .join('')
  const next = end < total && rows.length > 0 ? end : null
  return { kind: 'table', columns, bodyHtml, rows: rows.length, from, next, total, notes }
}

function typeWord(type: string | undefined, hasChildren: boolean): string | null {
  const word = (type ?? (hasChildren ? 'struct' : '')).toLowerCase().replaceAll('_', ' ')
  return word === '' ? null : word
}

/** The first columns of the table whose bytes, in the row groups of these rows, are not too many. */
function columnsThatFit(
  metadata: FileMetaData,
  from: number,
  end: number,
  roots: readonly string[],
): { names: readonly string[]; unread: number } {
  const packed = new Map<string, number>()
  let start = 0
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows)
    if (start < end && start + rows > from) {
      for (const { meta_data: about } of group.columns) {
        const root = about?.path_in_schema[0] ?? ''
        packed.set(root, (packed.get(root) ?? 0) + Number(about?.total_compressed_size ?? 0))
      }
    }
    start += rows
  }
  const names: string[] = []
  let bytes = 0
  for (const root of roots) {
    if (names.length === limits.columns) break
    bytes += packed.get(root) ?? 0
    if (bytes > limits.parquetColumns) break
    names.push(root)
  }
  return { names, unread: roots.length - names.length }
}

/** Each page says how long it is unpacked: nothing is unpacked beyond that, and all of them together not beyond the limit. */
function boundedCompressors(): Compressors {
  let unpacked = 0
  const bounded = (unpack: (input: Uint8Array, most: number) => Uint8Array) => (input: Uint8Array, length: number) => {
    unpacked += length
    if (!(length >= 0) || unpacked > limits.parquetUnpacked)
      throw new NotShown(
        `These rows need more than ${limits.parquetUnpacked >> 20} MiB unpacked, so they are not shown.`,
      )
    return length === 0 ? new Uint8Array() : unpack(input, length)
  }
  return {
    SNAPPY: bounded((input, length) => {
      const output = new Uint8Array(length)
      snappyUncompress(input, output)
      return output
    }),
    GZIP: bounded((input, maxOutputLength) => gunzipSync(input, { maxOutputLength })),
    BROTLI: bounded((input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength })),
    // Node 20 has no zstd.
    ...(typeof zstdDecompressSync === 'function'
      ? { ZSTD: bounded((input, maxOutputLength) => zstdDecompressSync(input, { maxOutputLength })) }
      : {}),
  }
}
