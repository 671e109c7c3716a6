/** Requests on the wire, in the Hub's shapes, and as lines of the report. */
import { csvLine } from '../../access/csv.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { Hub } from '../../hub.ts'
import { avatarUrl } from '../organizations/service.ts'
import type { ListedRequest } from './queries.ts'

/** What of whom a list shows. An account that is gone took its row along; a name is missing only in the moment between. */
export function presentRequest(hub: Hub, row: ListedRequest): object {
  return {
    requestId: row.id,
    user: {
      _id: row.principalId,
      ...nameOf(hub, row),
      isPro: false,
      type: 'user',
      verifiedOrgNames: [],
      // Who was let in without asking shared nothing.
      ...(row.email === null ? {} : { email: row.email }),
      ...(row.principalKind === 'user'
        ? {}
        : { isServiceAccount: true, organization: row.organizationName, requestedBy: row.askerName }),
    },
    status: row.status,
    timestamp: isoTime(row.askedAt),
    ...(row.fields === null ? {} : { fields: JSON.parse(row.fields) as object }),
    ...(row.grantedBy === null
      ? {}
      : {
          grantedBy: {
            _id: row.grantedBy,
            user: row.granterName ?? 'deleted',
            fullname: row.granterName ?? 'deleted',
            avatarUrl: avatarUrl(hub, row.granterName ?? 'deleted'),
            isPro: false,
            type: 'user',
          },
        }),
    ...(row.reviewedAt === null ? {} : { reviewedAt: isoTime(row.reviewedAt) }),
    ...(row.reason === null ? {} : { rejectionReason: row.reason }),
    ...(row.termsHash === null ? {} : { terms: row.termsHash }),
  }
}

function nameOf(hub: Hub, row: ListedRequest): { user: string; fullname: string; avatarUrl: string } {
  const user = row.principalKind === 'user' ? (row.name ?? 'deleted') : `sa-${row.principalId}`
  const fullname = row.principalKind === 'user' ? (row.fullname ?? user) : (row.machineName ?? user)
  return { user, fullname, avatarUrl: avatarUrl(hub, row.name ?? user) }
}

export interface ReportLine {
  readonly user: string
  readonly fullname: string
  readonly status: string
  readonly email: string
  readonly time: string
  readonly reviewedAt: string
  readonly rejectionReason: string
  readonly requestedBy: string
  readonly grantedBy: string
  readonly terms: string
  readonly fields: Readonly<Record<string, string>>
}

export function reportLine(row: ListedRequest): ReportLine {
  const isPerson = row.principalKind === 'user'
  const user = isPerson ? (row.name ?? 'deleted') : `sa-${row.principalId}`
  return {
    user,
    fullname: (isPerson ? row.fullname : row.machineName) ?? user,
    status: row.status,
    email: row.email ?? '',
    time: isoTime(row.askedAt),
    reviewedAt: row.reviewedAt === null ? '' : isoTime(row.reviewedAt),
    rejectionReason: row.reason ?? '',
    requestedBy: row.grantedBy === null ? (row.askerName ?? 'deleted') : '',
    grantedBy: row.grantedBy === null ? '' : (row.granterName ?? 'deleted'),
    terms: row.termsHash ?? '',
    fields: row.fields === null ? {} : (JSON.parse(row.fields) as Record<string, string>),
  }
}

const columns = [
  'user',
  'fullname',
  'status',
  'email',
  'time',
  'reviewedAt',
  'rejectionReason',
  'requestedBy',
  'grantedBy',
  'terms',
] as const

/** RFC 4180, with a column for each field that anybody answered. */
export function reportAsCsv(lines: readonly ReportLine[]): string {
  const fields = [...new Set(lines.flatMap((line) => Object.keys(line.fields)))]
  const rows = [
    [...columns, ...fields],
    ...lines.map((line) => [
      ...columns.map((column) => line[column]),
      ...fields.map((field) => (Object.hasOwn(line.fields, field) ? (line.fields[field] ?? '') : '')),
    ]),
  ]
  return rows.map(csvLine).join('')
}
