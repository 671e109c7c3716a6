/** AUTH-9: whoami, as clients and agents read it to explain what keeps them out, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

interface Identity {
  readonly orgs: readonly Record<string, unknown>[]
}

describe.each(dialects)('whoami on %s', (dialect) => {
  let test: TestHub
  let mara: TestUser
  let acme: { id: string; name: string }
  let workspace: string

  beforeAll(async () => {
    test = await startHubOn(dialect, { env: { HOLDFAST_RATE_LIMIT_API: '100' } })
    mara = await makeUser(test, 'mara', { tokenRole: 'read' })
    acme = await makeOrganization(test, 'acme', mara)
    workspace = test.hub.clock.id()
    const group = test.hub.clock.id()
    await test.hub.transaction(async (tx) => {
      await tx
        .insertInto('workspace')
        .values({ id: workspace, organizationId: acme.id, name: 'routing', nameKey: 'routing', createdAt: 1 })
        .execute()
      await tx
        .insertInto('memberGroup')
        .values({ id: group, organizationId: acme.id, name: 'bots', nameKey: 'bots', createdAt: 1 })
        .execute()
      await tx
        .insertInto('groupMember')
        .values({ groupId: group, principalId: mara.id, principalKind: 'user', role: 'member', createdAt: 1 })
        .execute()
      const role = { targetId: workspace, targetKind: 'workspace', createdAt: 1, createdBy: null } as const
      await tx
        .insertInto('roleGrant')
        .values([
          { ...role, principalId: group, principalKind: 'group', role: 'write' },
          { ...role, principalId: mara.id, principalKind: 'user', role: 'read' },
        ])
        .execute()
    })
  })
  afterAll(() => test.stop())

  const ask = async (token: string) => await jsonClient(test.url)('GET', '/api/whoami-v2', token)
  const orgs = async (token: string) => (await ask(token)).json<Identity>().orgs
  const requireFactor = (secondFactorRequired: 0 | 1) =>
    test.hub.transaction((tx) =>
      tx.updateTable('organization').set({ secondFactorRequired }).where('id', '=', acme.id).execute(),
    )

  it('tells the role in each organization, and the highest in each workspace', async () => {
    expect(await orgs(mara.token)).toMatchObject([
      {
        type: 'org',
        id: acme.id,
        roleInOrg: 'admin',
        resourceGroups: [{ id: workspace, name: 'routing', role: 'write' }],
      },
    ])
    expect((await orgs(mara.token))[0]).not.toHaveProperty('securityRestrictions')
  })

  it('AUTH-4e: says that an organization asks for a second factor, and nothing of what it keeps from the caller', async () => {
    const machine = await makeServiceAccount(test, acme, 'ci')
    const token = await makeAccountToken(test, acme, machine)
    await requireFactor(1)
    try {
      const [kept] = await orgs(mara.token)
      expect(kept).toMatchObject({ roleInOrg: 'admin', securityRestrictions: ['mfa'] })
      expect(kept).not.toHaveProperty('resourceGroups')
      // No service account has a second factor, and none is asked for one.
      expect((await orgs(token))[0]).not.toHaveProperty('securityRestrictions')
    } finally {
      await requireFactor(0)
    }
  })

  it('AUTH-9: counts strictly, each caller by itself', async () => {
    const machine = await makeServiceAccount(test, acme, 'busy')
    const token = await makeAccountToken(test, acme, machine)
    const statuses: number[] = []
    for (let count = 0; count < 12; count++) statuses.push((await ask(token)).status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(10)
    expect(statuses.at(-1)).toBe(429)
    const other = await makeServiceAccount(test, acme, 'quiet')
    expect((await ask(await makeAccountToken(test, acme, other))).status).toBe(200)
  })
})
