/** Checks the chain of audited downloads, each seal anew, against its own signatures and against what the audit log says of it. */

import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import type { PublicKey } from '../../platform/crypto/signing-key.ts'
import type { AuditedDownloadTable, DownloadSealTable } from '../../platform/db/schema.ts'
import { type Fault, type FaultKind, isCheckpointDue, noHash, type Unsigned } from '../audit/service.ts'
import {
  anchorAction,
  downloadCheckpointText,
  hashDownload,
  hashDownloadSeal,
  linesOf,
  pruneAction,
} from './audit-format.ts'
import {
  type ChainView,
  selectAnchors,
  selectDownloadCheckpoints,
  selectDownloadSeals,
  selectSealed,
} from './audit-queries.ts'

export interface DownloadReport {
  readonly records: number
  readonly seals: number
  /** Records that were pruned: their hashes were checked. */
  readonly pruned: number
  readonly lastSeal: { readonly number: number; readonly hash: string } | null
  readonly lastCheckpoint: { readonly number: number; readonly madeAt: number } | null
  readonly faults: number
}

const sealsAtOnce = 20
/** Seals whose records are looked for beyond the end of the chain. */
const mostStrays = 1_000
const anchorsAtOnce = 1_000
const anchorShape = z.object({ number: z.number(), hash: z.string() })
const pruneShape = z.object({ through: z.number() })

export async function verifyDownloads(
  hub: Hub,
  options: { readonly keys?: readonly PublicKey[]; onFault(fault: Fault): void },
): Promise<DownloadReport> {
  const keys = [...hub.keys.signingKeys('audit-checkpoint'), ...(options.keys ?? [])]
  return await hub.db.snapshot(async (view) => {
    const anchors = new Map<number, string>()
    let through = 0
    for await (const data of anchorsOf(view, pruneAction)) {
      const prune = pruneShape.safeParse(data)
      if (prune.success) through = Math.max(through, prune.data.through)
    }
    for await (const data of anchorsOf(view, anchorAction)) {
      const anchor = anchorShape.safeParse(data)
      if (anchor.success) anchors.set(anchor.data.number, anchor.data.hash)
    }
    const check = new DownloadCheck(keys, anchors, through, options.onFault)
    for (let after = 0; ; ) {
      const seals = await selectDownloadSeals(view, after, sealsAtOnce)
      const [first, last] = [seals[0], seals.at(-1)]
      if (first === undefined || last === undefined) break
      const records = await selectSealed(view, after + 1, last.number)
      const signed = new Map(
        (await selectDownloadCheckpoints(view, after + 1, last.number)).map((one) => [one.number, one]),
      )
      for (const seal of seals) {
        check.see(
          seal,
          records.filter((record) => record.seal === seal.number),
        )
        check.sign(seal, signed.get(seal.number) ?? null)
      }
      check.strays(records, new Set(seals.map(({ number }) => number)))
      after = last.number
    }
    check.strays(await selectSealed(view, check.lastNumber + 1, check.lastNumber + mostStrays), new Set())
    return check.end()
  })
}

async function* anchorsOf(view: ChainView, action: string): AsyncGenerator<unknown> {
  for (let after = ''; ; ) {
    const rows = await selectAnchors(view, action, after, anchorsAtOnce)
    for (const { data } of rows) yield JSON.parse(data) as unknown
    const last = rows.at(-1)
    if (last === undefined || rows.length < anchorsAtOnce) return
    after = last.id
  }
}

type Checkpoint = Awaited<ReturnType<typeof selectDownloadCheckpoints>>[number]

class DownloadCheck {
  readonly #keys: readonly PublicKey[]
  readonly #anchors: Map<number, string>
  readonly #through: number
  readonly #tell: (fault: Fault) => void
  #previous: DownloadSealTable | null = null
  #unsigned: Unsigned | null = null
  #lastCheckpoint: DownloadReport['lastCheckpoint'] = null
  #records = 0
  #seals = 0
  #pruned = 0
  #faults = 0

