/**
 * How much tokens with a limit of bytes take away on a day (idea 11 of behaviours.md, section 4). What is asked for counts, as soon as it is asked for:
 * so a hundred downloads at once take no more than one after the other. What was written down comes with the facts of the request; what was not yet
 * is remembered here, and written in bundles. A crash forgets the last seconds; several processes see what the others took as late.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Credential } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { Flusher } from './flusher.ts'
import { addTaken } from './queries.ts'

interface Pending {
  readonly day: number
  readonly bytes: number
}

const dayMs = 86_400_000
const flushMs = 2_000

/** Throws `token_bytes_used_up` where the token may not take so much today any more. */
export function spendBytes(hub: Hub, credential: Credential | null, bytes: number): void {
  if (credential?.kind !== 'token' || credential.limits.bytesPerDay === null) return
  budgetOf(hub).spend(credential, credential.limits.bytesPerDay, bytes)
}

/** Throws `token_not_by_git`. */
export function refuseUncounted(credential: Credential | null): void {
  if (credential?.kind !== 'token' || credential.limits.bytesPerDay === null) return
  throw new HoldfastError('token_not_by_git')
}

class Budget {
  readonly #hub: Hub
  #pending = new Map<string, Pending>()
  readonly #flusher: Flusher

  constructor(hub: Hub) {
    this.#hub = hub
    const tell = (error: unknown): void => hub.log.error({ error }, 'What tokens took away could not be written down')
    this.#flusher = new Flusher(() => this.#write(), tell, flushMs)
  }

  spend({ id: own, parent, taken }: Extract<Credential, { kind: 'token' }>, most: number, bytes: number): void {
    // Children take of what their parent has: many of them have no more than it.
    const id = parent?.id ?? own
    const day = Math.floor(this.#hub.clock.now() / dayMs)
    const pending = this.#pending.get(id)
    const waiting = pending?.day === day ? pending.bytes : 0
    const left = most - waiting - (taken?.day === day ? taken.bytes : 0)
    if (bytes > left) {
      const denied = { code: 'token_bytes_used_up', need: `${bytes} bytes`, have: `${Math.max(0, left)} left` } as const
      throw new HoldfastError('token_bytes_used_up', {}, { denied })
    }
    this.#pending.set(id, { day, bytes: waiting + bytes })
    this.#flusher.soon()
  }

  /** What is being written counts twice for a moment rather than not at all. */
  async #write(): Promise<void> {
    const batch = [...this.#pending]
    if (batch.length === 0) return
    // In one order everywhere, so that two writers never wait for each other.
    batch.sort(([a], [b]) => (a < b ? -1 : 1))
    await this.#hub.transaction(async (tx) => {
      for (const [id, { day, bytes }] of batch) await addTaken(tx, id, day, bytes)
    })
    for (const [id, written] of batch) {
      const now = this.#pending.get(id)
      if (now === undefined || now.day !== written.day) continue
      if (now.bytes === written.bytes) this.#pending.delete(id)
      else this.#pending.set(id, { day: now.day, bytes: now.bytes - written.bytes })
    }
  }

  async stop(): Promise<void> {
    await this.#flusher.stop().catch((error: unknown) => {
      this.#hub.log.error({ error }, 'What tokens took away in the last moments could not be written down')
    })
  }
}

const budgets = new WeakMap<Hub, Budget>()

/** One for each open hub. */
export function budgetOf(hub: Hub): Budget {
  const known = budgets.get(hub)
  if (known !== undefined) return known
  const budget = new Budget(hub)
  budgets.set(hub, budget)
  return budget
}
