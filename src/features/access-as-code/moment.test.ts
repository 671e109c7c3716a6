/** Idea 19: an export and a plan are of one moment, whatever is changed while they are read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemOrigin } from '../../domain/event.ts'
import type { Hub } from '../../hub.ts'
import { applyAccess, exportAccess, operatorOf, planAccess, writeDocument } from './service.ts'

describe.each(dialects)('the moment of an export on %s', (dialect) => {
  let at: TestHub
  let organization: { id: string; name: string }

  beforeAll(async () => {
    at = await startHub({ dialect })
    const boss = await makeUser(at, 'boss')
    await makeUser(at, 'mara')
    organization = await makeOrganization(at, 'acme', boss, { mara: 'read' })
    await apply({ First: { mara: 'manager' }, Second: {} })
  }, 60_000)
  afterAll(() => at.stop())

  const fileOf = (groups: Readonly<Record<string, object>>): string =>
    writeDocument({
      version: 1,
      organization: 'acme',
      groups: Object.fromEntries(Object.entries(groups).map(([name, members]) => [name, { members }])),
    } as Parameters<typeof writeDocument>[0])

  const apply = async (groups: Readonly<Record<string, object>>): Promise<void> => {
    const actor = operatorOf(organization, systemOrigin, 'tests')
    const { digest } = await planAccess(at.hub, organization, fileOf(groups), actor)
    await applyAccess(at.hub, organization, fileOf(groups), actor, { digest, leavesAdministration: false })
  }

  // Somebody is moved from one group to another, in one transaction, after the first statement of an export: they would be in both, or in none.
  test('idea 19: what is changed while it is read is not in it', async () => {
    const before = await exportAccess(at.hub, organization)
    const refuse = (): never => {
      throw new Error('It is read beside the view of one moment.')
    }
    const meanwhile = async () => apply({ First: {}, Second: { mara: 'manager' } })
    const actor = operatorOf(organization, systemOrigin, 'tests')
    const { digest } = await planAccess(at.hub, organization, fileOf({ First: {} }), actor)
    const view: Hub['db']['snapshot'] = (read) =>
      at.hub.db.snapshot(async (all) => {
        await meanwhile()
        return await read(all)
      })
    const hub: Hub = { ...at.hub, db: { ...at.hub.db, snapshot: view, transaction: refuse } }
    Object.defineProperties(hub.db, { read: { get: refuse }, list: { get: refuse } })
    expect(await exportAccess(hub, organization)).toEqual(before)
    expect((await exportAccess(at.hub, organization)).groups).toEqual({
      First: { members: {} },
      Second: { members: { mara: 'manager' } },
    })
    await apply({ First: { mara: 'manager' }, Second: {} })
    expect((await planAccess(hub, organization, fileOf({ First: {} }), actor)).digest).toBe(digest)
  })

  test('idea 19: of a member who is moved to and fro, every export has one place', async () => {
    let isMoving = true
    const moving = (async () => {
      for (let turn = 0; isMoving; turn++) {
        const [from, to] = turn % 2 === 0 ? ['First', 'Second'] : ['Second', 'First']
        await apply({ [from as string]: {}, [to as string]: { mara: 'manager' } })
      }
    })()
    try {
      for (let round = 0; round < 15; round++) {
        const { groups = {} } = await exportAccess(at.hub, organization)
        const places = Object.values(groups).filter(({ members = {} }) => 'mara' in members)
        expect(places).toHaveLength(1)
      }
    } finally {
      isMoving = false
      await moving
    }
  })
})
