/**
 * What is hashed and signed over audited downloads, byte for byte; docs/audit.md says the same for those who check it elsewhere. Never changed:
 * another form would be another version word in the first line.
 */
import { createHash } from 'node:crypto'
import type { AuditedDownloadTable, DownloadCheckpointTable, DownloadSealTable } from '../../platform/db/schema.ts'
import { canonicalEvent, hashEvent } from '../audit/service.ts'

/** Records of one seal. */
export const recordsPerSeal = 500

export type UnsealedDownload = Omit<AuditedDownloadTable, 'seal' | 'hash'>

/** Of all columns but the seal and the hash itself. */
export function hashDownload(record: UnsealedDownload | AuditedDownloadTable): string {
  const { seal: _seal, hash: _hash, ...hashed } = { seal: 0, hash: '', ...record }
  return hashEvent(canonicalEvent(hashed))
}

/** A line of each record, by id. */
export function linesOf(records: readonly { readonly id: string; readonly hash: string }[]): string {
  return records.map(({ id, hash }) => `${id} ${hash}\n`).join('')
}

export function hashDownloadSeal(seal: Omit<DownloadSealTable, 'hash' | 'keptHashes'>, lines: string): string {
  const { number, sealedAt, total, previous } = seal
  return createHash('sha256')
    .update(`holdfast download seal 1\n${number}\n${sealedAt}\n${total}\n${previous}\n${lines}`)
    .digest('hex')
}

export function downloadCheckpointText(of: Omit<DownloadCheckpointTable, 'keyId' | 'signature'>): string {
  return `holdfast download checkpoint 1\n${of.number}\n${of.hash}\n${of.total}\n${of.madeAt}\n`
}

/** What stands in the audit log for each checkpoint, and for each pruning. */
export const anchorAction = 'download.checkpoint'
export const pruneAction = 'download.prune'
