/** More rows than this come in parts, so that what one statement answers stays small in memory. */
export const mostRows = 10_000
/** Where one id alone has more rows of one key than a page has: the rest, up to so many. */
const mostOfOneKey = 50_000

/**
 * Rows that belong to many ids: where one answer would be too long, those of half of the ids and of the other half; those of a single id in
 * pages by `keyOf`, in whose order `ask` answers from `after` on. Rows with the same key stand together.
 */
export async function inParts<R>(
  ids: readonly string[],
  ask: (some: readonly string[], after: string, limit: number) => Promise<R[]>,
  keyOf: (row: R) => string,
): Promise<R[]> {
  if (ids.length === 0) return []
  const rows = await ask(ids, '', mostRows + 1)
  if (rows.length <= mostRows) return rows
  if (ids.length > 1) {
    const half = ids.length >> 1
    const first = await inParts(ids.slice(0, half), ask, keyOf)
    for (const row of await inParts(ids.slice(half), ask, keyOf)) first.push(row)
    return first
  }
  const all: R[] = []
  for (let page = rows; ; ) {
    const last = page.at(-1)
    if (last === undefined || page.length <= mostRows) {
      all.push(...page)
      return all
    }
    // The last key may go on on the next page: it begins there.
    const whole = page.filter((row) => keyOf(row) !== keyOf(last))
    const end = whole.at(-1)
    if (end === undefined) {
      page = await ask(ids, all.length === 0 ? '' : keyOf(all.at(-1) ?? last), mostOfOneKey)
      all.push(...page)
      return all
    }
    all.push(...whole)
    page = await ask(ids, keyOf(end), mostRows + 1)
  }
}

/** What is at hand already, a slice at a time. */
export function* inSlices<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size)
}
