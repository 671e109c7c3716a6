/**
 * Many objects through one `cat-file` of their own. What has arrived is parsed without waiting and handed on in
 * batches: one turn of the event loop per pipe read instead of several per object.
 */
import type { Writable } from 'node:stream'
import { ByteReader } from './byte-reader.ts'
import { type ObjectContent, type ObjectInfo, type ObjectType, parseHeader } from './objects.ts'
import { type GitChild, GitFailure } from './run.ts'
import { assertOid } from './safe-names.ts'

export type ContentRequest = AsyncIterable<readonly string[]>

const batchLimit = 512

/** An object of a stream; `bytes` where it was wanted. */
export interface StreamedObject extends ObjectInfo {
  bytes: Buffer | null
}

/**
 * Reads the answers of `cat-file --batch --batch-all-objects`: all objects with their content, of which what is not
 * wanted is dropped as it passes. Written for speed: a push of a long history has tens of thousands of objects.
 */
export async function* streamAll(
  child: GitChild,
  isWanted: (type: ObjectType, size: number) => boolean,
  maxBytes: number,
): AsyncGenerator<StreamedObject[]> {
  child.stdin.end()
  let rest: Buffer = Buffer.alloc(0)
  let current: StreamedObject | null = null
  /** What the current object still lacks, its newline included. */
  let missing = 0
  let parts: Buffer[] = []
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const batch: StreamedObject[] = []
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (buffer.length > 0) {
      if (current === null) {
        const end = buffer.indexOf(0x0a)
        if (end < 0) break
        current = { ...readHeader(buffer.toString('latin1', 0, end)), bytes: null }
        if (isWanted(current.type, current.size)) {
          if (current.size > maxBytes)
            throw new GitFailure('too-large', `object ${current.oid} has ${current.size} bytes`)
          parts = []
        }
        missing = current.size + 1
        buffer = buffer.subarray(end + 1)
      }
      const taken = buffer.subarray(0, missing)
      const isKept = isWanted(current.type, current.size)
      if (isKept) parts.push(taken)
      missing -= taken.length
      buffer = buffer.subarray(taken.length)
      if (missing > 0) break
      if (isKept) {
        const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
        current.bytes = whole.subarray(0, current.size)
        parts = []
      }
      batch.push(current)
      current = null
    }
    rest = buffer
    if (batch.length > 0) yield batch
  }
  if (current !== null || rest.length > 0)
    throw new GitFailure('broken', 'git cat-file ended in the middle of an object')
  await expectSuccess(child)
}

function readHeader(line: string): ObjectInfo {
  const info = parseHeader(line)
  if (info === null) throw new GitFailure('broken', `an object is missing: ${line.slice(0, 60)}`)
  return info
}

/** Reads the answers of `cat-file --batch-check --batch-all-objects`. */
export async function* streamInfos(child: GitChild): AsyncGenerator<ObjectInfo[]> {
  child.stdin.end()
  const reader = new ByteReader(child.stdout)
  for (let line = await reader.lineOrEnd(); line !== null; line = await reader.lineOrEnd()) {
    const batch: ObjectInfo[] = []
    for (let next: string | null = line; next !== null; next = batch.length < batchLimit ? reader.lineNow() : null) {
      const info = parseHeader(next)
      if (info) batch.push(info)
    }
    yield batch
  }
  await expectSuccess(child)
}

/** Asks `cat-file --batch` for the objects. Throws when one is missing or larger than `maxBytes`. */
export async function* streamContents(
  child: GitChild,
  oids: ContentRequest,
  maxBytes: number,
): AsyncGenerator<ObjectContent[]> {
  const asking = ask(child.stdin, oids)
  // A failure shows at the end; it must not count as unhandled until then.
  asking.catch(() => undefined)
  const reader = new ByteReader(child.stdout)
  let answered = 0
  for (let line = await reader.lineOrEnd(); line !== null; line = await reader.lineOrEnd()) {
    const batch: ObjectContent[] = []
    let size = 0
    for (let next: string | null = line; next !== null; ) {
      const info = parseHeader(next)
      if (info === null) throw new GitFailure('broken', `an object is missing: ${next.slice(0, 60)}`)
      if (info.size > maxBytes) throw new GitFailure('too-large', `object ${info.oid} has ${info.size} bytes`)
      const bytes = await reader.exactly(info.size + 1)
      batch.push({ ...info, bytes: bytes.subarray(0, info.size) })
      size += info.size
      next = batch.length < batchLimit && size < 1024 * 1024 ? reader.lineNow() : null
    }
    answered += batch.length
    yield batch
  }
  if ((await asking) !== answered) throw new GitFailure('broken', 'git cat-file left questions unanswered')
  await expectSuccess(child)
}

/** Writes the questions, as fast as they are read; gives their number. */
async function ask(stdin: Writable, oids: ContentRequest): Promise<number> {
  let asked = 0
  try {
    for await (const batch of oids) {
      if (stdin.destroyed) break
      if (batch.length === 0) continue
      batch.forEach(assertOid)
      asked += batch.length
      if (!stdin.write(`${batch.join('\n')}\n`)) await drained(stdin)
    }
    return asked
  } finally {
    stdin.end()
  }
}

/** The process takes more, or will never take anything again. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.once('drain', done)
    stream.once('close', done)
  })
}

async function expectSuccess(child: GitChild): Promise<void> {
  const { code, stderr } = await child.ended
  if (code !== 0) throw new GitFailure('exit', `git cat-file ended with code ${code}`, stderr)
}
