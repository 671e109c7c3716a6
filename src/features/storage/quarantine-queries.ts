/** The SQL of quarantine: what scanners found unsafe, what they have not seen yet, and what an administrator released. */
import type { ScanPolicy } from '../../domain/quarantine.ts'
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

export interface PlacePolicy {
  readonly scanPolicy: ScanPolicy
  /** Since when only signed models are handed out, there and in the workspace; 0 or null: all are. */
  readonly signedModelsSince: number
  readonly workspaceSince: number | null
  readonly modelKeyRemovedAt: number
}

const policyById = prepared<{ id: string; workspaceId: string }, PlacePolicy>((q, param) =>
  q
    .selectFrom('organization')
    .leftJoin('workspace', (join) => join.on('workspace.id', '=', param('workspaceId')))
    .select(['organization.scanPolicy', 'organization.signedModelsSince', 'organization.modelKeyRemovedAt'])
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

export interface ContentVerdict {
  readonly content: string
  readonly level: string
  /** All scanners have spoken at least once. */
  readonly isScanned: boolean
  readonly isReleased: boolean
}

/** Of these contents, what is known; a content without a row is not scanned. */
export async function selectVerdicts(db: Db, contents: readonly string[]): Promise<ContentVerdict[]> {
  const rows = await db.read
    .selectFrom('contentScan')
    .leftJoin('scanRelease', 'scanRelease.content', 'contentScan.content')
    .select(['contentScan.content', 'contentScan.level', 'contentScan.scanners', 'scanRelease.releasedAt'])
    .where('contentScan.content', 'in', contents)
    .execute()
  return rows.map(({ content, level, scanners, releasedAt }) => ({
    content,
    level,
    isScanned: scanners !== null,
    isReleased: releasedAt !== null,
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
