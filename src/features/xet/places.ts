/**
 * Bounds how much heavy work of one kind is under way, and how much of it for one caller. Who finds no place waits, without sending on:
 * nothing is read meanwhile. Who would wait too long is told to come back; the clients do.
 */
import { HoldfastError } from '../../domain/errors.ts'

export interface PlacesOptions {
  readonly count: number
  readonly perCaller: number
  /** How many may wait. */
  readonly waiting: number
  readonly waitMs: number
}

export interface Places {
  /** Waits for a place; what it gives frees it (again and again is fine). Throws `busy`, or the signal's reason. */
  enter(caller: string, signal: AbortSignal): Promise<() => void>
}

interface Waiting {
  readonly caller: string
  readonly admit: () => void
}

export function places({ count, perCaller, waiting, waitMs }: PlacesOptions): Places {
  const queue = new Set<Waiting>()
  const taken = new Map<string, number>()
  let total = 0

  const hasRoom = (caller: string): boolean => total < count && (taken.get(caller) ?? 0) < perCaller
  const take = (caller: string): (() => void) => {
    total++
    taken.set(caller, (taken.get(caller) ?? 0) + 1)
    let isFree = false
    return () => {
      if (isFree) return
      isFree = true
      total--
      const left = (taken.get(caller) ?? 1) - 1
      if (left === 0) taken.delete(caller)
      else taken.set(caller, left)
      admitNext()
    }
  }
  const admitNext = (): void => {
    for (const next of queue) {
      if (total >= count) return
      if (!hasRoom(next.caller)) continue
      queue.delete(next)
      next.admit()
    }
  }

  return {
    async enter(caller, signal) {
      signal.throwIfAborted()
      if (hasRoom(caller)) return take(caller)
      if (queue.size >= waiting) throw busy()
      return await new Promise<() => void>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', onAbort)
          queue.delete(entry)
        }
        const entry: Waiting = {
          caller,
          admit: () => {
            end()
            resolve(take(caller))
          },
        }
        const onAbort = (): void => {
          end()
          reject(signal.reason)
        }
        const timer = setTimeout(() => {
          end()
          reject(busy())
        }, waitMs)
        signal.addEventListener('abort', onAbort, { once: true })
        queue.add(entry)
      })
    },
  }
}

function busy(): HoldfastError {
  return new HoldfastError('busy', {}, { headers: { 'retry-after': '5' } })
}
