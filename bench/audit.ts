/**
 * What the event costs a write: the same writes through the same services with the insert of the event and without it, in turns:
 * `node bench/audit.ts [--postgres postgres://...] [--writes N] [--rounds N]`. One JSON object per line: `{name, unit, ours, yardstick}`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { systemOrigin } from '../src/domain/event.ts'
import { plainOrganization } from '../src/domain/facts.ts'
import { systemGrant } from '../src/domain/policy.ts'
import { createUser } from '../src/features/accounts/service.ts'
import { addMember, changeRole } from '../src/features/organizations/membership.ts'
import { createOrganization } from '../src/features/organizations/service.ts'
import { type Hub, openHub } from '../src/hub.ts'
import type { Tx } from '../src/platform/db/database.ts'
import { makeLogger } from '../src/platform/log/logger.ts'
import { median } from './figures.ts'

const reason = 'bench'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      postgres: { type: 'string' },
      writes: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '7' },
    },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-audit-'))
  try {
    const config = readConfig({
      HOLDFAST_DATA: folder,
      ...(values.postgres === undefined ? {} : { HOLDFAST_DATABASE_URL: values.postgres }),
    })
    const hub = await openHub(config, { log: makeLogger({ level: 'silent' }) })
    try {
      await measure(hub, Number(values.writes), Number(values.rounds))
    } finally {
      await hub.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function measure(hub: Hub, writes: number, rounds: number): Promise<void> {
  const dialect = hub.db.dialect === 'postgres' ? 'PostgreSQL' : 'SQLite'
  const silent = withoutEvents(hub)
  const admin = await createUser(hub, systemGrant('user.create', { on: 'instance' }, reason), systemOrigin, {
    name: 'bench-admin',
    email: 'bench@example.org',
    password: null,
    isAdmin: false,
  })
  const organization = await createOrganization(hub, systemGrant('org.create', { on: 'self' }, reason), systemOrigin, {
    name: 'bench',
    fullname: null,
    defaultVisibility: 'private',
    owner: admin,
  })
  // Half of each pair with the event, half without; and as many to warm up.
  const people = await makePeople(hub, 2 * writes * (rounds + 1))
  let next = 0
  const add = async (on: Hub): Promise<void> => {
    const allowed = systemGrant(
      'org.add_user',
      { on: 'organization', name: organization.name, organization: plainOrganization(organization) },
      reason,
    )
    await addMember(on, allowed, systemOrigin, { username: people[next++]?.name ?? '', role: 'read' })
  }
  let changed = 0
  const change = async (on: Hub): Promise<void> => {
    const allowed = systemGrant(
      'org.change_role',
      { on: 'organization', name: organization.name, organization: plainOrganization(organization) },
      reason,
    )
    const username = people[changed++]?.name ?? ''
    await changeRole(on, allowed, systemOrigin, { username, role: 'contributor' })
  }
  for (const [name, write] of [
    ['add a member', add],
    ['change a role', change],
  ] as const) {
    const ours: number[] = []
    const yardstick: number[] = []
    for (let round = -1; round < rounds; round++) {
      const [withEvent, without] = await pairs(
        writes,
        () => write(hub),
        () => write(silent),
      )
      if (round < 0) continue
      ours.push(withEvent)
      yardstick.push(without)
    }
    console.log(JSON.stringify({ name: `${dialect}: ${name}`, unit: 'us', ours, yardstick }))
  }
  await checkEvents(hub, writes * (rounds + 1))
}

/** Medians in microseconds. One by one in turns, so that a slow second hits both. */
async function pairs(writes: number, one: () => Promise<void>, other: () => Promise<void>): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []]
  for (let write = 0; write < 2 * writes; write++) {
    // One, other, other, one: neither is always the first after a checkpoint.
    const side = ((write >> 1) + write) % 2 === 0 ? 0 : 1
    const from = performance.now()
    await (side === 0 ? one : other)()
    times[side].push((performance.now() - from) * 1000)
  }
  return [median(times[0]), median(times[1])]
}

async function makePeople(hub: Hub, count: number): Promise<{ id: string; name: string }[]> {
  const people = Array.from({ length: count }, (_, number) => ({ id: hub.clock.id(), name: `person-${number}` }))
  for (let at = 0; at < count; at += 500) {
    await hub.transaction(async (tx) => {
      const some = people.slice(at, at + 500)
      await tx
        .insertInto('namespace')
        .values(some.map(({ id, name }) => ({ id, kind: 'user' as const, name, nameKey: name, createdAt: 0 })))
        .execute()
      await tx
        .insertInto('user')
        .values(
          some.map(({ id }) => ({
            id,
            fullname: null,
            passwordHash: null,
            passwordChangedAt: null,
            isAdmin: 0,
            state: 'active' as const,
            createdAt: 0,
            secondFactorAt: null,
          })),
        )
        .execute()
    })
  }
  return people
}

/** The hub as it is, but the insert of an event does nothing. */
function withoutEvents(hub: Hub): Hub {
  const transaction: Hub['transaction'] = (fn) =>
    hub.transaction((tx) => {
      const executeQuery: Tx['executeQuery'] = (query, options) => {
        const compiled = 'compile' in query ? query.compile() : query
        return compiled.sql.startsWith('insert into "event"')
          ? Promise.resolve({ rows: [] })
          : tx.executeQuery(query, options)
      }
      const without: Tx = new Proxy(tx, {
        get: (target, key) => {
          if (key === 'executeQuery') return executeQuery
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      return fn(without)
    })
  return { ...hub, transaction }
}

/** Nothing is measured where the one side wrote no events, or the other did. */
async function checkEvents(hub: Hub, writes: number): Promise<void> {
  for (const action of ['org.add_user', 'org.change_role']) {
    const rows = await hub.db.read.selectFrom('event').select('id').where('action', '=', action).execute()
    if (rows.length !== writes) throw new Error(`${rows.length} events of ${action} in place of ${writes}.`)
  }
}

await main()
