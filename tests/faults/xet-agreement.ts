/**
 * What must hold after a server died amid uploads by Xet, however far they were: every row has its bytes and they are what the row says, every
 * file under a name is whole and has a row, links and sizes agree, and of the writes under way nothing is left.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import { FileTerms, openBlob, xorbNamed } from '../../src/features/storage/service.ts'
import type { Hub } from '../../src/hub.ts'
import type { Acknowledged } from './xet-uploads.ts'

/** Hashes of xorbs and SHA-256 of files whose bytes were read in an earlier round. */
export type Checked = Set<string>

/** `checked`: their bytes are not read again, only looked for. */
export async function expectXetAgreement(hub: Hub, acknowledged: Acknowledged, checked: Checked): Promise<void> {
  const xorbs = await expectXorbs(hub, checked)
  expect(missingFrom(xorbs, acknowledged.xorbs)).toEqual([])
  const linked = await expectFiles(hub, xorbs, checked)
  for (const [hash, sha256] of acknowledged.files) expect(linked.get(sha256), `file ${hash}`).toBeDefined()
  for (const [name, { sha256 }] of acknowledged.commits) expect(linked.get(sha256)?.isNamed, name).toBe(true)
  // Opening the hub, as a start does, removed what the dead process was writing.
  expect(await readdir(path.join(hub.config.dataFolder, 'blobs', 'incoming'))).toEqual([])
  expect(await readdir(path.join(hub.config.dataFolder, 'blobs', 'parts'))).toEqual([])
}

/** The hashes of those that are stored and claimed. */
async function expectXorbs(hub: Hub, checked: Checked): Promise<Set<string>> {
  const rows = await hub.db.list.selectFrom('xorb').selectAll().execute()
  const files = new Map<string, number>()
  for (let after: string | null = null; ; ) {
    const page: readonly { hash: string; size: number }[] = await hub.blobs.list('xorb', after, 1_000)
    for (const { hash, size } of page) files.set(hash, size)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.hash
  }
  // A row comes before its bytes: a file without one would never be found by a collection.
  const announced = new Set(rows.map((row) => row.hash))
  expect([...files.keys()].filter((hash) => !announced.has(hash))).toEqual([])
  const stored = rows.filter((row) => row.chunkCount > 0)
  const index = new Map(stored.map((row) => [row.hash, row.chunkIndex]))
  for (const { hash, size } of stored) expect(files.get(hash), `bytes of xorb ${hash}`).toBe(size)
  for (const [hash, size] of files) {
    const row = index.get(hash)
    if (checked.has(hash)) continue
    // Whole also where no row says that it is stored: a name is given to nothing less.
    const source = (await hub.blobs.openRange(xorbNamed(hash), 0, size - 1)) as AsyncIterable<Buffer>
    const found = await hub.xet.receiveXorb(source, hash, null)
    if (row === undefined) continue
    expect(found.chunkIndex.equals(row), `index of xorb ${hash}`).toBe(true)
    checked.add(hash)
  }
  const claims = await hub.db.list.selectFrom('xorbScope').selectAll().execute()
  const hashes = new Set(stored.map((row) => row.hash))
  expect(missingFrom(hashes, new Set(claims.map((claim) => claim.xorbHash)))).toEqual([])
  const chunks = await hub.db.list.selectFrom('xetChunk').select('xorbHash').distinct().execute()
  expect(missingFrom(hashes, new Set(chunks.map((chunk) => chunk.xorbHash)))).toEqual([])
  // A row with bytes and its claim are written at once.
  expect(missingFrom(new Set(claims.map((claim) => claim.xorbHash)), hashes)).toEqual([])
  return hashes
}

/** What the repo links, by SHA-256, and whether a commit names it. */
async function expectFiles(
  hub: Hub,
  xorbs: ReadonlySet<string>,
  checked: Checked,
): Promise<ReadonlyMap<string, { readonly size: number; readonly isNamed: boolean }>> {
  const links = await hub.db.list.selectFrom('repoBlob').selectAll().execute()
  const blobs = new Map((await hub.db.list.selectFrom('blob').selectAll().execute()).map((row) => [row.sha256, row]))
  const files = new Map((await hub.db.list.selectFrom('xetFile').selectAll().execute()).map((row) => [row.hash, row]))
  const parts = await hub.db.list.selectFrom('xetFileXorb').selectAll().execute()
  const partsOf = Map.groupBy(parts, (part) => part.fileHash)
  const linked = new Set(links.map((link) => link.sha256))
  // File, blob and link are written at once.
  expect([...files.values()].map((file) => file.sha256).filter((sha256) => !linked.has(sha256))).toEqual([])
  expect(missingFrom(linked, new Set(blobs.keys()))).toEqual([])
  for (const { sha256, size } of links) {
    const blob = blobs.get(sha256)
    const file = files.get(blob?.xetHash ?? '')
    expect([blob?.size, blob?.hasObject, file?.size, file?.sha256], sha256).toEqual([size, 0, size, sha256])
    if (file === undefined || checked.has(sha256)) continue
    const ofTerms = new Set<string>()
    for (const term of new FileTerms(file.terms)) ofTerms.add(term.xorb)
    expect(new Set(partsOf.get(file.hash)?.map((part) => part.xorbHash))).toEqual(ofTerms)
    expect(missingFrom(xorbs, ofTerms)).toEqual([])
    const hash = createHash('sha256')
    const source = (await openBlob(hub, { sha256 }, 0, size - 1)) as AsyncIterable<Buffer>
    for await (const bytes of source) hash.update(bytes)
    expect(hash.digest('hex')).toBe(sha256)
    checked.add(sha256)
  }
  const { usedStorage } = await hub.db.read.selectFrom('repo').select('usedStorage').executeTakeFirstOrThrow()
  expect(usedStorage).toBe(links.reduce((sum, link) => sum + link.size, 0))
  return new Map(links.map(({ sha256, size, referencedAt }) => [sha256, { size, isNamed: referencedAt !== null }]))
}

function missingFrom(all: ReadonlySet<string>, wanted: ReadonlySet<string>): string[] {
  return [...wanted].filter((hash) => !all.has(hash))
}
