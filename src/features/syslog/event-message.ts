/** Entries of the audit log, and records of audited downloads, as syslog messages: docs/audit.md. */
import { isInScope } from '../../domain/event-scopes.ts'
import type { AuditedDownloadTable, EventTable } from '../../platform/db/schema.ts'
import { asciiJson, formatMessage, type Severity } from '../../platform/syslog/rfc5424.ts'

/** `shown`: as the export of the log has it. */
export function eventMessage(
  host: string,
  event: EventTable & { readonly seal: number; readonly position: number },
  shown: { readonly message: string },
): Buffer {
  const sequence = `${event.seal}.${event.position}`
  return formatMessage({
    severity: severityOf(event.action),
    at: event.at,
    host,
    messageId: event.action,
    dataId: 'event@32473',
    data: {
      id: event.id,
      sequence,
      action: event.action,
      actor: event.actorName,
      actorId: event.actorId,
      actorKind: event.actorKind,
      credential: event.credentialKind,
      resource: event.resourceName ?? event.resourceId,
      resourceKind: event.resourceKind,
      resourceId: event.resourceId,
      owner: event.ownerId,
      ip: event.ip,
      userAgent: event.userAgent,
    },
    text: asciiJson({ sequence, ...shown }),
    brief: asciiJson({
      ...{ _id: event.id, sequence, type: event.action.slice(0, 64), message: shown.message.slice(0, 400) },
      truncated: true,
    }),
  })
}

export function downloadMessage(host: string, { hash: _hash, ...record }: AuditedDownloadTable): Buffer {
  return formatMessage({
    severity: 'info',
    at: record.firstAt,
    host,
    messageId: 'download',
    dataId: 'download@32473',
    data: {
      id: record.id,
      seal: String(record.seal),
      actor: record.actorName,
      actorId: record.actorId,
      actorKind: record.actorKind,
      credential: record.credentialKind,
      resource: record.repoName,
      resourceKind: record.repoKind,
      resourceId: record.repoId,
      owner: record.ownerId,
      path: record.path,
      content: record.content,
      via: record.via,
      requests: String(record.requests),
      bytes: String(record.bytes),
      ip: record.ip,
      userAgent: record.userAgent,
    },
    text: asciiJson(record),
    brief: asciiJson({ id: record.id, seal: record.seal, truncated: true }),
  })
}

const warnings =
  /(^|[._])(leaked|leaked_token|break_glass|hold|honey_used|reused|replayed|switched_off|bypass|bypassed|fenced)([._]|$)/

export function severityOf(action: string): Severity {
  if (action === 'storage.damaged') return 'error'
  if (warnings.test(action)) return 'warning'
  return isInScope(['token.*', 'member.*', 'scan.*', 'policy.*'], action) ? 'notice' : 'info'
}
