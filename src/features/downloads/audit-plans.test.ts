/** What the proof of downloads costs, however long it has become: no table is read without an index, and no more of it than a page. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import {
  insertAuditedDownloads,
  insertDownloadCheckpoint,
  insertDownloadSeal,
  pruneSeal,
  readDownloadHead,
  selectAudited,
  selectAuditScopes,
  selectDownloadCheckpoints,
  selectDownloadSeals,
  selectKnownIds,
  selectLastAnchor,
  selectPrunable,
  selectSealed,
} from './audit-queries.ts'

const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const seals = 40
const perSeal = 100
const large = ['auditedDownload', 'downloadSeal', 'downloadCheckpoint', 'event', 'organization']

describe.each(dialects)('the statements of audited downloads, on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await database.db.transaction(async (tx) => {
      for (let number = 1; number <= seals; number++) {
        await insertDownloadSeal(tx, {
          ...{ number, sealedAt: number, total: number * perSeal, previous: 'p', hash: 'h', keptHashes: null },
        })
        await insertDownloadCheckpoint(tx, { number, hash: 'h', total: 1, madeAt: 1, keyId: 'k', signature: 's' })
        await insertAuditedDownloads(
          tx,
          Array.from({ length: perSeal }, (_, at) => ({
            ...{ id: idOf(number * perSeal + at), seal: number, hash: 'h', firstAt: 1, lastAt: 1, content: 'git:1' },
            ...{ repoId: 'r', repoKind: 'model' as const, repoName: `acme/m${at}`, ownerId: `o${at % 2}` },
            ...{ path: 'a', commits: '[]', via: 'resolve' as const, actorKind: 'user' as const, actorId: 'u' },
            ...{ actorName: `p${at}`, credentialKind: 'token' as const, credentialId: `t${at}` },
            ...{ credentialLast4: '1234', ip: null, userAgent: null, requests: 1, bytes: 1 },
          })),
        )
      }
    })
    // As the database does by itself after a while.
    await database.db.transaction((tx) => sql`analyze`.execute(tx))
    watched = await watchPlans(database, large)
  })
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  const all = { ownerId: 'o1', repo: null, principal: null, token: null, fromId: null, beforeId: null }

  it('a page goes by an index, for each filter and also where nothing matches', async () => {
    const { db } = watched
    await watched.expectCheap(async () => {
      await selectAudited(db, all, 10)
      await selectAudited(db, { ...all, beforeId: idOf(2_000), fromId: idOf(200) }, 10)
      await selectAudited(db, { ...all, repo: 'acme/m7' }, 10)
      await selectAudited(db, { ...all, principal: 'p7' }, 10)
      await selectAudited(db, { ...all, token: 't7' }, 10)
      await selectAudited(db, { ...all, repo: 'acme/none' }, 10)
      await selectAudited(db, { ...all, ownerId: null }, 10)
    }, 60)
  })

  it('sealing, verifying, exporting and pruning read what they are about', async () => {
    const { db, tx } = watched
    await watched.expectCheap(async () => {
      await selectAuditScopes(db, ['o1', 'o2'])
      await readDownloadHead(tx)
      await selectKnownIds(tx, [idOf(101), idOf(102), idOf(1)])
      await selectDownloadSeals(db.list, 3, 2)
      await selectDownloadCheckpoints(db.list, 3, 4)
      await selectSealed(db.list, 3, 3)
      await selectLastAnchor(db, 'download.checkpoint')
      await selectPrunable(db, 3, 10, 2)
      await pruneSeal(tx, 3, 'lines')
    }, 220)
  })
})
