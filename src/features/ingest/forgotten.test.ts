/** What happens to large files when the last commit that names them goes, and when it is named again. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allowPush, commitFiles, ingestRepo, openIngestHub, uploadBlob } from '../../../tests/support/ingest.ts'
import { systemOrigin } from '../../domain/event.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { collectStorage } from '../storage/service.ts'
import { changeRefs } from './change-refs.ts'
import { afterRefMove, markReached, relinkRepo } from './upkeep.ts'

let hub: Hub
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-forgotten-'))
  hub = await openIngestHub(folder)
  await commitFiles(hub, { 'README.md': 'hello' })
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

const move = async (ref: string, oldOid: string, newOid: string) => {
  const result = await changeRefs(hub, allowPush(), systemOrigin, [{ ref, oldOid, newOid }])
  expect(result.ok).toBe(true)
}

const linkOf = async (sha256: string) =>
  await hub.db.read
    .selectFrom('repoBlob')
    .innerJoin('blob', 'blob.sha256', 'repoBlob.sha256')
    .select(['referencedAt', 'keptUntil', 'leaseUntil'])
    .where('repoBlob.sha256', '=', sha256)
    .executeTakeFirst()

/** A branch with a large file, whose commit nothing leads to any more. */
async function forgottenCommit(): Promise<{ sha256: string; commit: string }> {
  const sha256 = randomBytes(32).toString('hex')
  await uploadBlob(hub, sha256, 10)
  const name = `refs/heads/b-${sha256.slice(0, 8)}`
  const main = await hub.db.read.selectFrom('repo').select('headCommit').executeTakeFirstOrThrow()
  await move(name, zeroOid, main.headCommit ?? '')
  const { commit } = await commitFiles(hub, { 'model.bin': formatLfsPointer({ sha256, size: 10 }) }, { ref: name })
  expect((await linkOf(sha256))?.referencedAt).not.toBeNull()
  await move(name, commit, zeroOid)
  await afterRefMove(hub, { repoId: ingestRepo, oldOid: commit, newOid: zeroOid })
  const jobs = await hub.db.read.selectFrom('job').select('id').where('queue', '=', 'relink-repo').execute()
  expect(jobs).toHaveLength(1)
  await relinkRepo(hub, { repoId: ingestRepo })
  return { sha256, commit }
}

test('the last name goes: kept for the undo window; named again: as before', async () => {
  const { sha256, commit } = await forgottenCommit()
  const link = await linkOf(sha256)
  expect(link?.referencedAt).toBeNull()
  expect(Math.abs((link?.keptUntil ?? 0) - Date.now() - 7 * 24 * 3_600_000)).toBeLessThan(60_000)
  // Whatever the lease: nothing is collected.
  await age(sha256)
  await collectStorage(hub, { proveRepo: (id) => markReached(hub, id), reason: 'test' })
  expect(await linkOf(sha256)).toBeDefined()
  await move('refs/heads/again', zeroOid, commit)
  expect((await linkOf(sha256))?.referencedAt).not.toBeNull()
  expect((await linkOf(sha256))?.leaseUntil).toBeGreaterThan(Date.now())
  await move('refs/heads/again', commit, zeroOid)
})

const age = async (sha256: string, keptUntil?: number) =>
  await hub.transaction((tx) =>
    tx
      .updateTable('blob')
      .set({ leaseUntil: 1, ...(keptUntil === undefined ? {} : { keptUntil }) })
      .where('sha256', '=', sha256)
      .execute(),
  )

test('after the window it is collected, and the commit cannot be named again', async () => {
  const { sha256, commit } = await forgottenCommit()
  await age(sha256, 0)
  await collectStorage(hub, { proveRepo: (id) => markReached(hub, id), reason: 'test' })
  expect(await linkOf(sha256)).toBeUndefined()
  const again = changeRefs(hub, allowPush(), systemOrigin, [
    { ref: 'refs/heads/late', oldOid: zeroOid, newOid: commit },
  ])
  await expect(again).rejects.toMatchObject({
    code: 'lfs_object_missing',
    message: expect.stringContaining('model.bin'),
  })
})

test('a mark that was lost is found again before anything goes', async () => {
  const sha256 = randomBytes(32).toString('hex')
  await uploadBlob(hub, sha256, 10)
  await commitFiles(hub, { 'kept.bin': formatLfsPointer({ sha256, size: 10 }) })
  await age(sha256, 0)
  await hub.transaction((tx) =>
    tx.updateTable('repoBlob').set({ referencedAt: null }).where('sha256', '=', sha256).execute(),
  )
  await collectStorage(hub, { proveRepo: (id) => markReached(hub, id), reason: 'test' })
  expect((await linkOf(sha256))?.referencedAt).not.toBeNull()
})
