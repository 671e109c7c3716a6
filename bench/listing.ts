/**
 * Lists of repos at 10,000 and at 1,000,000 rows: `node bench/listing.ts [--postgres postgres://...] [--repos N]`. One JSON object per line:
 * `{name, value, unit, target}`. A page of 30 must come within 20 ms, and within 3 times its time on the small hub.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type RepoListQuery, type Viewer, visibleRepos } from '../src/access/visible-repos.ts'
import { listRepoRows } from '../src/features/repos/queries.ts'
import { type Db, openDatabase } from '../src/platform/db/database.ts'
import { migrate } from '../src/platform/db/migrate.ts'
import { median } from './figures.ts'
import { fillPostgres, fillSqlite } from './listing/fill.ts'
import { authorId, manyPlacesId, memberId, worldOf } from './listing/world.ts'

interface Case {
  readonly name: string
  readonly viewer: Viewer
  readonly query: Partial<RepoListQuery>
  /** Cases beyond the five are reported without a goal. */
  readonly isExtra?: true
}

const nobody: Viewer = { principal: { kind: 'anonymous' }, credential: null }
const person = (id: string): Viewer => ({
  principal: { kind: 'user', id, name: 'm', fullname: null, isAdmin: false, hasSecondFactor: false },
  credential: { kind: 'session', id: 's', isFresh: true },
})

const cases: readonly Case[] = [
  { name: 'anonymous newest', viewer: nobody, query: {} },
  { name: 'a member who sees 200', viewer: person(memberId), query: { kind: 'dataset' } },
  { name: 'a common word', viewer: nobody, query: { words: ['bert'] } },
  { name: 'no hit', viewer: nobody, query: { words: ['zyzzyva'] } },
  { name: 'by author', viewer: nobody, query: { ownerId: authorId } },
  { name: 'a member of 200 workspaces', viewer: person(manyPlacesId), query: { kind: 'dataset' }, isExtra: true },
  {
    name: 'a member, a common word',
    viewer: person(memberId),
    query: { kind: 'dataset', words: ['bert'] },
    isExtra: true,
  },
  { name: 'a member, no hit', viewer: person(memberId), query: { kind: 'dataset', words: ['zyzzyva'] }, isExtra: true },
  { name: 'no hit, of common trigrams', viewer: nobody, query: { words: ['bert-bert'] }, isExtra: true },
  { name: 'no hit, two letters', viewer: nobody, query: { words: ['qj'] }, isExtra: true },
  { name: 'one hit', viewer: nobody, query: { words: ['-2n9'] }, isExtra: true },
  { name: 'a word of old repos only', viewer: nobody, query: { words: ['relic'] }, isExtra: true },
  { name: 'a tag that a quarter has', viewer: nobody, query: { tags: ['license:mit'] }, isExtra: true },
  { name: 'two tags', viewer: nobody, query: { tags: ['license:mit', 'fill-mask'] }, isExtra: true },
  { name: 'a tag that nobody has', viewer: nobody, query: { tags: ['license:none'] }, isExtra: true },
  { name: 'most downloaded', viewer: nobody, query: { orderBy: 'downloads' }, isExtra: true },
  {
    name: 'far down the newest',
    viewer: nobody,
    query: { after: { value: 1_605_000_000_000, id: '0' } },
    isExtra: true,
  },
]

const smallHub = 10_000
const warmUps = 3
const runs = 25

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { postgres: { type: 'string' }, repos: { type: 'string', default: '1000000' } },
  })
  const largeHub = Number(values.repos)
  const dialect = values.postgres === undefined ? 'SQLite' : 'PostgreSQL'
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-listing-'))
  try {
    const small = await measure(smallHub, values.postgres, folder)
    const large = await measure(largeHub, values.postgres, folder)
    for (const { name, isExtra } of cases) {
      const time = large.get(name) ?? Number.NaN
      const before = small.get(name) ?? Number.NaN
      const goals = isExtra === undefined && values.postgres === undefined
      say(`${dialect}: ${name}, ${largeHub} repos`, time, 'ms', goals ? '<= 20' : null)
      say(`${dialect}: ${name}, compared with ${smallHub} repos`, time / before, 'x', goals ? '<= 3' : null)
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function say(name: string, value: number, unit: string, target: string | null): void {
  console.log(JSON.stringify({ name, value: Number(value.toFixed(2)), unit, target }))
}

async function measure(repos: number, postgres: string | undefined, parent: string): Promise<Map<string, number>> {
  const startedAt = performance.now()
  const { db, remove } = await prepare(repos, postgres, path.join(parent, String(repos)))
  console.error(`${repos} repos made in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  try {
    const times = new Map<string, number>()
    for (const { name, viewer, query } of cases) times.set(name, await timeOf(db, viewer, query))
    return times
  } finally {
    await db.close()
    await remove()
  }
}

async function timeOf(db: Db, viewer: Viewer, query: Partial<RepoListQuery>): Promise<number> {
  const once = async () => {
    const positions = await visibleRepos(db, viewer, {
      kind: 'model',
      orderBy: 'createdAt',
      direction: 'descending',
      limit: 30,
      now: Date.now(),
      ...query,
    })
    const ids = positions.map(({ id }) => id)
    await listRepoRows(db, ids, { card: false, config: false })
  }
  for (let run = 0; run < warmUps; run++) await once()
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now()
    await once()
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

async function prepare(
  repos: number,
  postgres: string | undefined,
  folder: string,
): Promise<{ db: Db; remove: () => Promise<void> }> {
  const options = { url: null, folder }
  if (postgres === undefined) {
    const empty = await openDatabase(options)
    await migrate(empty)
    await empty.close()
    fillSqlite(folder, worldOf(repos))
    return { db: await openDatabase(options), remove: () => rm(folder, { recursive: true, force: true }) }
  }
  const schema = `bench_listing_${repos}`
  await administer(postgres, `drop schema if exists ${schema} cascade; create schema ${schema}`)
  const url = new URL(postgres)
  url.searchParams.set('options', `-c search_path=${schema}`)
  const db = await openDatabase({ url: url.toString(), folder })
  await migrate(db)
  await fillPostgres(url.toString(), worldOf(repos))
  return { db, remove: () => administer(postgres, `drop schema ${schema} cascade`) }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

await main()