  constructor(keys: readonly PublicKey[], anchors: Map<number, string>, through: number, tell: (fault: Fault) => void) {
    this.#keys = keys
    this.#anchors = anchors
    this.#through = through
    this.#tell = tell
  }

  get lastNumber(): number {
    return this.#previous?.number ?? 0
  }

  #fault(kind: FaultKind, seal: number, text: string, eventId: string | null = null): void {
    this.#faults++
    this.#tell({ kind, seal, eventId, text: `Downloads: ${text}` })
  }

  see(seal: DownloadSealTable, records: readonly AuditedDownloadTable[]): void {
    const { number } = seal
    const before = this.#previous
    if (number !== (before?.number ?? 0) + 1) {
      this.#fault('seal-missing', number, `seals before seal ${number} are gone.`)
    } else if (seal.previous !== (before?.hash ?? noHash)) {
      this.#fault('seal-changed', number, `seal ${number} does not continue the one before it.`)
    }
    for (const record of records) {
      if (hashDownload(record) !== record.hash) {
        this.#fault('event-changed', number, `record ${record.id} of seal ${number} was changed.`, record.id)
      }
    }
    const isPruned = seal.keptHashes !== null
    if (isPruned && number > this.#through) {
      this.#fault(
        'event-deleted',
        number,
        `the records of seal ${number} are gone, and the audit log knows of no pruning.`,
      )
    }
    const lines = seal.keptHashes ?? linesOf(records)
    const count = lines === '' ? 0 : lines.split('\n').length - 1
    const expected = seal.total - (before?.total ?? 0)
    if (hashDownloadSeal(seal, lines) !== seal.hash) {
      const kind = count < expected ? 'event-deleted' : 'seal-changed'
      this.#fault(
        kind,
        number,
        `seal ${number} is over ${expected} records, of which ${count} are there, or over others.`,
      )
    } else if (count !== expected) this.#fault('seal-changed', number, `seal ${number} counts wrongly.`)
    const anchor = this.#anchors.get(number)
    if (anchor !== undefined && anchor !== seal.hash) {
      this.#fault('seal-replaced', number, `the audit log knows another seal ${number}.`)
    }
    this.#anchors.delete(number)
    this.#previous = seal
    this.#seals++
    if (isPruned) this.#pruned += count
    else this.#records += count
  }

  sign(seal: DownloadSealTable, checkpoint: Checkpoint | null): void {
    if (checkpoint === null) {
      const unsigned = { count: (this.#unsigned?.count ?? 0) + 1, firstAt: this.#unsigned?.firstAt ?? seal.sealedAt }
      this.#unsigned = unsigned
      if (isCheckpointDue(unsigned, seal.sealedAt)) {
        this.#fault('checkpoint-missing', seal.number, `seal ${seal.number} must be signed and is not.`)
        this.#unsigned = null
      }
      return
    }
    this.#unsigned = null
    const key = this.#keys.find(({ id }) => id === checkpoint.keyId)
    const isRight =
      checkpoint.hash === seal.hash &&
      checkpoint.total === seal.total &&
      key?.verify(downloadCheckpointText(checkpoint), checkpoint.signature) === true
    if (!isRight) this.#fault('checkpoint-wrong', seal.number, `the signature over seal ${seal.number} is not right.`)
    else this.#lastCheckpoint = { number: seal.number, madeAt: checkpoint.madeAt }
  }

  /** Records of seals that are not there: their seal was taken away, or they were put in. */
  strays(records: readonly AuditedDownloadTable[], seals: ReadonlySet<number>): void {
    for (const { id, seal } of records) {
      if (!seals.has(seal)) this.#fault('seal-missing', seal, `record ${id} names seal ${seal}, which is gone.`, id)
    }
  }

  end(): DownloadReport {
    for (const number of this.#anchors.keys()) {
      this.#fault('seal-missing', number, `seal ${number}, of which the audit log knows, is gone.`)
    }
    const last = this.#previous
    return {
      records: this.#records,
      seals: this.#seals,
      pruned: this.#pruned,
      lastSeal: last === null ? null : { number: last.number, hash: last.hash },
      lastCheckpoint: this.#lastCheckpoint,
      faults: this.#faults,
    }
  }
}
