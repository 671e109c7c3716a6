/**
 * Words and tags that narrow a list of repos: as conditions on each row, and as the quickest way to the few rows that meet them. An index
 * only proposes; the conditions decide, so both dialects find the same.
 */
import { type RawBuilder, sql } from 'kysely'
import type { RepoKind } from '../domain/facts.ts'
import type { Db } from '../platform/db/database.ts'
import type { DialectName } from '../platform/db/kysely-handle.ts'

export interface Narrowing {
  readonly kind: RepoKind
  /** Each stands somewhere in `owner/name`, lower case. */
  readonly words?: readonly string[]
  /** All of them. */
  readonly tags?: readonly string[]
  readonly pipelineTag?: string | undefined
  /** Only those whose files one has to ask for, or only the others. */
  readonly isGated?: boolean | undefined
  /** Only models that a server answers for. */
  readonly isServed?: true | undefined
}

type Fragment = RawBuilder<unknown>

/** True of a row `repo`; null where the list is not narrowed. */
export function narrowingConditions(dialect: DialectName, narrowing: Narrowing): Fragment | null {
  const { words = [], tags = [], pipelineTag, isGated, isServed } = narrowing
  const conditions = [
    ...(isServed === undefined
      ? []
      : [sql`exists (select 1 from "inferenceModel" where "inferenceModel"."repoId" = "repo"."id")`]),
    ...(isGated === undefined ? [] : [isGated ? sql`"repo"."gated" <> 'open'` : sql`"repo"."gated" = 'open'`]),
    ...words.map((word) => contains(dialect, word)),
    ...(pipelineTag === undefined ? [] : [sql`"repo"."pipelineTag" = ${pipelineTag}`]),
    ...tags.map(
      (tag) =>
        sql`exists (select 1 from "repoTag" where "repoTag"."repoId" = "repo"."id" and "repoTag"."tag" = ${tag})`,
    ),
  ]
  return conditions.length === 0 ? null : sql.join(conditions, sql` and `)
}

function contains(dialect: DialectName, word: string): Fragment {
  return dialect === 'postgres'
    ? sql`"repo"."fullNameKey" like ${`%${word.replace(/[\\%_]/g, '\\$&')}%`}`
    : sql`instr("repo"."fullNameKey", ${word}) > 0`
}

export interface Candidates {
  readonly key: 'id' | 'rowNumber'
  /** Selects the key of every row that may meet the conditions, and of others. */
  readonly rows: Fragment
}

/** Null where no index knows anything: nothing but single letters. */
export async function candidates(db: Db, narrowing: Narrowing, isPublic: boolean): Promise<Candidates | null> {
  const byWord = db.dialect === 'postgres' ? postgresWords(narrowing, isPublic) : sqliteWords(narrowing, isPublic)
  if (byWord !== null) return byWord
  const { tags = [], pipelineTag, isGated, kind } = narrowing
  const every = pipelineTag === undefined ? tags : [...tags, pipelineTag]
  const tag = every.length < 2 ? every[0] : await rarest(db, narrowing.kind, every)
  if (tag === undefined) {
    if (narrowing.isServed) return { key: 'id', rows: sql`select "repoId" as "id" from "inferenceModel"` }
    if (isGated !== true) return null
    return { key: 'id', rows: sql`select "id" from "repo" where "kind" = ${kind} and "gated" <> 'open'` }
  }
  const rows = sql`select "repoId" as "id" from "repoTag" where "kind" = ${narrowing.kind} and "tag" = ${tag}`
  return { key: 'id', rows }
}

const countAtMost = 5000

async function rarest(db: Db, kind: RepoKind, tags: readonly string[]): Promise<string | undefined> {
  const counts = tags.map(
    (tag) =>
      sql`select ${tag} as "tag", (select count(*) from (select 1 from "repoTag" where "kind" = ${kind} and "tag" = ${tag} limit ${countAtMost}) as "some") as "count"`,
  )
  const { rows } = await sql<{ tag: string; count: number }>`${sql.join(counts, sql` union all `)}`.execute(db.list)
  return rows.reduce<{ tag?: string; count: number }>((least, row) => (Number(row.count) < least.count ? row : least), {
    count: Number.POSITIVE_INFINITY,
  }).tag
}

/** Signs that stand before a name in the index and in no name: kind, and whether it is public (0001-foundation.ts). */
const kindSigns: Readonly<Record<RepoKind, string>> = { model: '**', dataset: '##', space: '@@' }
/** What can follow two letters of a name; the blank stands for its end. */
const afterTwo = [...'abcdefghijklmnopqrstuvwxyz0123456789._-/ ']
const trigramsAtMost = 24

function sqliteWords({ words = [], kind }: Narrowing, isPublic: boolean): Candidates | null {
  const parts = words.flatMap((word) => {
    const letters = [...word]
    if (letters.length === 2) return [`(${afterTwo.map((letter) => quoted(word + letter)).join(' OR ')})`]
    return trigrams(letters).map(quoted)
  })
  if (parts.length === 0) return null
  const query = [quoted((isPublic ? '+' : '!') + kindSigns[kind]), ...parts].join(' AND ')
  return {
    key: 'rowNumber',
    rows: sql`select "rowid" as "rowNumber" from "repoSearch" where "repoSearch" match ${query}`,
  }
}

function trigrams(letters: readonly string[]): string[] {
  const found = new Set<string>()
  for (let at = 0; at + 3 <= letters.length && found.size < trigramsAtMost; at++) {
    found.add(letters.slice(at, at + 3).join(''))
  }
  return [...found]
}

function quoted(token: string): string {
  return `"${token.replaceAll('"', '""')}"`
}

/** pg_trgm needs three letters to know anything. */
function postgresWords({ words = [], kind }: Narrowing, isPublic: boolean): Candidates | null {
  const long = words.filter((word) => word.length >= 3)
  if (long.length === 0) return null
  const visibility = isPublic ? sql`"repo"."visibility" = 'public'` : sql`"repo"."visibility" <> 'public'`
  const conditions = sql.join(
    long.map((word) => contains('postgres', word)),
    sql` and `,
  )
  return {
    key: 'id',
    rows: sql`select "repo"."id" from "repo"
      where "repo"."kind" = ${kind} and ${visibility} and "repo"."deletedAt" is null and ${conditions}`,
  }
}
