/**
 * What is drawn by lot in each call. The library draws for all calls from one source, which a seed would set for whoever draws next: others' answers
 * could be told beforehand, and one's own would not come again while others run. So a call with a seed has a source of its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { NotTheModels } from './faults.ts'
import type { Library, RandomSource } from './library.ts'

const ownSource = new AsyncLocalStorage<RandomSource>()
const separated = new WeakSet<object>()

/** Null: whatever comes. Throws `NotTheModels` where the library cannot keep to a seed. */
export async function withSeed<T>(library: Library, seed: number | null, work: () => Promise<T>): Promise<T> {
  if (seed === null) return await work()
  const { Random } = library.random ?? {}
  if (Random === undefined || !separate(Random.prototype))
    throw new NotTheModels('"seed": the library that runs models on this hub cannot keep to one.')
  return await ownSource.run(new Random(seed), work)
}

/** False where it draws in another way than is known here. */
function separate(all: RandomSource): boolean {
  if (separated.has(all)) return true
  const { _int32: draw } = all
  if (typeof draw !== 'function') return false
  all._int32 = function (this: RandomSource): number {
    return draw.call(ownSource.getStore() ?? this)
  }
  separated.add(all)
  return true
}
