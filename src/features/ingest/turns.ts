/**
 * One mover of refs per repository at a time. From the intent until it is settled nobody else moves a ref of the repo,
 * so at most one intent per ref is open, and what a ref holds tells whether its move happened.
 */
import { HoldfastError } from '../../domain/errors.ts'

const lastTurn = new Map<string, Promise<void>>()
const waitMs = 120_000

/** Waits for the turn; the returned function ends it (again and again is fine). Throws `busy` after two minutes. */
export async function takeTurn(repoId: string): Promise<() => void> {
  const before = lastTurn.get(repoId) ?? Promise.resolve()
  let end: () => void = () => undefined
  const mine = new Promise<void>((resolve) => {
    end = resolve
  })
  const chain = before.then(() => mine)
  lastTurn.set(repoId, chain)
  chain.then(() => {
    if (lastTurn.get(repoId) === chain) lastTurn.delete(repoId)
  })
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HoldfastError('busy')), waitMs)
  })
  try {
    await Promise.race([before, overdue])
  } catch (error) {
    end()
    throw error
  } finally {
    clearTimeout(timer)
  }
  return end
}

/** Does `work` in its turn. */
export async function inTurn<T>(repoId: string, work: () => Promise<T>): Promise<T> {
  const end = await takeTurn(repoId)
  try {
    return await work()
  } finally {
    end()
  }
}
