/** Idea 19: whatever the file, the organization is as it says afterwards, and the earlier file leads back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemOrigin } from '../../domain/event.ts'
import { nameKey } from '../../domain/names.ts'
import { roles } from '../../domain/role.ts'
import { addMember } from '../organizations/service.ts'
import { type AccessDocument, lexemesOf, mostLexemes, readDocument } from './document.ts'
import { applyAccess, exportAccess, operatorOf, planAccess, writeDocument } from './service.ts'
import type { Organization } from './world.ts'

type Full = Required<AccessDocument>

/** Reproducible: a failure names its seed. */
function dice(seed: number) {
  let state = seed
  const roll = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    one: <T>(of: readonly T[]): T => of[Math.floor(roll() * of.length)] as T,
    some: <T>(of: readonly T[]): T[] => of.filter(() => roll() < 0.5),
    is: (likely: number): boolean => roll() < likely,
  }
}
type Dice = ReturnType<typeof dice>

const people = ['Ada', 'bob', 'cleo', 'Dan', 'eve', 'passing']
const groupNames = ['Crew', 'Night shift', 'a.b', 'Ünal']
const placeNames = ['Research', 'prod.eu', 'Open', '2']
const accountNames = ['ci', 'Deploy bot', 'x.y']

/** As somebody writes it, with every list in it. */
function anyDocument(d: Dice, organization: string): Full {
  const spelled = (name: string): string => (d.is(0.2) ? name.toUpperCase() : name)
  const members = Object.fromEntries([
    ['boss', 'admin' as const],
    ...d.some(people).map((name) => [spelled(name), d.one(roles)] as const),
  ])
  const accounts = d.some(accountNames)
  const inGroups = [...Object.keys(members), ...accounts.map((name) => `service-account:${name}`)]
  const groups = d.some(groupNames)
  const given = (names: readonly string[]) => Object.fromEntries(d.some(names).map((name) => [name, d.one(roles)]))
  const description = () => d.one([{}, { description: null }, { description: '' }, { description: ' Of the night ' }])
  return {
    version: 1,
    organization,
    settings: {
      defaultRole: d.one(['no_access', 'read', 'contributor', 'write']),
      secondFactorRequired: d.is(0.5),
      workspaceCreation: d.one(['read', 'contributor', 'write', 'admin']),
      membersVisibility: d.one(['members', 'public']),
    },
    tokenPolicy: {
      policy: d.one(['any', 'fine_grained', 'approval']),
      mostTokenDays: d.one([null, 1, 90]),
      classicTokensAdminister: d.is(0.5),
    },
    members,
    groups: Object.fromEntries(
      groups.map((name) => [
        name,
        {
          ...description(),
          members: Object.fromEntries(d.some(inGroups).map((who) => [who, d.one(['member', 'manager'] as const)])),
        },
      ]),
    ),
    workspaces: Object.fromEntries(
      d.some(placeNames).map((name) => [
        spelled(name),
        {
          ...description(),
          autoJoin: d.is(0.4) ? { scope: d.one(['all', 'read_plus']), role: d.one(['read', 'write']) } : null,
          members: given(Object.keys(members)),
          groups: given(groups),
          serviceAccounts: given(accounts),
        },
      ]),
    ),
    serviceAccounts: Object.fromEntries(
      accounts.map((name) => [
        name,
        {
          role: d.one(roles),
          expiresAt: d.one([null, '2099-01-01T00:00:00+02:00', '2098-06-01T12:00:00.000Z']),
          disabled: d.is(0.3),
        },
      ]),
    ),
  }
}

/** What an export says where somebody wrote this: names as they are stored, moments in one form, and no empty descriptions. */
function normal(document: AccessDocument): unknown {
  const inCase = (value: unknown): unknown =>
    typeof value !== 'object' || value === null
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .filter(([key, each]) => key !== 'description' || (typeof each === 'string' && each.trim() !== ''))
            .map(([key, each]) => [
              nameKey(key),
              key === 'description' ? String(each).trim() : inCase(momentOf(key, each)),
            ]),
        )
  return inCase(document)
}

const momentOf = (key: string, value: unknown): unknown =>
  key === 'expiresAt' && typeof value === 'string' ? Date.parse(value) : value

