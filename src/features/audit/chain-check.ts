/**
 * Checks the sealed log as it flows by, be it from the database or from a file: seals in order of their numbers, each followed by what it
 * seals and by its checkpoint. Knows nothing but public keys, keeps nothing but sums, and goes on after a fault, so that all are told.
 */
import type { PublicKey } from '../../platform/crypto/signing-key.ts'
import type { AuditCheckpointTable, AuditSealTable } from '../../platform/db/schema.ts'
import { checkpointText, hashEvent, hashSeal, isCheckpointDue, noHash, type SealHash, timeOfId } from './seal-format.ts'

export interface SealedEntry {
  readonly seal: number
  readonly position: number
  readonly eventId: string
  readonly hash: string
  /** The canonical event, or null where it is gone. */
  readonly event: string | null
}

export type LogItem =
  | { readonly type: 'seal'; readonly seal: AuditSealTable }
  | { readonly type: 'entry'; readonly entry: SealedEntry }
  | { readonly type: 'checkpoint'; readonly checkpoint: AuditCheckpointTable }

export type FaultKind =
  | 'event-changed'
  | 'event-deleted'
  | 'seal-changed'
  | 'seal-missing'
  | 'seal-replaced'
  | 'checkpoint-wrong'
  | 'checkpoint-missing'
  | 'file-incomplete'

export interface Fault {
  readonly kind: FaultKind
  readonly seal: number | null
  readonly eventId: string | null
  /** One sentence for a person. */
  readonly text: string
}

/** A seal that somebody outside of the log knows, and how. */
export interface KnownSeal {
  readonly number: number
  readonly hash: string
  readonly from: string
}

export interface CheckOptions {
  readonly keys: readonly PublicKey[]
  /** Where the check begins: after this checkpoint. Null: at the first seal. */
  readonly anchor: AuditCheckpointTable | null
  readonly known: readonly KnownSeal[]
  onFault(fault: Fault): void
}

export interface ChainSummary {
  readonly seals: number
  readonly events: number
  readonly lastSeal: AuditSealTable | null
  readonly lastCheckpoint: AuditCheckpointTable | null
  /** Seals after the last checkpoint: nothing but the chain speaks for them. */
  readonly unsignedSeals: number
  /** Sealed long after events that are younger: written late (a ref move after a crash), or put in later. */
  readonly outOfOrder: { readonly count: number; readonly eventIds: readonly string[] }
}

/** Clocks differ, transactions take time. */
export const outOfOrderMs = 15 * 60_000
const outOfOrderShown = 100

interface OpenSeal {
  readonly row: AuditSealTable
  readonly sum: SealHash
  readonly startsAt: number
  entries: number
  isInOrder: boolean
  newestAt: number
  isSigned: boolean
}

export class ChainCheck {
  readonly #options: CheckOptions
  #open: OpenSeal | null = null
  #last: { readonly number: number; readonly hash: string; readonly total: number } | null
  #lastSeal: AuditSealTable | null = null
  #lastCheckpoint: AuditCheckpointTable | null
  #seals = 0
  #events = 0
  #newestAt = 0
  #unsigned = { count: 0, firstAt: 0, isTold: false }
  #outOfOrder: { count: number; eventIds: string[] } = { count: 0, eventIds: [] }
  readonly #waiting: Set<KnownSeal>

  constructor(options: CheckOptions) {
    this.#options = options
    this.#waiting = new Set(options.known)
    const { anchor } = options
    this.#last = anchor ?? { number: 0, hash: noHash, total: 0 }
    this.#lastCheckpoint = anchor
    if (anchor !== null) {
      this.#checkSignature(anchor)
      this.#meetKnown(anchor.number, anchor.hash)
    }
  }

  see(item: LogItem): void {
    if (item.type === 'seal') this.#seal(item.seal)
    else if (item.type === 'entry') this.#entry(item.entry)
    else this.#checkpoint(item.checkpoint)
  }

