/** A download record on the wire. */
import { z } from 'zod'
import { serviceAccountName } from '../../domain/facts.ts'
import type { AuditedDownloadTable, DownloadRecordTable } from '../../platform/db/schema.ts'
import type { DownloadView } from '../../web/download-table.tsx'

const commitsShape = z.array(z.string())

function commitsOf(record: Pick<DownloadRecordTable, 'commits'>): readonly string[] {
  return commitsShape.parse(JSON.parse(record.commits))
}

/** As pages show it. */
export function viewOf(record: DownloadRecordTable): DownloadView {
  return { ...record, commits: commitsOf(record) }
}

export function presentDownload(record: DownloadRecordTable): object {
  const { actorKind, actorId, actorName, credentialKind, credentialId, credentialLast4 } = record
  return {
    id: record.id,
    content: record.via === 'git' ? null : record.content,
    repo: { id: record.repoId, type: record.repoKind, name: record.repoName },
    path: record.path,
    commits: commitsOf(record),
    via: record.via,
    by: {
      type: actorKind,
      id: actorId,
      name: actorKind === 'service-account' && actorId !== null ? serviceAccountName(actorId) : actorName,
      ...(actorKind === 'service-account' ? { fullname: actorName } : {}),
    },
    credential: credentialKind === null ? null : { type: credentialKind, id: credentialId, last4: credentialLast4 },
    ip: record.ip,
    userAgent: record.userAgent,
    requests: record.requests,
    bytes: record.bytes,
    firstAt: new Date(record.firstAt).toISOString(),
    lastAt: new Date(record.lastAt).toISOString(),
  }
}

/** With its place in the chain. */
export function presentAudited({ seal, hash, ...record }: AuditedDownloadTable): object {
  return { ...presentDownload({ ...record, key: '' }), seal, hash }
}
