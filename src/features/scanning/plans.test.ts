/**
 * What scanning, quarantine and download records cost in a hub with much in it: each statement goes by an index, on both databases, and reads about as many rows as
 * it is asked for, however many contents, places and downloads there are.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { gitContent } from '../../domain/quarantine.ts'
import type {
  ContentScanTable,
  DownloadRecordTable,
  ScanPlaceTable,
  ScanReleaseTable,
  ScanResultTable,
} from '../../platform/db/schema.ts'
import {
  deleteRecordsBefore,
  holdsUnsafe,
  selectHolders,
  selectOfContents,
  selectOfRepo,
  selectUnsafe,
  upsertRecords,
} from '../downloads/queries.ts'
import {
  selectHeldOfRepo,
  selectListedHeads,
  selectPolicy,
  selectUnscannedOfRepo,
  selectVerdicts,
} from '../storage/quarantine-queries.ts'
import {
  countFailed,
  selectOwned,
  selectPlaceRows,
  selectReleased,
  selectReleasesBefore,
  selectUnsafeBefore,
  selectUnscanned,
  selectWaiting,
} from './held-queries.ts'
import {
  claimContent,
  deleteContent,
  deleteOldResults,
  deleteRelease,
  hasWaiting,
  insertContents,
  insertPlaces,
  insertRelease,
  renewClaim,
  renewFound,
  requeueContents,
  selectContents,
  selectDue,
  selectFoundPlaces,
  selectPlaces,
  selectRepoScan,
  selectResults,
  settleContent,
  upsertRepoScan,
  upsertResult,
} from './scan-queries.ts'

const contents = 8_000
const repos = 200
const downloads = 8_000
const large = ['contentScan', 'scanPlace', 'scanResult', 'scanRelease', 'downloadRecord']
/** No more than this, of tables of thousands of rows. */
const mostRead = 1_500

const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const contentOf = (number: number): string => gitContent(number.toString(16).padStart(40, '0'))
const repoOf = (number: number): string => idOf(1_000 + (number % repos))
const ownerOf = (number: number): string => idOf(1 + (number % 20))
/** Lies in every repo, as an empty file does. */
const everywhere = contentOf(0)

