/** Ids in their order, a slice at a time. */
import { sliceSize } from './queries.ts'

/** The next ids after one; `''`: the first. */
export type Ids = (after: string) => Promise<string[]>

export async function* slicesOf(ids: Ids): AsyncGenerator<readonly string[]> {
  let last = ''
  for (;;) {
    const slice = await ids(last)
    if (slice.length > 0) yield slice
    if (slice.length < sliceSize) return
    last = slice.at(-1) ?? ''
  }
}

/**
 * What `load` makes of each slice, in their order. While one is being used, or waited for, the next is being loaded: the database works meanwhile. No more
 * than one: memory does not grow with how slow the use is.
 */
export async function* loadedAhead<T>(
  slices: AsyncIterable<readonly string[]>,
  load: (ids: readonly string[]) => Promise<T>,
): AsyncGenerator<T> {
  let coming: Promise<T> | null = null
  try {
    for await (const ids of slices) {
      const before: Promise<T> | null = coming
      coming = load(ids)
      // Told when it is its turn.
      coming.catch(() => undefined)
      if (before !== null) yield await before
    }
    if (coming !== null) yield await coming
  } finally {
    // Who leaves early leaves nothing that still reads.
    await coming?.catch(() => undefined)
  }
}
