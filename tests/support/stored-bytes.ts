/**
 * Bytes in a hub as clients leave them there, without a server: large files and Xet files, named by a commit or not, read back and compared.
 * Time is the test's own.
 */
import { createHash, randomBytes } from 'node:crypto'
import { write } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { readConfig } from '../../src/config.ts'
import {
  linkBlob,
  markReferenced,
  markUnnamed,
  openBlob,
  prepareBlob,
  registerFiles,
  storeXorb,
  termWriter,
} from '../../src/features/storage/service.ts'
import { type Hub, openHub } from '../../src/hub.ts'
import { systemClock } from '../../src/platform/clock.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { encodeChunkIndex } from '../../src/platform/xet/chunk-index.ts'
import { hashToString } from '../../src/platform/xet/hash.ts'
import { insertRepo } from './rows.ts'
import { lengthOf, makeFile, makeXorb, type TestFile, type TestXorb } from './xet-upload.ts'

const writeAt = promisify(write)
export const day = 24 * 3_600_000

export interface StoredBytes extends AsyncDisposable {
  readonly hub: Hub
  readonly folder: string
  /** Moves the clock. */
  pass(ms: number): void
}

export async function openStoredBytes(
  dialect: DialectName,
  env: Readonly<Record<string, string>> = {},
): Promise<StoredBytes> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-stored-'))
  const database = dialect === 'postgres' ? await makePostgres() : null
  let now = Date.now()
  const config = readConfig({
    HOLDFAST_DATA: folder,
    HOLDFAST_LOG_LEVEL: 'silent',
    ...(database === null ? {} : { HOLDFAST_DATABASE_URL: database.options.url ?? '' }),
    ...env,
  })
  const hub = await openHub(config, { clock: systemClock(() => now) })
  return {
    hub,
    folder,
    pass: (ms) => {
      now += ms
    },
    [Symbol.asyncDispose]: async () => {
      await hub.close()
      await database?.remove()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Loaded only where it is needed: it speaks up where there is no PostgreSQL. */
async function makePostgres() {
  const { makeDatabase } = await import('./databases.ts')
  return await makeDatabase('postgres', { migrated: false })
}

export interface Place {
  readonly repoId: string
  readonly scope: string
}

export const owner = { id: 'a'.repeat(24), name: 'acme' }

/** A repo without a git repository. */
export async function makePlace(hub: Hub, of = owner): Promise<Place> {
  const repoId = hub.clock.id()
  await insertRepo(hub.db, { id: repoId, owner: of, name: `r-${repoId}` })
  return { repoId, scope: of.id }
}

export async function putObject(hub: Hub, { repoId }: Place, raw: Buffer): Promise<string> {
  const blob = { sha256: createHash('sha256').update(raw).digest('hex'), size: raw.length }
  await prepareBlob(hub, blob)
  await hub.blobs.put(Readable.from([raw]), blob)
  await hub.transaction((tx) => linkBlob(tx, repoId, blob, hub.clock.now()))
  return blob.sha256
}

/** A xorb of random chunks that nobody else has. */
export function randomXorb(chunks = 3): TestXorb {
  return makeXorb(Array.from({ length: chunks }, () => randomBytes(9_000)))
}

export function wholeFile(...xorbs: readonly TestXorb[]): TestFile {
  return makeFile(xorbs.map((xorb) => ({ xorb, start: 0, end: xorb.chunks.length })))
}

export async function putXorb(hub: Hub, { scope }: Place, xorb: TestXorb): Promise<boolean> {
  return await storeXorb(hub, {
    scope,
    hash: xorb.hash,
    reauthorize: async () => undefined,
    receive: async (fd) => {
      if (fd !== null) await writeAt(fd, xorb.bytes, 0, xorb.bytes.length, 0)
      let end = 0
      let rawEnd = 0
      const entries = xorb.chunks.map(({ hash, raw }) => {
        end += raw.length + 8
        rawEnd += raw.length
        return { hash, end, rawEnd }
      })
      return { size: xorb.bytes.length, rawSize: rawEnd, chunkIndex: encodeChunkIndex(entries) }
    },
  })
}

/** What a shard does once everything in it is checked. Its xorbs must be stored. */
export async function registerFile(hub: Hub, place: Place, file: TestFile): Promise<string> {
  const writer = termWriter(file.terms.length)
  for (const term of file.terms) {
    writer.add({ xorb: term.xorb.hash, start: term.start, end: term.end, rawLength: lengthOf(term) })
  }
  const [first] = file.terms
  const chunk = first?.xorb.chunks[first.start]
  await registerFiles(
    hub,
    place,
    [{ hash: file.hash, size: file.raw.length, sha256: file.sha256, terms: writer.terms() }],
    first === undefined || chunk === undefined
      ? []
      : [{ chunkHash: hashToString(chunk.hash), xorbHash: first.xorb.hash }],
  )
  return file.sha256
}

export async function putFile(hub: Hub, place: Place, file: TestFile): Promise<string> {
  for (const xorb of new Set(file.terms.map((term) => term.xorb))) await putXorb(hub, place, xorb)
  return await registerFile(hub, place, file)
}

/** As a ref move that brings a commit with these large files. */
export async function nameBlobs(hub: Hub, { repoId }: Place, ...sha256s: string[]): Promise<void> {
  await hub.transaction((tx) => markReferenced(tx, repoId, sha256s, hub.clock.now()))
}

/** As a relinking after the last commit that named them went. */
export async function unnameBlobs(hub: Hub, { repoId }: Place, ...sha256s: string[]): Promise<void> {
  await hub.transaction((tx) => markUnnamed(hub, tx, repoId, sha256s))
}

/** The bytes as a reader gets them. */
export async function readBlob(hub: Hub, sha256: string, size: number): Promise<Buffer> {
  return Buffer.concat(await (await openBlob(hub, { sha256 }, 0, size - 1)).toArray())
}

/** Everything that rows and the blob store have, for "nothing is left". */
export async function inventory(hub: Hub): Promise<Record<string, number>> {
  const count = async (table: 'blob' | 'repoBlob' | 'xorb' | 'xorbScope' | 'xetFile' | 'xetFileXorb' | 'xetChunk') =>
    (await hub.db.list.selectFrom(table).selectAll().execute()).length
  return {
    blob: await count('blob'),
    repoBlob: await count('repoBlob'),
    xorb: await count('xorb'),
    xorbScope: await count('xorbScope'),
    xetFile: await count('xetFile'),
    xetFileXorb: await count('xetFileXorb'),
    xetChunk: await count('xetChunk'),
    objects: (await hub.blobs.list('object', null, 1_000)).length,
    xorbs: (await hub.blobs.list('xorb', null, 1_000)).length,
  }
}
