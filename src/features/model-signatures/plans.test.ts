/** What model signatures cost in a hub with many: each statement goes by an index, on both databases, and reads about as many rows as it is asked for. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { gitContent, storedContent } from '../../domain/quarantine.ts'
import type {
  ContentDigestTable,
  ModelSignatureTable,
  SignedContentTable,
  TrustedModelKeyTable,
} from '../../platform/db/schema.ts'
import { selectPolicy } from '../storage/quarantine-queries.ts'
import {
  selectSignatureState,
  selectSignedContents,
  selectTrustedIds,
  selectVerifiedCommits,
} from '../storage/signed-only-queries.ts'
import {
  countTrustedKeys,
  countVerifiedBy,
  deleteTrustedKey,
  insertDigests,
  insertSignedContents,
  insertTrustedKey,
  putState,
  selectDigests,
  selectDoubtful,
  selectHeads,
  selectRepo,
  selectRepoIds,
  selectSeenAt,
  selectSignedSince,
  selectState,
  selectTrustedKeys,
  updateSignedSince,
} from './queries.ts'

const commits = 8_000
const repos = 200
const owners = 20
const large = ['repo', 'trustedModelKey', 'modelSignature', 'signedContent', 'contentDigest']
/** No more than this, of tables of thousands of rows: what one key verified is a twentieth. */
const mostRead = 1_000

const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const hashOf = (number: number): string => number.toString(16).padStart(64, '0')
const commitOf = (number: number): string => number.toString(16).padStart(40, '0')
const ownerOf = (number: number): string => idOf(1 + (number % owners))
const repoOf = (number: number): string => idOf(1_000 + (number % repos))
const keyOf = (number: number): string => idOf(5_000 + number)

describe.each(dialects)('statements of model signatures on %s', (dialect) => {
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

  const expectCheap = (act: () => Promise<unknown>, most = 100): Promise<void> => watched.expectCheap(act, most)

  test('right before bytes are sent', async () => {
    const { db } = watched
    const repo = { id: repoOf(1), ownerId: ownerOf(1) }
    await expectCheap(() => selectPolicy(db, ownerOf(1), null))
    await expectCheap(() => selectSignatureState(db, repo, commitOf(1)))
    await expectCheap(() => selectVerifiedCommits(db, repo, [commitOf(1), commitOf(201)]))
    await expectCheap(() => selectSignedContents(db, repo, [storedContent(hashOf(1)), storedContent(hashOf(201))]))
    await expectCheap(() => selectTrustedIds(db, ownerOf(1)))
  })

  test('what a job asks and writes', async () => {
    const { db, tx } = watched
    await expectCheap(() => selectRepo(db, repoOf(1)))
    await expectCheap(() => selectState(db, repoOf(1), commitOf(1)))
    await expectCheap(() => selectSeenAt(db, repoOf(1), gitContent(commitOf(1))))
    await expectCheap(() => selectDigests(db, 'sha256', [gitContent(commitOf(1)), gitContent(commitOf(2))]))
    await expectCheap(() => putState(tx, signatureOf(1)))
    await expectCheap(() => insertSignedContents(tx, repoOf(1), commitOf(1), [storedContent(hashOf(9_999))]))
    await expectCheap(() => insertDigests(tx, [{ content: gitContent(commitOf(9_999)), kind: 'sha256', digest: 'x' }]))
    await expectCheap(() => selectRepoIds(db, ownerOf(1), '', 100), repos)
    await expectCheap(() => selectDoubtful(db, ownerOf(1), [repoOf(1), repoOf(2)]), mostRead)
    await expectCheap(() => selectHeads(db, ownerOf(1), '', 5), mostRead)
  })

  test('the keys of an organization', async () => {
    const { db, tx } = watched
    await expectCheap(() => selectTrustedKeys(db, ownerOf(1)))
    await expectCheap(() => countTrustedKeys(tx, ownerOf(1)))
    await expectCheap(() => countVerifiedBy(db, keyOf(1)), mostRead)
    await expectCheap(() => selectSignedSince(db, ownerOf(1)))
    await expectCheap(() => updateSignedSince(tx, ownerOf(1), 5))
    await expectCheap(() => insertTrustedKey(tx, { ...trustedOf(9_000), fingerprint: 'new' }))
    await expectCheap(() => deleteTrustedKey(tx, ownerOf(0), keyOf(9_000), 7))
  })
})

function signatureOf(number: number): ModelSignatureTable {
  return {
    repoId: repoOf(number),
    commit: commitOf(number),
    status: number % 2 === 0 ? 'unverified' : 'verified',
    reason: null,
    detail: null,
    file: 'model.sig',
    bundle: gitContent(commitOf(number)),
    keyId: keyOf(number % owners),
    signer: null,
    trust: 't',
    report: '{}',
    seenAt: number,
    checkedAt: number,
  }
}

function trustedOf(number: number): TrustedModelKeyTable {
  return {
    id: keyOf(number),
    organizationId: ownerOf(number),
    kind: 'key',
    name: 'k',
    fingerprint: hashOf(number),
    pem: 'p',
    createdAt: 1,
    createdBy: null,
  }
}

async function fill({ db }: TestDatabase): Promise<void> {
  const organizations = Array.from({ length: owners }, (_, at) => ({ id: ownerOf(at), name: `org-${at}` }))
  await db.transaction(async (tx) => {
    for (const { id, name } of organizations) {
      await tx.insertInto('namespace').values({ id, kind: 'organization', name, nameKey: name, createdAt: 1 }).execute()
      await tx
        .insertInto('organization')
        .values({ id, fullname: null, defaultVisibility: 'private', createdAt: 1, createdBy: id })
        .execute()
    }
    const keys = Array.from({ length: owners * 20 }, (_, at) => trustedOf(at))
    await tx.insertInto('trustedModelKey').values(keys).execute()
  })
  for (let at = 0; at < repos; at++) {
    const owner = organizations[at % owners]
    if (owner !== undefined) await insertRepo(db, { id: repoOf(at), owner, name: `repo-${at}` })
  }
  for (let from = 0; from < commits; from += 500) {
    const numbers = Array.from({ length: 500 }, (_, at) => from + at)
    await db.transaction(async (tx) => {
      await tx.insertInto('modelSignature').values(numbers.map(signatureOf)).execute()
      const signed = numbers.map(
        (number): SignedContentTable => ({
          repoId: repoOf(number),
          content: storedContent(hashOf(number)),
          commit: commitOf(number),
        }),
      )
      await tx.insertInto('signedContent').values(signed).execute()
      const digests = numbers.map(
        (number): ContentDigestTable => ({
          content: gitContent(commitOf(number)),
          kind: 'sha256',
          digest: hashOf(number),
        }),
      )
      await tx.insertInto('contentDigest').values(digests).execute()
    })
  }
  await db.transaction(async (tx) => void (await sql`analyze`.execute(tx)))
}