  end(): ChainSummary {
    this.#close()
    for (const { number, hash, from } of this.#waiting) {
      this.#fault(
        'seal-missing',
        number,
        null,
        `Seal ${number} (${hash}) is known ${from}, and is gone with all that came after it.`,
      )
    }
    return {
      seals: this.#seals,
      events: this.#events,
      lastSeal: this.#lastSeal,
      lastCheckpoint: this.#lastCheckpoint,
      unsignedSeals: this.#unsigned.count,
      outOfOrder: this.#outOfOrder,
    }
  }

  #seal(row: AuditSealTable): void {
    this.#close()
    const { number } = row
    const before = this.#last
    let startsAt: number | null = null
    if (before === null || number <= before.number) {
      this.#fault('seal-changed', number, null, `Seal ${number} stands in the wrong place.`)
    } else if (number > before.number + 1) {
      const missing = before.number + 1
      const list = number - 1 === missing ? `Seal ${missing} is` : `Seals ${missing} to ${number - 1} are`
      this.#fault('seal-missing', missing, null, `${list} missing.`)
    } else {
      startsAt = before.total
      if (row.previous !== before.hash) {
        this.#fault('seal-changed', number, null, `Seal ${number} does not continue the one before it.`)
      }
    }
    this.#open = {
      row,
      sum: hashSeal(row),
      startsAt: startsAt ?? Number.NaN,
      entries: 0,
      isInOrder: true,
      newestAt: this.#newestAt,
      isSigned: false,
    }
    this.#meetKnown(number, row.hash)
  }

  #entry({ seal, position, eventId, hash, event }: SealedEntry): void {
    const open = this.#open
    if (open === null || open.row.number !== seal) {
      this.#fault('seal-missing', seal, eventId, `Event ${eventId} names seal ${seal}, which is not there.`)
      return
    }
    if (position !== open.entries) open.isInOrder = false
    open.entries++
    this.#events++
    open.sum.add(eventId, hash)
    if (event === null) {
      this.#fault('event-deleted', seal, eventId, `Event ${eventId} was deleted after it was sealed.`)
    } else if (hashEvent(event) !== hash) {
      this.#fault('event-changed', seal, eventId, `Event ${eventId} was changed after it was sealed.`)
    }
    const at = timeOfId(eventId)
    // One id of the far future shall not put all that follow in the wrong.
    open.newestAt = Math.max(open.newestAt, Math.min(at, open.row.sealedAt))
    if (at >= this.#newestAt - outOfOrderMs) return
    this.#outOfOrder.count++
    if (this.#outOfOrder.eventIds.length < outOfOrderShown) this.#outOfOrder.eventIds.push(eventId)
  }

  #checkpoint(checkpoint: AuditCheckpointTable): void {
    const { number } = checkpoint
    const open = this.#open
    if (open === null || open.row.number !== number) {
      this.#fault('checkpoint-wrong', number, null, `There is a checkpoint of seal ${number}, but no such seal.`)
      return
    }
    open.isSigned = true
    if (checkpoint.hash !== open.row.hash || checkpoint.total !== open.row.total) {
      this.#fault(
        'checkpoint-wrong',
        number,
        null,
        `The checkpoint of seal ${number} is of another seal: the chain was made anew.`,
      )
    } else if (this.#checkSignature(checkpoint)) this.#lastCheckpoint = checkpoint
  }

  #checkSignature(checkpoint: AuditCheckpointTable): boolean {
    const { number, keyId, signature } = checkpoint
    const key = this.#options.keys.find(({ id }) => id === keyId)
    if (key?.verify(checkpointText(checkpoint), signature) === true) return true
    const why = key === undefined ? `by the key ${keyId}, which is not one of those given` : 'wrongly'
    this.#fault('checkpoint-wrong', number, null, `The checkpoint of seal ${number} is signed ${why}.`)
    return false
  }

  #meetKnown(number: number, hash: string): void {
    for (const known of this.#waiting) {
      if (known.number !== number) continue
      this.#waiting.delete(known)
      if (known.hash === hash) continue
      this.#fault(
        'seal-replaced',
        number,
        null,
        `Seal ${number} was replaced: it is known as ${known.hash} ${known.from}.`,
      )
    }
  }

  /** All that belongs to the open seal has been seen. */
  #close(): void {
    const open = this.#open
    if (open === null) return
    this.#open = null
    const { row, entries, startsAt } = open
    const isCounted = Number.isNaN(startsAt) || row.total === startsAt + entries
    if (open.sum.digest() !== row.hash || !open.isInOrder || !isCounted) {
      this.#fault(
        'seal-changed',
        row.number,
        null,
        `Seal ${row.number} is not what it was: its events, their order or its time.`,
      )
    }
    this.#seals++
    this.#last = row
    this.#lastSeal = row
    this.#newestAt = open.newestAt
    const unsigned = this.#unsigned
    unsigned.count++
    if (unsigned.count === 1) unsigned.firstAt = row.sealedAt
    if (open.isSigned) this.#unsigned = { count: 0, firstAt: 0, isTold: false }
    else if (!unsigned.isTold && isCheckpointDue(unsigned, row.sealedAt)) {
      unsigned.isTold = true
      this.#fault('checkpoint-missing', row.number, null, `Seal ${row.number} must have a checkpoint and has none.`)
    }
  }

  #fault(kind: FaultKind, seal: number | null, eventId: string | null, text: string): void {
    this.#options.onFault({ kind, seal, eventId, text })
  }
}
