/** What the page of an unsafe file shows of who downloaded it, for those who may see that. */
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { DownloadView } from '../../web/download-table.tsx'
import { listDownloads } from './list.ts'
import { downloadsOfOrganization, downloadsOfRepo, downloadsOnHub } from './paths.ts'
import { viewOf } from './present.ts'
import { scopeOnRepo } from './scope.ts'

const shown = 10

export interface LatestOfContent {
  readonly records: readonly DownloadView[]
  /** Where the others are. */
  readonly allHref: string
  readonly mode: Hub['config']['downloadRecords']
}

/** `facts` are about a repo. Null for who may not see it. */
export async function loadLatestDownloads(hub: Hub, facts: Facts, content: string): Promise<LatestOfContent | null> {
  const scope = scopeOnRepo(facts)
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (scope === null || repo === null) return null
  const { records } = await listDownloads(hub, scope, content, null, shown)
  const { owner } = repo
  const ownHref =
    owner.kind === 'organization'
      ? downloadsOfOrganization(owner.name, content)
      : downloadsOfRepo({ kind: repo.kind, namespace: owner.name, name: repo.name })
  return {
    records: records.map(viewOf),
    allHref: scope.kind === 'all' ? downloadsOnHub(content) : ownHref,
    mode: hub.config.downloadRecords,
  }
}
