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
