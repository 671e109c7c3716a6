/** The figures of accounting in lists: namespaces of the hub, repos of a namespace. */
import type { Db } from '../../platform/db/database.ts'
import { findUsage, type Usage } from './accounting.ts'
import { selectNamespaces, selectReposOfOwner } from './accounting-queries.ts'

export interface UsageOf {
  readonly id: string
  readonly name: string
  /** Null until it was counted the first time. */
  readonly usage: Usage | null
}

/** In the order of their names, after the one whose key is `after`. */
export async function listNamespaceUsage(
  db: Db,
  after: string,
  limit: number,
): Promise<(UsageOf & { readonly nameKey: string })[]> {
  const rows = await selectNamespaces(db, after, limit)
  return await withUsage(db, rows)
}

/** Living repos in the order of their ids. */
export async function listRepoUsage(
  db: Db,
  ownerId: string,
  after: string,
  limit: number,
): Promise<(UsageOf & { readonly kind: string })[]> {
  const rows = await selectReposOfOwner(db, ownerId, after, limit)
  return await withUsage(
    db,
    rows.map(({ fullName, ...row }) => ({ ...row, name: fullName })),
  )
}

async function withUsage<T extends { readonly id: string }>(
  db: Db,
  rows: readonly T[],
): Promise<(T & { readonly usage: Usage | null })[]> {
  const usage = await findUsage(
    db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => ({ ...row, usage: usage.get(row.id) ?? null }))
}
