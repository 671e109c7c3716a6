/**
 * How much tokens with a limit of bytes take away on a day (idea 11 of behaviours.md, section 4). What is asked for counts, as soon as it is asked for:
 * so a hundred downloads at once take no more than one after the other. What was written down comes with the facts of the request; what was not yet
 * is remembered here, and written in bundles. A crash forgets the last seconds; several processes see what the others took as late.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Credential } from '../../domain/facts.ts'
import { tooMuch } from '../../domain/token-limits.ts'
import type { Hub } from '../../hub.ts'
import { Flusher } from './flusher.ts'
import { addTaken } from './queries.ts'

type Token = Extract<Credential, { kind: 'token' }>

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

/** What of its bytes the token has left today; null where it has no limit. Takes none. */
export function bytesLeft(hub: Hub, credential: Credential | null): number | null {
  if (credential?.kind !== 'token' || credential.limits.bytesPerDay === null) return null
  return budgetOf(hub).left(credential, credential.limits.bytesPerDay)
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

  spend(token: Token, most: number, bytes: number): void {
    const fault = tooMuch(bytes, this.left(token, most))
    if (fault !== null) throw fault
    const { id, day, waiting } = this.#waiting(token)
    this.#pending.set(id, { day, bytes: waiting + bytes })
    this.#flusher.soon()
  }

  left(token: Token, most: number): number {
    const { day, waiting } = this.#waiting(token)
    return most - waiting - (token.taken?.day === day ? token.taken.bytes : 0)
  }

  /** Children take of what their parent has: many of them have no more than it. */
  #waiting({ id: own, parent }: Token): { readonly id: string; readonly day: number; readonly waiting: number } {
    const id = parent?.id ?? own
    const day = Math.floor(this.#hub.clock.now() / dayMs)
    const pending = this.#pending.get(id)
    return { id, day, waiting: pending?.day === day ? pending.bytes : 0 }
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
