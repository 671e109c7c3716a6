/** Fills an empty, migrated database with a world: rows in bulk, indexes and the name index afterwards, as nobody but a benchmark would. */
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import pg from 'pg'
import {
  authorId,
  authorName,
  memberships,
  organizationId,
  organizationOf,
  type RepoSeed,
  repoSeeds,
  userId,
  usersOf,
  type World,
  workspaceId,
} from './world.ts'

type Row = Readonly<Record<string, string | number | null>>

function* namespaces(world: World): Generator<Row> {
  const named = (id: string, kind: string, name: string) => ({ id, kind, name, nameKey: name, createdAt: 0 })
  for (let n = 0; n < usersOf(world); n++) {
    yield named(userId(n), 'user', userId(n) === authorId ? authorName : `user-${n}`)
  }
  for (let n = 0; n <= organizationOf(world.workspaces - 1); n++)
    yield named(organizationId(n), 'organization', `org-${n}`)
}

function* organizations(world: World): Generator<Row> {
  for (let n = 0; n <= organizationOf(world.workspaces - 1); n++) {
    yield { id: organizationId(n), fullname: null, defaultVisibility: 'private', createdAt: 0, createdBy: userId(0) }
  }
}

function* workspaces(world: World): Generator<Row> {
  for (let n = 0; n < world.workspaces; n++) {
    const name = `workspace-${n}`
    yield { id: workspaceId(n), organizationId: organizationId(organizationOf(n)), name, nameKey: name, createdAt: 0 }
  }
}

function* grants(world: World): Generator<Row> {
  for (const each of memberships(world)) {
    yield {
      targetId: each.workspaceId,
      targetKind: 'workspace',
      principalId: each.userId,
      principalKind: 'user',
      role: 'read',
      createdAt: 0,
      createdBy: null,
    }
  }
}

function repoRow(seed: RepoSeed): Row {
  const { tags, task, ...rest } = seed
  return {
    ...rest,
    nameKey: seed.name,
    fullNameKey: seed.fullName,
    creatorId: seed.ownerId,
    headCommit: '0'.repeat(40),
    cardData: JSON.stringify({ license: tags.find((tag) => tag.startsWith('license:'))?.slice(8), tags }),
    tags: JSON.stringify(tags),
    pipelineTag: task,
  }
}

/** The database must be closed meanwhile. */
export function fillSqlite(folder: string, world: World): void {
  const file = new SqliteFile(join(folder, 'holdfast.sqlite'))
  file.pragma('journal_mode = off')
  file.pragma('synchronous = off')
  file.pragma('cache_size = -512000')
  const later = file
    .prepare<[], { type: string; name: string; sql: string }>(
      "select type, name, sql from sqlite_master where sql is not null and tbl_name in ('repo', 'repoTag') and type in ('index', 'trigger')",
    )
    .all()
  for (const { type, name } of later) file.exec(`drop ${type} "${name}"`)
  const insert = (table: string, rows: Iterable<Row>) => {
    let statement: SqliteFile.Statement | null = null
    for (const row of rows) {
      const names = Object.keys(row)
      statement ??= file.prepare(
        `insert into "${table}" (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map(() => '?').join(', ')})`,
      )
      statement.run(...Object.values(row))
    }
  }
  const tag = file.prepare('insert into "repoTag" ("repoId", "kind", "tag") values (?, ?, ?)')
  file.exec('begin')
  insert('namespace', namespaces(world))
  insert('organization', organizations(world))
  insert('workspace', workspaces(world))
  insert('roleGrant', grants(world))
  insert(
    'repo',
    tagged(world, (seed) => {
      for (const each of seed.tags) tag.run(seed.id, seed.kind, each)
    }),
  )
  file.exec(`insert into "repoSearch" ("rowid", "name") select "rowNumber",
    case when "visibility" = 'public' then '+' else '!' end || case "kind" when 'model' then '**' when 'dataset' then '##' else '@@' end
    || "fullNameKey" || '  ' from "repo"`)
  for (const { sql } of later) file.exec(sql)
  file.exec('commit')
  file.exec('analyze')
  file.pragma('journal_mode = wal')
  file.close()
}

/** `also` runs once the row is in. */
function* tagged(world: World, also: (seed: RepoSeed) => void): Generator<Row> {
  for (const seed of repoSeeds(world)) {
    yield repoRow(seed)
    also(seed)
  }
}

const rowsAtOnce = 5000

export async function fillPostgres(url: string, world: World): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
      `select indexname, indexdef from pg_indexes where schemaname = current_schema() and tablename in ('repo', 'repoTag')
       and indexname not like '%pkey%' and indexdef not like 'CREATE UNIQUE%'`,
    )
    for (const { indexname } of indexes) await client.query(`drop index "${indexname}"`)
    const insert = async (table: string, rows: Iterable<Row>) => {
      let batch: Row[] = []
      const flush = async () => {
        const [first] = batch
        if (first === undefined) return
        const names = Object.keys(first).map((name) => `"${name}"`)
        // One JSON text per batch: PostgreSQL makes rows of it with the types of the table.
        await client.query(
          `insert into "${table}" (${names.join(', ')}) select ${names.join(', ')} from json_populate_recordset(null::"${table}", $1)`,
          [JSON.stringify(batch)],
        )
        batch = []
      }
      for (const row of rows) {
        batch.push(row)
        if (batch.length >= rowsAtOnce) await flush()
      }
      await flush()
    }
    await insert('namespace', namespaces(world))
    await insert('organization', organizations(world))
    await insert('workspace', workspaces(world))
    await insert('roleGrant', grants(world))
    await insert(
      'repo',
      tagged(world, () => undefined),
    )
    await insert('repoTag', tagRows(world))
    for (const { indexdef } of indexes) await client.query(indexdef)
    await client.query('analyze')
  } finally {
    await client.end()
  }
}

function* tagRows(world: World): Generator<Row> {
  for (const { id, kind, tags } of repoSeeds(world)) for (const tag of tags) yield { repoId: id, kind, tag }
}
