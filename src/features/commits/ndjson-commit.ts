/**
 * The body of `POST .../commit/...` as operations, one after the other, in the order in which they are sent (hub-api.md, section 6).
 * Memory does not grow with the body, nor with a file: a content of more than 1 MiB waits in a file until its operation is done with.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { parseRepoPath } from '../../domain/names.ts'
import type { FileMode } from '../../platform/git/stage.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { type ContentEncoding, ContentFault, ContentReader } from './content-reader.ts'
import type { SpooledContent, SpoolOptions } from './content-spool.ts'
import { NdjsonMachine, type ParsedLine } from './ndjson-machine.ts'

export interface CommitHeader {
  readonly kind: 'header'
  readonly summary: string
  readonly description: string
  /** 5 to 40 hex digits, or null. */
  readonly parentCommit: string | null
}

export type CommitOperation =
  /** The content, and the file that it may be in, are there until the next operation is asked for. */
  | {
      readonly kind: 'file'
      readonly path: string
      readonly content: SpooledContent
      /** Default: an ordinary file. */
      readonly mode?: FileMode
      /** To large-file storage, however small it is. */
      readonly isLarge?: boolean
    }
  | { readonly kind: 'lfsFile'; readonly path: string; readonly sha256: string; readonly size: number | null }
  /** A file or a folder: clients send folders as files. */
  | { readonly kind: 'deletion'; readonly path: string }
  /** A file as it is, whatever it holds; no line of a body says so. */
  | { readonly kind: 'rename'; readonly from: string; readonly path: string }

export interface CommitBodyOptions extends SpoolOptions {
  /** Bytes that the whole body may have. */
  readonly bodyLimit: number
  /** How many operations it may hold. */
  readonly operationLimit: number
}

/** How much is taken apart before everybody else gets a turn. */
const sliceSize = 64 * 1024

/**
 * First the header, then the operations. Throws `invalid_ndjson` with the line, `field_too_large`, `body_too_large` or `unsafe_path`;
 * whatever happens, no file of it stays behind once the generator has ended.
 */
export async function* readCommitBody(
  source: AsyncIterable<Buffer>,
  options: CommitBodyOptions,
): AsyncGenerator<CommitHeader | CommitOperation> {
  const machine = new NdjsonMachine({
    newContent: (encoding) => new ContentReader(options, isEncoding(encoding) ? encoding : null),
  })
  const open: ParsedLine[] = []
  let operations = -1
  let received = 0
  const giveTurn = turnGiver()
  const counted = (line: ParsedLine): ParsedLine => {
    const isHeader = line.key === 'header'
    if (operations < 0 && !isHeader) throw fault(line, 'the first line must be the header')
    if (operations >= 0 && isHeader) throw fault(line, 'there is a header already')
    if (++operations > options.operationLimit) throw tooMany(options.operationLimit)
    return line
  }
  try {
    for await (const chunk of source) {
      received += chunk.length
      if (received > options.bodyLimit) throw tooLarge(options.bodyLimit)
      for (let at = 0; at < chunk.length; at += sliceSize) {
        machine.push(chunk.subarray(at, at + sliceSize))
        open.push(...machine.takeLines())
        for (let line = open[0]; line !== undefined; line = open[0]) {
          yield await operationOf(counted(line))
          await line.content?.discard()
          open.shift()
        }
        await machine.openContent?.flush()
        await giveTurn()
      }
    }
    machine.end()
    open.push(...machine.takeLines())
    for (const line of open) yield await operationOf(counted(line))
    if (operations < 0) throw new HoldfastError('invalid_ndjson', { line: 1, reason: 'the header is missing' })
  } finally {
    for (const line of open) await line.content?.discard()
    for (const line of machine.takeLines()) await line.content?.discard()
    await machine.openContent?.discard()
  }
}

async function operationOf(line: ParsedLine): Promise<CommitHeader | CommitOperation> {
  const { key, members } = line
  if (typeof key !== 'string') throw fault(line, '"key" is missing or not a string')
  if (members === null) throw fault(line, '"value" is missing')
  if (key !== 'file' && line.content !== null) throw fault(line, 'only a file has "content"')
  switch (key) {
    case 'header':
      return headerOf(line)
    case 'file':
      return { kind: 'file', path: pathOf(line), content: await contentOf(line) }
    case 'lfsFile':
      return lfsFileOf(line)
    case 'deletedFile':
    case 'deletedFolder':
      return { kind: 'deletion', path: pathOf(line, true) }
    default:
      throw fault(line, `"${key.slice(0, 100)}" is not an operation`)
  }
}

function headerOf(line: ParsedLine): CommitHeader {
  const parentCommit = textOf(line, 'parentCommit')
  if (parentCommit !== null && !/^[0-9a-f]{5,40}$/.test(parentCommit)) {
    throw fault(line, '"parentCommit" is not a commit id of 5 to 40 hex digits')
  }
  const summary = textOf(line, 'summary')?.trim() ?? ''
  if (summary === '') throw fault(line, '"summary" is missing')
  return { kind: 'header', summary, description: textOf(line, 'description') ?? '', parentCommit }
}

function lfsFileOf(line: ParsedLine): CommitOperation {
  const algo = textOf(line, 'algo') ?? 'sha256'
  if (!/^sha-?_?256$/i.test(algo)) throw fault(line, '"algo" must be "sha256"')
  const sha256 = textOf(line, 'oid')?.toLowerCase() ?? ''
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw fault(line, '"oid" is not a SHA-256 of 64 hex digits')
  const size = line.members?.get('size') ?? null
  if (size !== null && (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)) {
    throw fault(line, '"size" is not a number of bytes')
  }
  return { kind: 'lfsFile', path: pathOf(line), sha256, size }
}

async function contentOf(line: ParsedLine): Promise<SpooledContent> {
  const { content } = line
  if (content === null) throw fault(line, '"content" is missing or not a string')
  const encoding = textOf(line, 'encoding') ?? 'utf-8'
  if (!isEncoding(encoding)) throw fault(line, '"encoding" must be "base64" or "utf-8"')
  try {
    return await content.finish(encoding)
  } catch (error) {
    if (error instanceof ContentFault) throw fault(line, error.message)
    throw error
  }
}

function pathOf(line: ParsedLine, mayEndInSlash = false): string {
  const path = textOf(line, 'path')
  if (path === null) throw fault(line, '"path" is missing')
  return parseRepoPath(mayEndInSlash ? path.replace(/\/+$/, '') : path)
}

/** A string, or null where the member is absent or null. */
function textOf(line: ParsedLine, name: string): string | null {
  const value = line.members?.get(name) ?? null
  if (value !== null && typeof value !== 'string') throw fault(line, `"${name}" is not a string`)
  return value
}

function isEncoding(value: unknown): value is ContentEncoding {
  return value === 'base64' || value === 'utf-8'
}

function fault(line: ParsedLine, reason: string): HoldfastError {
  return new HoldfastError('invalid_ndjson', { line: line.number, reason })
}

function tooMany(limit: number): HoldfastError {
  const reason = `The commit has more than ${limit.toLocaleString('en')} operations. Split it into several.`
  return new HoldfastError('bad_request', { reason })
}

function tooLarge(limit: number): HoldfastError {
  return new HoldfastError('body_too_large', { limit: `${limit} bytes` })
}
