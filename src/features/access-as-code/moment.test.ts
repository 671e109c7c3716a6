/** Idea 19: an export and a plan are of one moment, whatever is changed while they are read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { jsonClient } from '../../../tests/support/json-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemOrigin } from '../../domain/event.ts'
import type { Hub } from '../../hub.ts'
import { holdAll } from './apply.ts'
import { applyAccess, exportAccess, operatorOf, planAccess, writeDocument } from './service.ts'

describe.each(dialects)('the moment of an export on %s', (dialect) => {
  let at: TestHub
  let boss: TestUser
  let organization: { id: string; name: string }

  beforeAll(async () => {
    at = await startHub({ dialect })
    boss = await makeUser(at, 'boss')
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

  // Somebody renames, makes or fills a part of the organization on a page, right after the file was compared with what is there.
  test('idea 19: while a file is applied nobody changes or makes a part of the organization', async () => {
    const ask = jsonClient(at.url)
    const token = await makeToken(at, boss, { role: 'write' })
    const base = '/api/organizations/acme'
    const make = async (where: string, body: object): Promise<string> => {
      const made = (await ask('POST', `${base}/${where}`, token, body)).json<{ id?: string; _id?: string }>()
      return made.id ?? made._id ?? ''
    }
    const group = await make('groups', { name: 'Third' })
    const place = await make('resource-groups', { name: 'Open' })
    const account = await make('service-accounts', { name: 'ci', role: 'read' })
    const pages: Readonly<Record<string, () => Promise<{ status: number }>>> = {
      group: () => ask('PATCH', `${base}/groups/${group}`, token, { description: 'x' }),
      'new group': () => ask('POST', `${base}/groups`, token, { name: 'Fourth' }),
      workspace: () => ask('PATCH', `${base}/resource-groups/${place}`, token, { description: 'x' }),
      'new workspace': () => ask('POST', `${base}/resource-groups`, token, { name: 'Closed' }),
      account: () => ask('PATCH', `${base}/service-accounts/${account}`, token, { role: 'write' }),
      'new account': () => ask('POST', `${base}/service-accounts`, token, { name: 'cd', role: 'read' }),
      member: () => ask('PUT', `${base}/members/mara/role`, token, { role: 'write' }),
      settings: () => ask('PATCH', `${base}/settings`, token, { defaultRole: 'write' }),
    }
    const [held, release] = latch()
    const [begun, begin] = latch()
    const applying = at.hub.db.transaction(async (tx) => {
      await holdAll(tx, dialect, organization.id)
      begin()
      await held
    })
    await begun
    const done: string[] = []
    const all = Object.entries(pages).map(async ([what, page]) => {
      const { status } = await page()
      done.push(`${what} ${status < 300}`)
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(done).toEqual([])
    release()
    await applying
    await Promise.all(all)
    expect(done.sort()).toEqual(
      Object.keys(pages)
        .map((what) => `${what} true`)
        .sort(),
    )
  })
})

function latch(): [Promise<void>, () => void] {
  const { promise, resolve } = Promise.withResolvers<void>()
  return [promise, resolve]
}
