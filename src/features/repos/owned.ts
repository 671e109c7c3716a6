/** What an owner has, of all kinds in one list, last changed first: those that the caller may see. */
import { type Facts, repoKinds } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type ListPage, listRepos, readCursor } from './listing.ts'

export async function listOwned(
  hub: Hub,
  facts: Facts,
  owner: string,
  query: {
    readonly search?: readonly string[] | undefined
    readonly limit: number
    readonly cursor?: string | undefined
  },
): Promise<ListPage> {
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor)
  const pages = await Promise.all(
    repoKinds.map((kind) =>
      listRepos(hub, facts, {
        kind,
        author: owner,
        words: query.search,
        orderBy: 'updatedAt',
        direction: 'descending',
        after,
        limit: query.limit,
        wanted: { card: false, config: false },
      }),
    ),
  )
  const rows = pages
    .flatMap((page) => page.rows)
    .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1))
    .slice(0, query.limit)
  const found = pages.reduce((sum, page) => sum + page.rows.length, 0)
  const hasMore = found > rows.length || pages.some((page) => page.next !== null)
  const last = rows.at(-1)
  return { rows, next: hasMore && last !== undefined ? { value: last.updatedAt, id: last.id } : null }
}
