/** Checks the whole audit log, of this hub or of a file, and writes such a file. Changes nothing, works beside a running server. */
import type { Hub } from '../../hub.ts'
import { type PublicKey, parsePublicKeys } from '../../platform/crypto/signing-key.ts'
import { ChainCheck, type ChainSummary, type Fault, type KnownSeal } from './chain-check.ts'
import { formatEnd, formatHeader, formatItem, openLogFile } from './log-file.ts'
import { readLog } from './log-items.ts'
import { countUnsealed, findAnchor, findNewest, type UnsealedEvents } from './log-queries.ts'
import { findRemembered, rememberedFile } from './remembered.ts'
import { checkpointText } from './seal-format.ts'
import { findLastCheckpoint } from './seal-queries.ts'

export interface LogReport extends ChainSummary {
  readonly faults: number
  /** Of a file: what was waiting when it was written is not in it. */
  readonly unsealed: UnsealedEvents | null
  /** The checkpoint after which the check began; null when it began at the first seal. */
  readonly checkedFrom: { readonly number: number; readonly madeAt: number } | null
}

export interface VerifyOptions {
  /** Only what was sealed since: it begins after the last checkpoint before that time. */
  readonly since?: number | null
  /** Seals that somebody noted elsewhere. */
  readonly known?: readonly KnownSeal[]
  /** In addition to those of the hub. */
  readonly keys?: readonly PublicKey[]
  /** Called for each fault as it is found. */
  onFault(fault: Fault): void
}

export async function verifyLog(hub: Hub, options: VerifyOptions): Promise<LogReport> {
  const { onFault, faults } = counting(options.onFault)
  const keys = [...hub.keys.signingKeys('audit-checkpoint'), ...(options.keys ?? [])]
  // Read before the view begins: by then the database has what the file says.
  const known = [...(options.known ?? []), ...(await rememberedSeal(hub, keys, onFault))]
  return await hub.db.snapshot(async (view) => {
    const atMost = Math.min(...known.map(({ number }) => number), Number.MAX_SAFE_INTEGER)
    const anchor = options.since == null ? null : await findAnchor(view, options.since, atMost)
    const check = new ChainCheck({ keys, anchor, known, onFault })
    for await (const item of readLog(view, hub.db.dialect, anchor?.number ?? null)) check.see(item)
    const summary = check.end()
    return { ...summary, faults: faults(), unsealed: await countUnsealed(view), checkedFrom: anchor }
  })
}

/** The keys are whose the file shall be: those in the file itself would prove nothing. */
export async function verifyLogFile(
  path: string,
  options: VerifyOptions & { readonly keys: readonly PublicKey[] },
): Promise<LogReport> {
  const { onFault, faults } = counting(options.onFault)
  const file = await openLogFile(path)
  const { anchor } = file
  const check = new ChainCheck({ keys: options.keys, anchor, known: options.known ?? [], onFault })
  for await (const item of file.items()) check.see(item)
  if (!file.isComplete()) {
    onFault({ kind: 'file-incomplete', seal: null, eventId: null, text: 'The file was cut: its last line is missing.' })
  }
  return { ...check.end(), faults: faults(), unsealed: null, checkedFrom: anchor }
}

/** The lines of a file that `verifyLogFile` reads, as of this moment. */
export async function exportLog(
  hub: Hub,
  options: { readonly since: number | null; write(line: string): Promise<void> },
): Promise<void> {
  await hub.db.snapshot(async (view) => {
    const anchor = options.since === null ? null : await findAnchor(view, options.since, Number.MAX_SAFE_INTEGER)
    const publicKeys = hub.keys.signingKeys('audit-checkpoint').map(({ pem }) => pem)
    await options.write(formatHeader({ exportedAt: new Date(hub.clock.now()).toISOString(), anchor, publicKeys }))
    let lines = 0
    for await (const item of readLog(view, hub.db.dialect, anchor?.number ?? null)) {
      await options.write(formatItem(item))
      lines++
    }
    await options.write(formatEnd(lines, (await countUnsealed(view)).count))
  })
}

/** PEM, newest first. Public: it makes nothing, it only checks. */
export function auditPublicKeys(hub: Pick<Hub, 'keys'>): string {
  return hub.keys
    .signingKeys('audit-checkpoint')
    .map(({ pem }) => pem)
    .join('')
}

/** Throws where the text has none. */
export function parseAuditKeys(pem: string): readonly PublicKey[] {
  const keys = parsePublicKeys(pem)
  if (keys.length === 0) throw new Error('It has no public key in PEM form.')
  return keys
}

export interface LogState {
  readonly lastCheckpoint: { readonly number: number; readonly madeAt: number; readonly total: number } | null
  /** Since when an event has been waiting for its seal: the newest one only. */
  readonly waitingSince: number | null
  /** What is wrong, in one sentence. */
  readonly fault: string | null
}

/** What can be told at a glance; `verifyLog` reads everything. */
export async function glanceAtLog(hub: Hub): Promise<LogState> {
  const faults: string[] = []
  const keys = hub.keys.signingKeys('audit-checkpoint')
  const [known] = await rememberedSeal(hub, keys, (fault) => faults.push(fault.text))
  return await hub.db.snapshot(async (view) => {
    const newest = await findNewest(view)
    const last = await findLastCheckpoint(view)
    if (known !== undefined && (last === null || last.number < known.number)) {
      faults.push(`Checkpoint ${known.number}, which this hub signed, is gone.`)
    }
    if (
      last !== null &&
      keys.find(({ id }) => id === last.keyId)?.verify(checkpointText(last), last.signature) !== true
    ) {
      faults.push(`The checkpoint of seal ${last.number} is not signed by a key of this hub.`)
    }
    return {
      lastCheckpoint: last,
      waitingSince: newest === null || newest.isSealed ? null : newest.at,
      fault: faults[0] ?? null,
    }
  })
}

async function rememberedSeal(
  hub: Hub,
  keys: readonly PublicKey[],
  onFault: (fault: Fault) => void,
): Promise<KnownSeal[]> {
  const remembered = await findRemembered(hub.config.dataFolder)
  if (remembered === null) return []
  const isSigned =
    remembered !== 'unreadable' &&
    keys.find(({ id }) => id === remembered.keyId)?.verify(checkpointText(remembered), remembered.signature) === true
  if (!isSigned) {
    onFault({
      kind: 'checkpoint-wrong',
      seal: null,
      eventId: null,
      text: `The file ${rememberedFile} in the data folder is not what this hub wrote.`,
    })
    return []
  }
  const { number, hash, madeAt } = remembered
  return [{ number, hash, from: `from ${rememberedFile}, signed at ${new Date(madeAt).toISOString()}` }]
}

function counting(tell: (fault: Fault) => void): { onFault(fault: Fault): void; faults(): number } {
  let count = 0
  return {
    onFault(fault) {
      count++
      tell(fault)
    },
    faults: () => count,
  }
}
