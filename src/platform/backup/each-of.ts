/** Work on a list of any length, a few items at a time: memory holds those few and no more. */

/** Runs `work` on every item, at most `limit` at once. The first failure ends it, after what was begun has ended. */
export async function eachOf<T>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | null = null
  try {
    for await (const item of items) {
      signal?.throwIfAborted()
      if (failure !== null) break
      const one: Promise<void> = work(item)
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => running.delete(one))
      running.add(one)
      if (running.size >= limit) await Promise.race(running)
    }
  } finally {
    await Promise.all(running)
  }
  // The type system does not see that a callback may have set it.
  const failed = failure as { readonly error: unknown } | null
  if (failed !== null) throw failed.error
}

/** What `work` gives for each item, in the order of the items. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = []
  try {
    for await (const item of items) {
      const one = work(item)
      // Looked at when its turn comes; a failure before that must not count as unhandled.
      one.catch(() => undefined)
      pending.push(one)
      const first = pending.length >= limit ? pending.shift() : undefined
      if (first !== undefined) yield await first
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) yield await next
  } finally {
    await Promise.allSettled(pending)
  }
}

/** Joins lists that are each in ascending order of `keyOf` to one, with the items of one key together. Throws where one is not in order. */
export async function* mergeSorted<T>(
  lists: readonly AsyncIterable<T>[],
  keyOf: (item: T) => string,
): AsyncGenerator<{ readonly key: string; readonly items: readonly { readonly list: number; readonly item: T }[] }> {
  const heads: { list: number; item: T; rest: AsyncIterator<T> }[] = []
  try {
    for (const [list, items] of lists.entries()) {
      const rest = items[Symbol.asyncIterator]()
      const first = await rest.next()
      if (first.done !== true) heads.push({ list, item: first.value, rest })
    }
    while (heads.length > 0) {
      const key = heads.map((head) => keyOf(head.item)).toSorted()[0] ?? ''
      const here = heads.filter((head) => keyOf(head.item) === key)
      yield { key, items: here.map(({ list, item }) => ({ list, item })) }
      for (const head of here) {
        const next = await head.rest.next()
        if (next.done === true) heads.splice(heads.indexOf(head), 1)
        else if (keyOf(next.value) <= key) throw new Error(`A list is not in order: ${keyOf(next.value)} after ${key}.`)
        else head.item = next.value
      }
    }
  } finally {
    for (const head of heads) await head.rest.return?.()
  }
}
