/**
 * What is hashed and signed over the audit log, byte for byte; docs/audit.md says the same for those who check it elsewhere. Never changed:
 * another form would be another version word in the first line. Sealer and verifier both work by this file and by nothing else.
 */
import { createHash, hash } from 'node:crypto'
import type { AuditCheckpointTable, AuditSealTable } from '../../platform/db/schema.ts'

/** What the first seal names as the one before it. */
export const noHash = '0'.repeat(64)
export const eventsPerSeal = 500
const sealsPerCheckpoint = 100
export const checkpointEveryMs = 60_000

/**
 * An event as one line of JSON: its columns that are not null, by name, without spaces. So a column that is added later changes nothing of the
 * events of before. PostgreSQL knows no NUL and a restore replaces it there: it counts as what it becomes.
 */
export function canonicalEvent(event: object): string {
  const columns = Object.entries(event)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value])
  return JSON.stringify(Object.fromEntries(columns.sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Of a canonical event. */
export function hashEvent(canonical: string): string {
  return hash('sha256', canonical, 'hex')
}

export interface SealHash {
  add(eventId: string, eventHash: string): void
  digest(): string
}

/** Hash of a seal, event by event, so that a list of any length costs no memory. */
export function hashSeal(seal: Omit<AuditSealTable, 'hash'>): SealHash {
  const sum = createHash('sha256')
  sum.update(`holdfast audit seal 1\n${seal.number}\n${seal.sealedAt}\n${seal.total}\n${seal.previous}\n`)
  return {
    add: (eventId, eventHash) => sum.update(`${eventId} ${eventHash}\n`),
    digest: () => sum.digest('hex'),
  }
}

/** What a checkpoint signs. */
export function checkpointText(checkpoint: Omit<AuditCheckpointTable, 'keyId' | 'signature'>): string {
  const { number, hash: sealHash, total, madeAt } = checkpoint
  return `holdfast audit checkpoint 1\n${number}\n${sealHash}\n${total}\n${madeAt}\n`
}

/** Seals after the last checkpoint. */
export interface Unsigned {
  readonly count: number
  readonly firstAt: number
}

/**
 * Whether the newest of these seals must carry a checkpoint. The sealer writes it in the transaction of that seal, so a log in which it is
 * missing was tampered with: that is how a chain is recognized that somebody made anew without the key.
 */
export function isCheckpointDue(unsigned: Unsigned, sealedAt: number): boolean {
  return unsigned.count >= sealsPerCheckpoint || sealedAt - unsigned.firstAt >= checkpointEveryMs
}

/** The millisecond of an id; 0 for a text that is none. */
export function timeOfId(id: string): number {
  const time = Number.parseInt(id.slice(0, 12), 16)
  return Number.isNaN(time) ? 0 : time
}
