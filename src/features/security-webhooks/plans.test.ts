/** What security webhooks cost beside a long log: each look goes by indexes. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { readLogEnds, selectNextDownloads, selectSealedAfter } from '../audit/service.ts'
import {
  claimWebhook,
  deleteWebhook,
  findDelivery,
  findWebhook,
  insertDelivery,
  nameOfOrganization,
  selectDeliveries,
  selectDue,
  selectWebhooks,
  settleWebhook,
  updateWebhook,
} from './queries.ts'

const large = [
  'securityWebhook',
  'webhookDelivery',
  'sealedEvent',
  'event',
  'auditedDownload',
  'downloadSeal',
  'namespace',
]

describe.each(dialects)('the statements of security webhooks, on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    const none = { oldSecret: null, oldSecretUntil: null, switchedOffReason: null, failingSince: null }
    const rest = { lastError: null, lastDeliveredAt: null, holder: null, organizationId: null }
    await database.db.transaction(async (tx) => {
      await tx
        .insertInto('securityWebhook')
        .values({
          ...{ id: 'w', url: 'https://a.example', scopes: '["*"]', secret: 's', createdAt: 1, isActive: 1, ...none },
          ...{ seal: 0, position: 0, downloadSeal: 0, nextAt: 1, failures: 0, leaseUntil: 0, ...rest },
        })
        .execute()
    })
    watched = await watchPlans(database, large)
  })
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  it('go by indexes', async () => {
    const { db, tx } = watched
    const delivery = { at: 1, kind: 'events' as const, status: 200, error: null, events: 1, tookMs: 1, body: '{}' }
    await watched.expectCheap(async () => {
      await selectWebhooks(db, null)
      await selectWebhooks(db, 'o1')
      await findWebhook(db, 'o1', 'w')
      await readLogEnds(db)
      await selectDue(db, 10, 10)
      const [due] = await selectDue(db, 10, 10)
      if (due === undefined) throw new Error('The webhook is due.')
      await claimWebhook(tx, due, 'h', 10, 20)
      await settleWebhook(tx, 'w', 'h', { failures: 1 })
      await selectSealedAfter(db, { seal: 3, position: 4 }, 10)
      await selectNextDownloads(db, 3)
      await insertDelivery(tx, { id: 'd', webhookId: 'w', ...delivery }, 100)
      await selectDeliveries(db, 'w', 100)
      await findDelivery(db, 'w', 'd')
      await updateWebhook(tx, 'w', { failures: 0 })
      await nameOfOrganization(tx, 'o1')
      await deleteWebhook(tx, 'w')
    }, 30)
  })
})
