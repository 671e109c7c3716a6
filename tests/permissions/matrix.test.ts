/**
 * The whole permission matrix: every action x role x credential x visibility, decided from facts that were read from real rows, on SQLite
 * and PostgreSQL, printed as one snapshot that is reviewed like code. Two rules are checked on every cell besides: a token never does more
 * than its owner (AUTH-4), and what one may not see looks like what is not there (AUTH-7).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type About, loadFactsAbout } from '../../src/access/explain-facts.ts'
import { loadFacts, type Target } from '../../src/access/load-facts.ts'
import type { Presented } from '../../src/access/presented.ts'
import { denialOf, explain } from '../../src/domain/explain.ts'
import { type Action, permissionRow, permissions } from '../../src/domain/permissions.ts'
import { decide } from '../../src/domain/policy.ts'
import { dialects, makeDatabase, type TestDatabase } from '../support/databases.ts'
import {
  type Fixture,
  isEntrant,
  isMachine,
  isOrganization,
  isStrict,
  now,
  type Person,
  type Place,
  people,
  places,
  seedMatrix,
  type Thing,
} from './matrix-rows.ts'

const actions = Object.keys(permissions) as Action[]
const on = (thing: Thing): Action[] => actions.filter((action) => permissionRow(action).on === thing)

describe.each(dialects)('the permission matrix on %s', (dialect) => {
  let database: TestDatabase
  let fixture: Fixture
  const broken: string[] = []

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    fixture = await seedMatrix(database.db)
  })
  afterAll(() => database.remove())

  /** `+` may; else the status and why. */
  async function outcome(action: Action, presented: Presented, target: Target): Promise<string> {
    const { facts } = await loadFacts(database.db, presented, target, now)
    const decision = decide(action, facts)
    const explained = denialOf(explain(action, facts))
    if (JSON.stringify(explained) !== JSON.stringify(decision.allow ? null : decision.denial)) {
      broken.push(`${action} ${JSON.stringify(target)}: explained as ${JSON.stringify(explained)}`)
    }
    if (decision.allow) return '+'
    const { denial } = decision
    switch (denial.kind) {
      case 'unauthenticated':
        return '401'
      case 'hidden':
        return presented.kind === 'none' ? '401 hidden' : '404'
      case 'forbidden':
        return `403 ${denial.denied.code}`
      case 'scope':
        return `403 ${scopeWord(denial.denied.code)}`
      case 'gated':
        return presented.kind === 'none' ? '401 gated' : `403 ${denial.denied.code.replace('_', ' ')}`
      case 'blocked':
        return '403 blocked'
      case 'restricted':
        return '403 factor'
      case 'stale':
        return '403 stale'
    }
  }

  /** One line: what this person gets with each credential. */
  async function line(
    action: Action,
    person: Person,
    target: Target,
    entity: string | null,
    ownerEntity: string | null,
  ) {
    const credentials: [string, Presented | null][] =
      person === 'anonymous'
        ? [['session', { kind: 'none' }]]
        : fixture.credentials(person, action, entity, ownerEntity)
    const cells = Object.fromEntries(
      await Promise.all(
        credentials.map(
          async ([name, presented]): Promise<[string, string]> => [
            name,
            presented === null ? '.' : await outcome(action, presented, target),
          ],
        ),
      ),
    )
    const widened = Object.entries(cells).find(
      ([, cell]) =>
        cell === '+' &&
        !isOrganization(person) &&
        (isMachine(person) ? cells.inherit : cells.session) !== '+' &&
        !isListedAlone(action, person),
    )
    if (widened !== undefined) {
      broken.push(`${action} ${person} ${JSON.stringify(target)}: ${widened[0]} does more than a session`)
    }
    return cells
  }

  it('is as reviewed', async () => {
    const text: string[] = [
      'The permission matrix, made by tests/permissions/matrix.test.ts from real rows on both databases. Review changes like code.',
      '',
      '`+` may. `401` sign in first. `404` not there, as far as this caller can tell (`401 hidden` for anonymous). `403 role` too weak a',
      'role, `403 scope` the token does not reach it, `403 session` no token can, `403 person` no service account can, `403 factor` the',
      'organization asks for a second factor, `403 stale` the sign-in was too long ago, `401 gated` and `403 gated ...` the gate of a gated repo stays shut, `403 blocked` withheld by an administrator.',
      'Columns: a session (for anonymous: no credential) and an old one (`stale`), classic tokens, `inherit` of service accounts, a fine-grained token that lists nothing, one that lists what is',
      'needed on another entity (`elsewhere`), and one for each permission that helps, on the thing itself or on its owner.',
    ]
    for (const thing of ['instance', 'self', 'namespace', 'organization', 'group', 'workspace', 'repo'] as const) {
      for (const action of on(thing)) {
        const rows = await Promise.all(
          [...linesFor(thing, fixture), ...gateLinesFor(action, fixture)].map(
            async ({ label, person, target, entity, owner }): Promise<[string, Record<string, string>]> => [
              label,
              await line(action, person, target, entity, owner),
            ],
          ),
        )
        text.push('', ...table(action, rows))
      }
    }
    expect(broken).toEqual([])
    await expect(`${text.join('\n')}\n`).toMatchFileSnapshot('snapshots/matrix.md')
  }, 60_000)

  it('idea 1: asked about, an account or a token is what it is when it asks itself', async () => {
    const ids = new Map<string, string>()
    for (const { hash, id } of await database.db.read.selectFrom('accessToken').select(['hash', 'id']).execute())
      ids.set(hash, id)
    const different: string[] = []
    const check = async (action: Action, { person, target, entity, owner }: Line): Promise<void> => {
      if (person === 'anonymous') return
      for (const [name, presented] of fixture.credentials(person, action, entity, owner)) {
        if (presented === null || name === 'stale') continue
        const hash = 'hash' in presented ? presented.hash : ''
        const about: About =
          name === 'session' || name === 'inherit'
            ? { kind: 'account', id: fixture.id(person) }
            : { kind: 'token', id: ids.get(hash) ?? '' }
        const [own, asked] = await Promise.all([
          loadFacts(database.db, presented, target, now),
          loadFactsAbout(database.db, about, target, now),
        ])
        const [mine, theirs] = [own.facts, asked.facts].map((facts) => facts && decide(action, facts))
        if (JSON.stringify(mine) !== JSON.stringify(theirs)) different.push(`${action} ${person} ${name}`)
        if (asked.hurdles.some(({ fault }) => fault !== null)) different.push(`${action} ${person} ${name}: not taken`)
      }
    }
    // One action of each kind of thing, and those with rules of their own; the cells of the others are made of the same facts.
    const chosen: Action[] = [
      'user.list',
      'token.create',
      'repo.create',
      'org.read',
      'org.update_settings',
      'org.group.read',
    ]
    chosen.push(
      'resource_group.settings',
      'repo.read',
      'repo.push',
      'repo.transfer',
      'repo.content.read',
      'repo.access.read',
    )
    for (const action of chosen) {
      const lines = [...linesFor(permissionRow(action).on, fixture), ...gateLinesFor(action, fixture)]
      await Promise.all(lines.map((each) => check(action, each)))
    }
    expect(different).toEqual([])
  }, 60_000)

  it('AUTH-7: who may not see a private repo is answered as for one that is not there, whatever the action', async () => {
    const check = async (action: Action, presented: Presented, place: Place): Promise<void> => {
      const { target } = fixture.repo(place, 'private')
      const missing: Target = { ...target, name: 'not-there' }
      if ((await outcome('repo.read', presented, target)) === '+') return
      expect(await outcome(action, presented, target)).toBe(await outcome(action, presented, missing))
    }
    const checks: [Action, Presented, Place][] = []
    for (const action of on('repo')) {
      for (const person of people) {
        const all: [string, Presented | null][] =
          person === 'anonymous' ? [['none', { kind: 'none' }]] : fixture.credentials(person, action, null, null)
        for (const [, presented] of all) {
          if (presented !== null)
            checks.push(...places.map((place): [Action, Presented, Place] => [action, presented, place]))
        }
      }
    }
    // In turns: a thousand at once wait longer for a connection than they may.
    for (let at = 0; at < checks.length; at += 200)
      await Promise.all(checks.slice(at, at + 200).map((each) => check(...each)))
  }, 60_000)
})