// An organization that exports a file which nobody can read again is not backed up by it.
test.each([
  ['members', (n: number) => ({ members: { [`user-${n}`]: 'read' } })],
  ['groups', (n: number) => ({ groups: { [`group ${n}`]: { description: 'a\nb: "c" #d', members: {} } } })],
  [
    'workspaces',
    (n: number) => ({
      workspaces: {
        [`place ${n}`]: {
          description: 'a\nb: "c" #d',
          autoJoin: { scope: 'all', role: 'read' },
          members: {},
          groups: {},
          serviceAccounts: {},
        },
      },
    }),
  ],
  [
    'serviceAccounts',
    (n: number) => ({
      serviceAccounts: { [`: ${n}`]: { role: 'read', expiresAt: '2099-01-01T00:00:00.000Z', disabled: false } },
    }),
  ],
] as const)('idea 19: as many %s as are exported are read', (section, make) => {
  const entry = ({ members: 'role', groups: 'group', workspaces: 'workspace', serviceAccounts: 'account' } as const)[
    section
  ]
  const count = Math.floor(mostLexemes / lexemesOf[entry]) - 10
  const parts = Array.from({ length: count }, (_, n) => Object.entries(Object.values(make(n))[0] ?? {})[0] ?? ['', {}])
  const document = {
    version: 1,
    organization: 'acme',
    [section]: Object.fromEntries(parts),
  } as unknown as AccessDocument
  expect(Object.keys(readDocument(writeDocument(document))[section] ?? {})).toHaveLength(count)
})

describe.each(dialects)('files that are applied, on %s', (dialect) => {
  let at: TestHub
  beforeAll(async () => {
    at = await startHub({ dialect })
    await makeUser(at, 'boss')
    for (const name of people) await makeUser(at, name)
  }, 60_000)
  afterAll(() => at.stop())

  const apply = async (organization: Organization, document: AccessDocument) => {
    const actor = operatorOf(organization, systemOrigin, 'tests')
    const source = writeDocument(document)
    const plan = await planAccess(at.hub, organization, source, actor)
    expect(plan).toMatchObject({ unknown: [], problems: [], warnings: [] })
    await applyAccess(at.hub, organization, source, actor, { digest: plan.digest, leavesAdministration: false })
    const after = await planAccess(at.hub, organization, source, actor)
    expect(after.changes).toEqual([])
    return plan
  }

  test('idea 19: after it is applied the export is the file, its plan is empty, and the earlier export leads back', async () => {
    let changes = 0
    const worlds = 10
    for (let seed = 1; seed <= worlds; seed++) {
      const d = dice(seed)
      const boss = await at.hub.db.read
        .selectFrom('namespace')
        .select('id')
        .where('name', '=', 'boss')
        .executeTakeFirst()
      const organization = await makeOrganization(at, `acme-${dialect}-${seed}`, { id: boss?.id ?? '', name: 'boss' })
      const { may, organization: on } = operatorOf(organization, systemOrigin, 'tests')
      const term = { until: at.hub.clock.now() + 3_600_000, reason: 'looks around' }
      const visitor = { username: 'passing', role: 'read', term } as const
      if (d.is(0.5)) await addMember(at.hub, may('org.add_user', on), systemOrigin, visitor)
      const first = anyDocument(d, organization.name)
      changes += (await apply(organization, first)).changes.length
      const before = await exportAccess(at.hub, organization)
      expect(normal(before), `seed ${seed}`).toEqual(normal(first))
      const second = anyDocument(d, organization.name)
      // Sections that are left out stay: they come with a second file.
      const { settings, tokenPolicy } = second
      if (d.is(0.3)) await apply(organization, { version: 1, organization: organization.name, settings, tokenPolicy })
      changes += (await apply(organization, second)).changes.length
      expect(normal(await exportAccess(at.hub, organization)), `seed ${seed}`).toEqual(normal(second))
      await apply(organization, before)
      expect(await exportAccess(at.hub, organization), `seed ${seed}`).toEqual(before)
    }
    expect(changes).toBeGreaterThan(worlds * 20)
  }, 240_000)
})
