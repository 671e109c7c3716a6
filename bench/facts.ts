/**
 * Loading the facts of a request and deciding, in an organization of 10,000 members, 1,000 groups, 10,000 workspaces and 1,000,000 repos:
 * `node bench/facts.ts [--postgres postgres://...] [--repos N]`. One JSON object per line: `{name, value, unit, target}`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { loadFacts } from '../src/access/load-facts.ts'
import type { Presented } from '../src/access/presented.ts'
import { decide } from '../src/domain/policy.ts'
import { type Db, openDatabase } from '../src/platform/db/database.ts'
import { migrate } from '../src/platform/db/migrate.ts'
import { busyId, fillWorld, hashOf, machineId, memberId, organizationName } from './facts/world.ts'
import { percentile } from './figures.ts'

interface Caller {
  readonly name: string
  readonly presented: Presented
}

const token = (owner: string): Presented => ({ kind: 'token', hash: hashOf('token', owner) })
const session = (owner: string): Presented => ({ kind: 'session', hash: hashOf('session', owner) })
const callers: readonly Caller[] = [
  { name: 'token of a person in 5 groups', presented: token(memberId) },
  { name: 'session of a person in 5 groups', presented: session(memberId) },
  { name: 'token of a service account in 5 groups', presented: token(machineId) },
  { name: 'token of a person in 200 groups', presented: token(busyId) },
]
const goalUs = 40
const warmUps = 5000
const rounds = 5

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { postgres: { type: 'string' }, repos: { type: 'string', default: '1000000' } },
  })
  const repos = Number(values.repos)
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-facts-'))
  try {
    const db = await openDatabase({ url: values.postgres ?? null, folder })
    try {
      await migrate(db)
      const from = performance.now()
      await fillWorld(db, repos)
      console.error(`${repos} repos made in ${((performance.now() - from) / 1000).toFixed(1)} s`)
      for (const caller of callers) await measure(db, caller, repos)
    } finally {
      await db.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function measure(db: Db, { name, presented }: Caller, repos: number): Promise<void> {
  const isPostgres = db.dialect === 'postgres'
  const once = async (): Promise<boolean> => {
    const number = Math.floor(Math.random() * repos)
    const target = { on: 'repo', kind: 'model', namespace: organizationName, name: `repo${number}` } as const
    const { facts } = await loadFacts(db, presented, target, 2)
    return decide('repo.push', facts).allow
  }
  const all = isPostgres ? 2000 : 20_000
  for (let run = 0; run < Math.min(warmUps, all); run++) await once()
  const p50: number[] = []
  const p99: number[] = []
  let allowed = 0
  const sent = statements()
  for (let round = 0; round < rounds; round++) {
    const times: number[] = []
    for (let run = 0; run < all; run++) {
      const from = performance.now()
      if (await once()) allowed++
      times.push((performance.now() - from) * 1000)
    }
    p50.push(percentile(times, 0.5))
    p99.push(percentile(times, 0.99))
  }
  const count = sent.end()
  // Who is let in everywhere, or nowhere, is not who was meant.
  if (allowed === 0 || allowed === all * rounds) throw new Error(`${name}: ${allowed} of ${all * rounds} were allowed.`)
  const dialect = isPostgres ? 'PostgreSQL' : 'SQLite'
  say(`${dialect}: ${name}, p50`, p50, 'us', isPostgres ? null : goalUs)
  say(`${dialect}: ${name}, p99`, p99, 'us', null)
  if (isPostgres) say(`${dialect}: ${name}, statements sent`, [count / (all * rounds)], '', 1)
}

/** Counts what is sent to PostgreSQL. */
function statements(): { end(): number } {
  const { query } = pg.Client.prototype
  let count = 0
  pg.Client.prototype.query = function (this: pg.Client, ...rest: unknown[]) {
    count++
    return Reflect.apply(query, this, rest)
  } as typeof query
  return {
    end: () => {
      pg.Client.prototype.query = query
      return count
    },
  }
}

function say(name: string, values: readonly number[], unit: string, atMost: number | null): void {
  console.log(JSON.stringify({ name, values: values.map((value) => Number(value.toFixed(2))), unit, atMost }))
}

await main()