function scopeWord(code: string): string {
  return code === 'session_needed' ? 'session' : code === 'person_needed' ? 'person' : 'scope'
}

interface Line {
  readonly label: string
  readonly person: Person
  readonly target: Target
  /** What a fine-grained token would list for the thing itself, and for its owner. */
  readonly entity: string | null
  readonly owner: string | null
}

const ordinary = people.filter((person) => !isEntrant(person))

function linesFor(thing: Thing, fixture: Fixture): Line[] {
  switch (thing) {
    case 'instance':
    case 'self':
      return (['anonymous', 'outsider', 'hub admin', 'machine admin', 'the organization itself'] as const).map(
        (person) => ({
          label: person,
          person,
          target: { on: thing },
          entity: null,
          owner: null,
        }),
      )
    case 'organization':
      return ordinary.map((person) => ({
        label: person,
        person,
        target: { on: 'organization', name: isStrict(person) ? 'strict' : 'acme' },
        entity: isStrict(person) ? fixture.strict : fixture.organization,
        owner: null,
      }))
    case 'namespace':
      return [
        ...ordinary.map(
          (person): Line => ({
            label: `${person}, in the organization`,
            person,
            target: { on: 'namespace', name: isStrict(person) ? 'strict' : 'acme' },
            entity: isStrict(person) ? fixture.strict : fixture.organization,
            owner: null,
          }),
        ),
        ...ordinary
          .filter((person) => !isStrict(person))
          .map(
            (person): Line => ({
              label: `${person}, in the workspace`,
              person,
              target: { on: 'namespace', name: 'acme', workspaceId: fixture.workspace },
              entity: fixture.workspace,
              owner: fixture.organization,
            }),
          ),
        {
          label: 'owner, in the own namespace',
          person: 'owner',
          target: { on: 'namespace', name: 'owner' },
          entity: fixture.id('owner'),
          owner: null,
        },
        {
          label: "outsider, in somebody else's namespace",
          person: 'outsider',
          target: { on: 'namespace', name: 'owner' },
          entity: fixture.id('owner'),
          owner: null,
        },
      ]
    case 'group':
    case 'workspace':
      return ordinary.map((person) => ({
        label: person,
        person,
        target: { on: thing, organization: 'acme', id: fixture[thing] },
        entity: thing === 'workspace' ? fixture.workspace : fixture.organization,
        owner: fixture.organization,
      }))
    case 'repo':
      return places.flatMap((place) =>
        (['public', 'private', 'disabled'] as const).flatMap((visibility) =>
          ordinary
            .filter((person) => isInteresting(place, person, visibility))
            .map((person): Line => {
              const repo = fixture.repo(place, visibility)
              return {
                label: `${place}, ${visibility}, ${person}`,
                person,
                target: repo.target,
                entity: repo.id,
                owner: repo.ownerId,
              }
            }),
        ),
      )
  }
}