describe.each(dialects)('statements of scanning on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await fill(database)
    watched = await watchPlans(database, large)
  }, 120_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  const expectCheap = (act: () => Promise<unknown>, most = mostRead): Promise<void> => watched.expectCheap(act, most)

  test('a statement that no index helps is found out', async () => {
    const before = watched.plans.length
    await watched.db.list.selectFrom('contentScan').select('content').where('reason', '=', 'none').execute()
    expect(watched.plans.slice(before).map(({ scans }) => scans.length > 0)).toEqual([true])
  })

  test('the queue: what is due, claims and what becomes of them', async () => {
    const { db, tx } = watched
    const now = 1_000
    await expectCheap(() => selectDue(db, now, 10))
    const queued = { content: contentOf(1), size: 1, attempts: 0 }
    await expectCheap(() => claimContent(tx, queued, 'c', now, now + 1))
    await expectCheap(() => renewClaim(tx, contentOf(1), 'c', now + 2))
    await expectCheap(() => settleContent(tx, contentOf(1), 'c', { state: 'done', level: 'safe' }, now))
    await expectCheap(() => requeueContents(tx, [contentOf(1), contentOf(2)], now))
    await expectCheap(() => insertContents(tx, [{ content: contentOf(contents + 1), size: 1 }], now))
    await expectCheap(() => insertPlaces(tx, [{ content: contentOf(1), repoId: repoOf(2), oid: 'o' }]))
    await expectCheap(() => deleteContent(tx, contentOf(contents + 1)))
    const result = {
      scanner: 'yara',
      version: '2',
      level: 'safe',
      message: null,
      details: '{}',
      scannedAt: now,
    } as const
    await expectCheap(() => upsertResult(tx, { ...result, content: contentOf(1) }))
    await expectCheap(() => deleteOldResults(tx, contentOf(1), 'yara', '2'))
    await expectCheap(() => upsertRepoScan(tx, { repoId: repoOf(1), heads: '[]', listedAt: now }))
  })

  test('what is known of files and of a repo', async () => {
    const { db } = watched
    const page = Array.from({ length: 100 }, (_, at) => contentOf(at + 1))
    await expectCheap(() => selectContents(db, page))
    await expectCheap(() => selectResults(db, page))
    await expectCheap(() => selectPlaces(db, everywhere, 50))
    await expectCheap(() => selectFoundPlaces(db, repoOf(7), ['caution', 'suspicious', 'unsafe'], 1_000))
    await expectCheap(() => hasWaiting(db, repoOf(7)))
    await expectCheap(() => selectRepoScan(db, repoOf(7)))
  })

  test('what is held, right before bytes are sent', async () => {
    const { db } = watched
    await expectCheap(() => selectPolicy(db, ownerOf(1), repoOf(1)))
    await expectCheap(() => selectVerdicts(db, [contentOf(1), contentOf(2)]), 10)
    for (const repo of [repoOf(7), repoOf(100)]) {
      await expectCheap(() => selectHeldOfRepo(db, repo, 'git:', 0))
      await expectCheap(() => selectUnscannedOfRepo(db, repo, 'git:'))
      await expectCheap(() => holdsUnsafe(db, repo, 'git:'))
    }
    await expectCheap(() => selectListedHeads(db, repoOf(7)))
  })

  test('lists of what is unsafe and what is released, first pages and later ones; releasing and holding', async () => {
    const { db, tx } = watched
    const first = await selectUnsafeBefore(db, null, 25)
    const last = first.at(-1)
    await expectCheap(() => selectUnsafeBefore(db, null, 26), 60)
    await expectCheap(() => selectUnsafeBefore(db, { at: last?.foundAt ?? 0, content: last?.content ?? '' }, 26), 60)
    const names = first.map(({ content }) => content)
    await expectCheap(() => selectOwned(db, names, ownerOf(3)))
    await expectCheap(() => selectReleased(db, names))
    await expectCheap(() => selectWaiting(db, 100))
    await expectCheap(() => selectUnscanned(db, 100), 400)
    await expectCheap(() => countFailed(db, 100))
    for (const owner of [null, ownerOf(3)]) {
      await expectCheap(() => selectPlaceRows(db, names[0] ?? '', owner, 6))
      await expectCheap(() => selectPlaceRows(db, everywhere, owner, 6))
    }
    await expectCheap(() => selectReleasesBefore(db, null, 26), 100)
    await expectCheap(() => selectReleasesBefore(db, { at: 500, content: contentOf(3) }, 26), 100)
    await expectCheap(() =>
      insertRelease(tx, { content: contentOf(5), reason: 'it is', releasedAt: 1, releasedBy: null }),
    )
    await expectCheap(() => deleteRelease(tx, contentOf(5)))
    await expectCheap(() => renewFound(tx, contentOf(5), 1))
  })

  test('who downloaded it: of the hub, of an organization, of a repo, by git too; writing down and forgetting', async () => {
    const { db, tx } = watched
    const popular = contentOf(1)
    const all = { kind: 'all' } as const
    const owner = { kind: 'owner', id: ownerOf(1) } as const
    for (const scope of [all, owner]) {
      for (const before of [null, idOf(500_000 + downloads / 2)]) {
        await expectCheap(() => selectOfContents(db, scope, [popular], before, 51), 200)
        const fetched = Array.from({ length: repos }, (_, at) => `repo:${repoOf(at)}`)
        await expectCheap(() => selectOfContents(db, scope, [popular, ...fetched], before, 51), 15_000)
      }
    }
    await expectCheap(() => selectHolders(db, everywhere, null, 2_001))
    await expectCheap(() => selectHolders(db, everywhere, ownerOf(3), 2_001))
    for (const before of [null, idOf(500_000 + downloads / 2)]) {
      await expectCheap(() => selectOfRepo(db, { id: repoOf(7), ownerId: ownerOf(7) }, before, 51), 100)
    }
    await expectCheap(() =>
      selectUnsafe(
        db,
        Array.from({ length: 100 }, (_, at) => contentOf(at)),
      ),
    )
    const record = await database.db.read.selectFrom('downloadRecord').selectAll().limit(1).executeTakeFirstOrThrow()
    await expectCheap(() => upsertRecords(tx, [record, { ...record, id: idOf(1), key: 'new' }]))
    await expectCheap(() => deleteRecordsBefore(tx, idOf(2), 1_000))
  })
})

