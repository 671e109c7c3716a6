/** What a sign-in and the list of mappings cost: no table is read without an index, however many people and mappings there are. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import {
  countMappings,
  deleteGrant,
  deleteGrantsIn,
  findMapping,
  grantsOf,
  hasByHand,
  heldInPart,
  heldRole,
  listMappings,
  mappingsOf,
  partsToOffer,
} from './grant-queries.ts'
import {
  deleteIdentity,
  findByIdentity,
  findByVerifiedEmail,
  hasAnotherWay,
  listIdentities,
  touchIdentity,
} from './queries.ts'

const large = [
  'companyIdentity',
  'companyGroupMapping',
  'companyGrant',
  'roleGrant',
  'groupMember',
  'user',
  'email',
  'passkey',
]

describe.each(dialects)('the statements of the sign-in through a company, on %s', (dialect) => {
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
    await watched.expectCheap(async () => {
      await findByIdentity(db.read, 'https://acme.example', 'u-1')
      await findByVerifiedEmail(tx, 'ada@acme.example')
      await listIdentities(db.read, 'u1')
      await touchIdentity(tx, 'https://acme.example', 'u-1', 'ada', 1)
      await deleteIdentity(tx, 'u1', 'https://acme.example')
      await hasAnotherWay(db.read, 'u1')
      await mappingsOf(tx, ['a', 'b', 'c'])
      await grantsOf(tx, 'u1')
      await heldRole(tx, 'o1', 'u1', 1)
      await heldInPart(tx, 'group', 'g1', 'u1', 1)
      await hasByHand(tx, 'o1', 'u1', 1)
      await deleteGrant(tx, 'u1', 'o1')
      await deleteGrantsIn(tx, 'u1', 'o1')
      await listMappings(db, 'o1', { group: '', id: '' }, 50)
      await findMapping(db, 'o1', 'm1')
      await countMappings(tx, 'o1')
      await partsToOffer(db, 'o1', 200)
    }, 10)
  })
})