/** Before the gate of a gated repo, where the action is about its content or about who gets it. */
function gateLinesFor(action: Action, fixture: Fixture): Line[] {
  if (permissionRow(action).behindGate !== true) return []
  return places.flatMap((place) =>
    (['gated', 'members gated'] as const).flatMap((visibility) =>
      people
        .filter((person) => isEntrant(person) || isInteresting(place, person, visibility))
        .filter((person) => !isEntrant(person) || place === 'organization')
        .map((person): Line => {
          const repo = fixture.repo(place, visibility)
          const label = `${place}, ${visibility}, ${person}`
          return { label, person, target: repo.target, entity: repo.id, owner: repo.ownerId }
        }),
    ),
  )
}

/** What a token of a service account has to list, an inheriting one does not carry (SA-11). */
function isListedAlone(action: Action, person: Person): boolean {
  return isMachine(person) && permissionRow(action).listed === true
}

/** Workspace people matter in workspaces, the owner in the own namespace; a disabled repo says the same everywhere. */
function isInteresting(place: Place, person: Person, visibility: string): boolean {
  if (visibility === 'disabled') return place === 'organization' && ['anonymous', 'read', 'admin'].includes(person)
  if (isStrict(person) || place === 'strict') {
    return place === 'strict' && (isStrict(person) || person === 'anonymous' || person === 'outsider')
  }
  if (isEntrant(person)) return false
  if (person === 'owner') return place === 'own namespace'
  if (person === 'granted') return place === 'own namespace'
  if (/workspace|group/.test(person)) return place === 'workspace'
  if (place === 'own namespace') return ['anonymous', 'outsider', 'admin', 'hub admin'].includes(person)
  return true
}

function table(action: Action, rows: readonly [string, Record<string, string>][]): string[] {
  const row = permissionRow(action)
  const least = row.leastOnOwnRepo === undefined ? row.least : `${row.least}, or ${row.leastOnOwnRepo} on own repos`
  const token =
    typeof row.token === 'string'
      ? row.token
      : `${row.token.classic}; ${row.token.fineGrained.join(' or ') || 'no fine-grained one'}`
  const columns = [...new Set(rows.flatMap(([, cells]) => Object.keys(cells)))]
  const lines = rows.map(([label, cells]) => [label, ...columns.map((column) => cells[column] ?? '')])
  const widths = ['who', ...columns].map((head, index) =>
    Math.max(head.length, ...lines.map((each) => each[index]?.length ?? 0)),
  )
  const print = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  return [
    `## ${action}: ${row.title}`,
    '',
    `Least: ${least}${row.openWherePublic ? '; open where public' : ''}. Token: ${token}.`,
    '',
    print(['who', ...columns]),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...lines.map(print),
  ]
}
