/**
 * What a Xet client makes of bytes, written out by hand from the protocol: xorbs, shards and their hashes. So a test can send what no honest
 * client would: every field may be forged.
 */
import { createHash } from 'node:crypto'
import { chunkHash, hashFromString, hashToString, verificationHash } from '../../src/platform/xet/hash.ts'
import { fileHashOf, merkleRoot } from '../../src/platform/xet/merkle.ts'

export interface TestChunk {
  readonly hash: Buffer
  readonly raw: Buffer
}

export interface TestXorb {
  /** Hash string. */
  readonly hash: string
  readonly bytes: Buffer
  readonly chunks: readonly TestChunk[]
}

export interface TestTerm {
  readonly xorb: TestXorb
  readonly start: number
  readonly end: number
}

export interface TestFile {
  readonly hash: string
  readonly sha256: string
  readonly raw: Buffer
  readonly terms: readonly TestTerm[]
}

/** `stored` and `scheme` replace what a chunk is stored as. */
export function chunkBytes(raw: Buffer, stored: Buffer = raw, scheme = 0, declared = raw.length): Buffer {
  const header = Buffer.alloc(8)
  header.writeUIntLE(stored.length, 1, 3)
  header.writeUInt8(scheme, 4)
  header.writeUIntLE(declared, 5, 3)
  return Buffer.concat([header, stored])
}

/** A xorb of uncompressed chunks. */
export function makeXorb(raws: readonly Buffer[]): TestXorb {
  const chunks = raws.map((raw) => ({ raw, hash: chunkHash(raw) }))
  const root = merkleRoot(chunks.map(({ hash, raw }) => ({ hash, size: raw.length })))
  return { hash: hashToString(root), bytes: Buffer.concat(raws.map((raw) => chunkBytes(raw))), chunks }
}

export function makeFile(terms: readonly TestTerm[]): TestFile {
  const chunks = terms.flatMap(({ xorb, start, end }) => xorb.chunks.slice(start, end))
  const raw = Buffer.concat(chunks.map((chunk) => chunk.raw))
  const root = merkleRoot(chunks.map((chunk) => ({ hash: chunk.hash, size: chunk.raw.length })))
  return { hash: hashToString(fileHashOf(root)), sha256: sha256(raw), raw, terms }
}

export interface ShardTweaks {
  readonly fileHash?: string
  /** Null leaves the metadata out. */
  readonly sha256?: string | null
  readonly verification?: Buffer | null
  readonly rawLength?: (term: TestTerm) => number
  readonly end?: (term: TestTerm) => number
  readonly chunkHash?: Buffer
  readonly chunkCount?: number
  readonly magic?: string
  readonly version?: bigint
}

const bookend = Buffer.concat([Buffer.alloc(32, 0xff), Buffer.alloc(16)])
const tag = Buffer.concat([
  Buffer.from('HFRepoMetaData\0'),
  Buffer.from([85, 105, 103, 69, 106, 123, 129, 87, 131, 165, 189, 217, 92, 205, 209, 74, 169]),
])

/** A shard as the Python client sends it: no footer, with verification and SHA-256. */
export function makeShard(files: readonly TestFile[], xorbs: readonly TestXorb[], tweaks: ShardTweaks = {}): Buffer {
  const header = Buffer.alloc(48)
  tag.copy(header)
  if (tweaks.magic !== undefined) header.write(tweaks.magic)
  header.writeBigUInt64LE(tweaks.version ?? 2n, 32)
  const parts: Buffer[] = [header]
  for (const file of files) parts.push(...fileRecords(file, tweaks))
  parts.push(bookend)
  for (const xorb of xorbs) parts.push(...xorbRecords(xorb, tweaks))
  parts.push(bookend)
  return Buffer.concat(parts)
}

function fileRecords(file: TestFile, tweaks: ShardTweaks): Buffer[] {
  const oid = tweaks.sha256 === undefined ? file.sha256 : tweaks.sha256
  const hasVerification = tweaks.verification !== null
  const flags = (hasVerification ? 0x80000000 : 0) + (oid === null ? 0 : 0x40000000)
  const records = [record(tweaks.fileHash ?? file.hash, [flags, file.terms.length])]
  for (const term of file.terms) {
    const end = tweaks.end?.(term) ?? term.end
    records.push(record(term.xorb.hash, [0, tweaks.rawLength?.(term) ?? lengthOf(term), term.start, end]))
  }
  if (hasVerification) {
    for (const { xorb, start, end } of file.terms) {
      const hashes = Buffer.concat(xorb.chunks.slice(start, end).map((chunk) => chunk.hash))
      records.push(Buffer.concat([tweaks.verification ?? verificationHash(hashes), Buffer.alloc(16)]))
    }
  }
  if (oid !== null) records.push(Buffer.concat([hashFromString(oid), Buffer.alloc(16)]))
  return records
}

function xorbRecords(xorb: TestXorb, tweaks: ShardTweaks): Buffer[] {
  const rawSize = xorb.chunks.reduce((sum, chunk) => sum + chunk.raw.length, 0)
  const records = [record(xorb.hash, [0, tweaks.chunkCount ?? xorb.chunks.length, rawSize, xorb.bytes.length])]
  let offset = 0
  for (const { hash, raw } of xorb.chunks) {
    records.push(record(hashToString(tweaks.chunkHash ?? hash), [offset, raw.length]))
    offset += raw.length
  }
  return records
}

function record(hash: string, words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(48)
  hashFromString(hash).copy(bytes)
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 32 + 4 * index)
  return bytes
}

export function lengthOf({ xorb, start, end }: TestTerm): number {
  return xorb.chunks.slice(start, end).reduce((sum, chunk) => sum + chunk.raw.length, 0)
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export interface CasConnection {
  readonly casUrl: string
  readonly accessToken: string
  readonly exp: number
}

/** Asks the token route as `token`; fails loudly. `address` is `namespace/name`. */
export async function connect(
  url: string,
  address: string,
  mode: 'read' | 'write',
  token: string | null,
  revision = 'main',
): Promise<CasConnection> {
  const response = await fetch(`${url}/api/models/${address}/xet-${mode}-token/${revision}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as CasConnection
}

export interface CasAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** One request below a connection's address, with its token. */
export async function cas(
  connection: CasConnection,
  method: string,
  path: string,
  options: { readonly body?: Buffer; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<CasAnswer> {
  const response = await fetch(connection.casUrl + path, {
    method,
    headers: { authorization: `Bearer ${connection.accessToken}`, ...options.headers },
    ...(options.body === undefined ? {} : { body: new Uint8Array(options.body) }),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

export const postXorb = (connection: CasConnection, xorb: TestXorb): Promise<CasAnswer> =>
  cas(connection, 'POST', `/v1/xorbs/default/${xorb.hash}`, { body: xorb.bytes })

/** The last line of the answer, or the status and body of a refusal before it. */
export async function postShard(
  connection: CasConnection,
  shard: Buffer,
): Promise<{ readonly status: number; readonly last: Record<string, unknown>; readonly lines: readonly string[] }> {
  const { status, text } = await cas(connection, 'POST', '/v2/shards', { body: shard })
  const lines = text.trim().split('\n')
  return { status, last: JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>, lines }
}
