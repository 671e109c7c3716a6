/** What calls of models cost beside many repos and a long history of calls: each look goes by indexes. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import {
  addToMonths,
  deleteMonthsBefore,
  findLimitsOfCall,
  findMonth,
  findMonthOfCall,
  findOwnerOfWorkspace,
  findWorkspaceId,
  replaceLimits,
  selectLimits,
  selectMembersByName,
  selectServiceAccountsByName,
  selectWorkspacesById,
} from './limit-queries.ts'
import { selectBackends } from './probe-queries.ts'
import {
  countRecentCalls,
  countServedModels,
  deleteServed,
  deleteUsageBefore,
  findServed,
  insertUsage,
  selectCalls,
  selectListed,
  sumBilledUsage,
  sumUsage,
  usageGroups,
} from './queries.ts'

const large = [
  ...['inferenceModel', 'inferenceBackend', 'inferenceUsage', 'inferenceLimit', 'inferenceMonth'],
  ...['repo', 'namespace', 'workspace', 'serviceAccount', 'roleGrant'],
]

describe.each(dialects)('the statements of inference, on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    watched = await watchPlans(database, large)
  })
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  it('go by indexes', async () => {
    const { db, tx } = watched
    const ofNone = { workspaceId: null, workspaceName: null, parentTokenId: null }
    const none = {
      commit: null,
      tokenId: null,
      tokenLast4: null,
      backend: null,
      tokensIn: null,
      tokensOut: null,
      ...ofNone,
    }
    await watched.expectCheap(async () => {
      await findServed(db.read, 'r1')
      await selectListed(db, ['r1', 'r2'])
      await selectBackends(db, ['b1', 'b2'])
      await deleteServed(tx, 'r1')
      await insertUsage(tx, [
        {
          ...{ id: 'u', at: 1, repoId: 'r1', repoName: 'a/b', ownerId: 'o', billedId: 'o', billedName: 'a' },
          ...{ route: 'embeddings', actorKind: 'user', actorId: 'x', actorName: 'x', status: 200, ...none },
          ...{ firstByteMs: 1, tookMs: 1 },
        },
      ])
      for (const by of usageGroups) {
        await sumUsage(db, 'o', { from: '0', to: '9' }, by, 100)
        await sumBilledUsage(db, 'o', { from: '0', to: '9' }, by, 100)
      }
      await countRecentCalls(db, 'f', 10)
      await countServedModels(db, 10)
      await selectCalls(db, 'o', { after: '0', to: '9' }, 100)
      await deleteUsageBefore(tx, '1', 100)
    }, 40)
  })
  it('of limits go by indexes', async () => {
    const { db, tx } = watched
    const call = { workspaceId: 'w', accountId: 'a' }
    await watched.expectCheap(async () => {
      await findLimitsOfCall(db, { organizationId: 'o', ...call, accountDefault: 'member' })
      await findMonthOfCall(db, { billedId: 'o', month: 202611, ...call, tokenId: 't' })
      await findMonth(db, 'o', 202611, 'o')
      await findOwnerOfWorkspace(db, 'w')
      await findWorkspaceId(db, 'o', 'w')
      await addToMonths(tx, [{ billedId: 'o', month: 202611, subject: 'o', calls: 1, tokens: 1 }])
      await selectLimits(db.list, 'o', 202611)
      await selectWorkspacesById(tx, 'o', ['w'])
      await selectMembersByName(tx, 'o', ['a', 'b'])
      await selectServiceAccountsByName(tx, 'o', ['a', 'b'])
      await replaceLimits(tx, 'none', [])
      await deleteMonthsBefore(tx, 1, 100)
    }, 60)
  })
})
