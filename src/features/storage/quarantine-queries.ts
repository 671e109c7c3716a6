/** The SQL of quarantine: what scanners found unsafe, what they have not seen yet, and what an administrator released. */
import type { AdmissionPolicy } from '../../domain/import-list.ts'
import type { ScanPolicy } from '../../domain/quarantine.ts'
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { ImportSetTable } from '../../platform/db/schema.ts'

export interface PlacePolicy {
  readonly scanPolicy: ScanPolicy
  /** Since when only signed models are handed out, there and in the workspace; 0 or null: all are. */
  readonly signedModelsSince: number
  readonly workspaceSince: number | null
  readonly modelKeyRemovedAt: number
  readonly pickleAdmission: AdmissionPolicy
  /** When what is admitted last changed. */
  readonly admissionAt: number
}

const policyById = prepared<{ id: string; workspaceId: string }, PlacePolicy>((q, param) =>
  q
    .selectFrom('organization')
    .leftJoin('workspace', (join) => join.on('workspace.id', '=', param('workspaceId')))
    .select(['organization.scanPolicy', 'organization.signedModelsSince', 'organization.modelKeyRemovedAt'])
    .select(['organization.pickleAdmission', 'organization.admissionAt'])
    .select('workspace.signedModelsSince as workspaceSince')
    .where('organization.id', '=', param('id')),
)

/** What an organization, and the workspace that a repo of it lies in, say of what is handed out. */
export async function selectPolicy(
  db: Db,
  organizationId: string,
  workspaceId: string | null,
): Promise<PlacePolicy | null> {
  return await policyById.first(db.read, { id: organizationId, workspaceId: workspaceId ?? '' })
}

const allowListById = prepared<{ id: string }, { pickleAllowList: string }>((q, param) =>
  q.selectFrom('organization').select('pickleAllowList').where('id', '=', param('id')),
)

export async function selectAllowList(db: Db, organizationId: string): Promise<string> {
  return (await allowListById.first(db.read, { id: organizationId }))?.pickleAllowList ?? ''
}

export interface ContentVerdict {
  readonly content: string
  readonly level: string
  /** All scanners have spoken at least once. */
  readonly isScanned: boolean
  readonly isReleased: boolean
  readonly importSet: string | null
}

/** Of these contents, what is known; a content without a row is not scanned. */
export async function selectVerdicts(db: Db, contents: readonly string[]): Promise<ContentVerdict[]> {
  const rows = await db.read
    .selectFrom('contentScan')
    .leftJoin('scanRelease', 'scanRelease.content', 'contentScan.content')
    .select([
      'contentScan.content',
      'contentScan.level',
      'contentScan.scanners',
      'contentScan.importSet',
      'scanRelease.releasedAt',
    ])
    .where('contentScan.content', 'in', contents)
    .execute()
  return rows.map(({ content, level, scanners, importSet, releasedAt }) => ({
    content,
    level,
    isScanned: scanners !== null,
    isReleased: releasedAt !== null,
    importSet,
  }))
}

/**
 * Unsafe contents of a repo that nobody released, since a time; `prefix` is of their names. Unsafe contents are few, so the search begins there;
 * where they are many, it does not keep other requests waiting.
 */
export async function selectHeldOfRepo(db: Db, repoId: string, prefix: string, since: number): Promise<string | null> {
  const row = await db.list
    .selectFrom('contentScan')
    .innerJoin('scanPlace', 'scanPlace.content', 'contentScan.content')
    .leftJoin('scanRelease', 'scanRelease.content', 'contentScan.content')
    .select('contentScan.content')
    .where('contentScan.level', '=', 'unsafe')
    .where('contentScan.content', '>=', prefix)
    .where('contentScan.content', '<', `${prefix}\u007f`)
    .where('contentScan.foundAt', '>=', since)
    .where('scanPlace.repoId', '=', repoId)
    .where('scanRelease.content', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row?.content ?? null
}

/** A content of the repo that no scanner has finished with. */
export async function selectUnscannedOfRepo(db: Db, repoId: string, prefix: string): Promise<string | null> {
  const row = await db.list
    .selectFrom('contentScan')
    .innerJoin('scanPlace', 'scanPlace.content', 'contentScan.content')
    .leftJoin('scanRelease', 'scanRelease.content', 'contentScan.content')
    .select('contentScan.content')
    .where('contentScan.state', 'in', ['queued', 'scanning', 'error'])
    .where('contentScan.scanners', 'is', null)
    .where('contentScan.content', '>=', prefix)
    .where('contentScan.content', '<', `${prefix}\u007f`)
    .where('scanPlace.repoId', '=', repoId)
    .where('scanRelease.content', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row?.content ?? null
}

export async function selectListedHeads(db: Db, repoId: string): Promise<string | null> {
  const row = await db.read.selectFrom('repoScan').select('heads').where('repoId', '=', repoId).executeTakeFirst()
  return row?.heads ?? null
}

/** Which contents import what must be admitted, and which set that is. */
export async function selectImportSetsOf(
  db: Db,
  contents: readonly string[],
): Promise<{ content: string; importSet: string }[]> {
  return await db.read
    .selectFrom('contentScan')
    .select(['content', 'importSet'])
    .where('content', 'in', contents)
    .where('importSet', 'is not', null)
    .$narrowType<{ importSet: string }>()
    .execute()
}

export async function selectImportSets(db: Db, ids: readonly string[]): Promise<ImportSetTable[]> {
  if (ids.length === 0) return []
  return await db.read.selectFrom('importSet').selectAll().where('id', 'in', ids).execute()
}

/** The sets of a repo's contents that nobody released, since a time, each with one of its contents; `prefix` is of their names. */
export async function selectImportSetsOfRepo(
  db: Db,
  repoId: string,
  prefix: string,
  since: number,
  limit: number,
): Promise<{ importSet: string; content: string }[]> {
  return await db.list
    .selectFrom('contentScan')
    .innerJoin('scanPlace', 'scanPlace.content', 'contentScan.content')
    .leftJoin('scanRelease', 'scanRelease.content', 'contentScan.content')
    .select((eb) => ['contentScan.importSet', eb.fn.min('contentScan.content').as('content')])
    .where('contentScan.importSet', 'is not', null)
    .where('contentScan.content', '>=', prefix)
    .where('contentScan.content', '<', `${prefix}\u007f`)
    .where('contentScan.foundAt', '>=', since)
    .where('scanPlace.repoId', '=', repoId)
    .where('scanRelease.content', 'is', null)
    .groupBy('contentScan.importSet')
    .limit(limit)
    .$narrowType<{ importSet: string }>()
    .execute()
}
