/** Audited downloads for those who read them: a page, and the whole chain as lines that can be verified elsewhere. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { firstIdAt } from '../../domain/ids.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { AuditedDownloadTable } from '../../platform/db/schema.ts'
import { canonicalEvent, recordEvent } from '../audit/service.ts'
import {
  type AuditScope,
  selectAudited,
  selectAuditScopes,
  selectDownloadCheckpoints,
  selectDownloadSeals,
  selectSealed,
  updateAuditScope,
} from './audit-queries.ts'

const word = z.string().trim().max(200).default('')
/** Empty fields are what a form sends for "all". */
export const auditedQuery = z.object({ repo: word, principal: word, token: word, from: word, to: word })
export type AuditedQuery = z.output<typeof auditedQuery>

export interface AuditedPage {
  readonly records: readonly AuditedDownloadTable[]
  /** The id to go on below; null on the last page. */
  readonly next: string | null
}

/** Newest first. `ownerId` null: of the whole hub. Throws `bad_request` for what is no time. */
export async function listAudited(
  hub: Hub,
  ownerId: string | null,
  asked: AuditedQuery,
  before: string | null,
  limit: number,
): Promise<AuditedPage> {
  const end = asked.to === '' ? null : firstIdAt(timeOf('to', asked.to, true))
  const filter = {
    ownerId,
    repo: asked.repo || null,
    principal: asked.principal || null,
    token: asked.token || null,
    fromId: asked.from === '' ? null : firstIdAt(timeOf('from', asked.from, false)),
    beforeId: before === null || (end !== null && end < before) ? end : before,
  }
  const rows = await selectAudited(hub.db, filter, limit + 1)
  const records = rows.slice(0, limit)
  return { records, next: rows.length > limit ? (records.at(-1)?.id ?? null) : null }
}

const dayMs = 86_400_000

/** A day (the end of it for `to`) or a moment with its zone. */
function timeOf(field: string, text: string, isEnd: boolean): number {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i.test(text)
  const at = isDay || isMoment ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at) || at < 0) {
    throw new HoldfastError('bad_request', { reason: `"${field}" takes a day (2026-11-22) or a moment.`, field })
  }
  return isDay && isEnd ? at + dayMs : at
}

export async function getAuditScope(hub: Hub, organizationId: string): Promise<AuditScope> {
  return (await selectAuditScopes(hub.db, [organizationId])).get(organizationId) ?? 'restricted'
}

export async function setAuditScope(
  hub: Hub,
  allowed: Allowed<'org.download_audit.update'>,
  origin: Origin,
  to: AuditScope,
): Promise<void> {
  const { id, name } = allowed.resource
  const from = await getAuditScope(hub, id)
  if (from === to) return
  await hub.transaction(async (tx) => {
    await updateAuditScope(tx, id, to)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id, name },
      ownerId: id,
      data: { from, to },
    })
  })
}

export async function recordAuditedExport(
  hub: Hub,
  allowed: Allowed<'org.audit_log.read'>,
  origin: Origin,
): Promise<void> {
  const { id, name } = allowed.resource
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: 'org.audit_log.export',
      resource: { kind: 'organization', id, name },
      ownerId: id,
      data: { downloads: true },
    }),
  )
}

const sealsAtOnce = 20

/** One line for each seal, then its records, then its signature if it has one: docs/audit.md, "Audited downloads". */
export async function exportAudited(hub: Hub, write: (line: string) => Promise<void>): Promise<void> {
  await hub.db.snapshot(async (view) => {
    for (let after = 0; ; ) {
      const seals = await selectDownloadSeals(view, after, sealsAtOnce)
      const last = seals.at(-1)
      if (last === undefined) return
      const records = await selectSealed(view, after + 1, last.number)
      const signatures = await selectDownloadCheckpoints(view, after + 1, last.number)
      for (const seal of seals) {
        await write(JSON.stringify({ type: 'seal', ...seal }))
        for (const { seal: number, hash, ...record } of records) {
          if (number === seal.number)
            await write(`{"type":"download","hash":"${hash}","record":${canonicalEvent(record)}}`)
        }
        const signature = signatures.find(({ number }) => number === seal.number)
        if (signature !== undefined) await write(JSON.stringify({ type: 'checkpoint', ...signature }))
      }
      after = last.number
    }
  })
}