async function fill({ db }: TestDatabase): Promise<void> {
  const owners = Array.from({ length: 20 }, (_, at) => ({ id: ownerOf(at), name: `org-${at}` }))
  await db.transaction(async (tx) => {
    for (const { id, name } of owners) {
      await tx.insertInto('namespace').values({ id, kind: 'organization', name, nameKey: name, createdAt: 1 }).execute()
      await tx
        .insertInto('organization')
        .values({ id, fullname: null, defaultVisibility: 'private', createdAt: 1, createdBy: id })
        .execute()
    }
  })
  for (let at = 0; at < repos; at++) {
    const owner = owners[at % owners.length]
    if (owner !== undefined) await insertRepo(db, { id: repoOf(at), owner, name: `repo-${at}` })
  }
  const numbers = Array.from({ length: contents }, (_, at) => at)
  const levelOf = (number: number): ContentScanTable['level'] =>
    number % 40 === 1 ? 'unsafe' : number % 50 === 2 ? 'unscanned' : 'safe'
  await insertAll(
    db,
    numbers,
    (number): ContentScanTable => {
      const level = levelOf(number)
      return {
        content: contentOf(number),
        size: number,
        state: level === 'unscanned' ? 'queued' : 'done',
        level,
        scanners: level === 'unscanned' ? null : 'yara 1',
        reason: null,
        attempts: 0,
        dueAt: number % 100,
        claim: null,
        queuedAt: number,
        scannedAt: 1,
        importSet: null,
        foundAt: number % 500,
      }
    },
    (tx, rows) => tx.insertInto('contentScan').values(rows).execute(),
  )
  await insertAll(
    db,
    numbers.slice(1),
    (number): ScanPlaceTable => ({ content: contentOf(number), repoId: repoOf(number), oid: 'o' }),
    (tx, rows) => tx.insertInto('scanPlace').values(rows).execute(),
  )
  await insertAll(
    db,
    numbers.slice(0, repos),
    (number): ScanPlaceTable => ({ content: everywhere, repoId: repoOf(number), oid: 'o' }),
    (tx, rows) => tx.insertInto('scanPlace').values(rows).execute(),
  )
  await insertAll(
    db,
    numbers,
    (number): ScanResultTable => ({
      content: contentOf(number),
      scanner: 'yara',
      version: '1',
      level: 'safe',
      message: null,
      details: '{}',
      scannedAt: 1,
    }),
    (tx, rows) => tx.insertInto('scanResult').values(rows).execute(),
  )
  await insertAll(
    db,
    numbers.filter((number) => number % 4 === 3),
    (number): ScanReleaseTable => ({
      content: contentOf(number),
      reason: 'it is ours',
      releasedAt: number % 700,
      releasedBy: null,
    }),
    (tx, rows) => tx.insertInto('scanRelease').values(rows).execute(),
  )
  // One content is downloaded all the time, and every repo is fetched.
  await insertAll(
    db,
    Array.from({ length: downloads }, (_, at) => at),
    (number): DownloadRecordTable => ({
      id: idOf(500_000 + number),
      key: `k${number}`,
      content: number % 3 === 0 ? contentOf(1) : number % 3 === 1 ? `repo:${repoOf(number)}` : contentOf(number),
      repoId: repoOf(number),
      repoKind: 'model',
      repoName: 'org/repo',
      ownerId: ownerOf(number),
      path: null,
      commits: '[]',
      via: 'resolve',
      actorKind: 'user',
      actorId: idOf(7),
      actorName: 'ada',
      credentialKind: null,
      credentialId: null,
      credentialLast4: null,
      ip: null,
      userAgent: null,
      requests: 1,
      bytes: 1,
      firstAt: 1,
      lastAt: 1,
    }),
    (tx, rows) => tx.insertInto('downloadRecord').values(rows).execute(),
  )
  await db.transaction((tx) => sql`analyze`.execute(tx))
}

type Transaction = Parameters<Parameters<TestDatabase['db']['transaction']>[0]>[0]

async function insertAll<Row>(
  db: TestDatabase['db'],
  numbers: readonly number[],
  make: (number: number) => Row,
  insert: (tx: Transaction, rows: Row[]) => Promise<unknown>,
): Promise<void> {
  const atOnce = 500
  for (let at = 0; at < numbers.length; at += atOnce) {
    await db.transaction((tx) => insert(tx, numbers.slice(at, at + atOnce).map(make)))
  }
}
