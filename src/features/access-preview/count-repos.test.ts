/** Repos are counted by what they are, in answers that are not too long, and none is lost or counted twice between two of them. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { mostRows } from './in-parts.ts'
import { countRepos } from './queries.ts'

/** So many people have created one repo each in the first workspace, and as many in none: more sorts than one answer has. */
const creators = mostRows + 50

describe.each(dialects)('repos counted by what they are on %s', (dialect) => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    const fill = (workspace: string | null, owner: string, count: number) =>
      database.db.transaction(
        async (tx) => {
          await sql`insert into "repo" ("id", "kind", "ownerId", "name", "nameKey", "fullName", "fullNameKey", "visibility", "creatorId", "workspaceId", "createdAt", "updatedAt")
            with recursive "numbers" ("n") as (select 1 union all select "n" + 1 from "numbers" where "n" < ${sql.lit(count)})
            select ${sql.lit(`${owner}${workspace}`)} || "n", 'model', ${sql.lit(owner)}, 'n', ${sql.lit(`${workspace}`)} || "n", 'n', 'n',
              case when "n" % 2 = 0 then 'private' else 'public' end, 'u' || (100000 + "n" / ${sql.lit(workspace === 'w1' ? 1 : 2)}), ${workspace === null ? null : sql.lit(workspace)}, 1, 1
            from "numbers"`.execute(tx)
        },
        { timeLimitMs: 60_000 },
      )
    await fill(null, 'acme', creators)
    await fill('w1', 'acme', creators)
    await fill('w2', 'acme', 7)
    await fill('w3', 'acme', 7)
    await fill('x1', 'other', 30)
  }, 120_000)
  afterAll(() => database?.remove())

  test('idea 9: all repos of an organization are counted, and each once, however many sorts of them there are', async () => {
    const rows = await countRepos(database.db, 'acme', null)
    const keys = rows.map((row) => [row.workspaceId, row.visibility, row.creatorId].join())
    expect(new Set(keys).size).toBe(keys.length)
    const sum = (workspace: string | null) =>
      rows.filter(({ workspaceId }) => workspaceId === workspace).reduce((all, { count }) => all + count, 0)
    expect([null, 'w1', 'w2', 'w3', 'x1'].map(sum)).toEqual([creators, creators, 7, 7, 0])
    expect(rows.length).toBeGreaterThan(2 * mostRows)
  })

  test('idea 9: of some workspaces, those in them alone', async () => {
    const rows = await countRepos(database.db, 'acme', ['w1', 'w3', 'x1'])
    const of = (workspace: string | null) => rows.filter(({ workspaceId }) => workspaceId === workspace).length
    expect([null, 'w1', 'w2', 'w3', 'x1'].map(of)).toEqual([0, creators, 0, 7, 0])
    expect(await countRepos(database.db, 'acme', [])).toEqual([])
  })
})
