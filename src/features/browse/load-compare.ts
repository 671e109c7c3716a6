/** What the page that compares two revisions shows: as a merge would take it, from where the two parted. */
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { mergeBase } from '../../platform/git/diff.ts'
import { listCommits } from '../../platform/git/history.ts'
import { listRefs } from '../../platform/git/refs.ts'
import type { RepoAddress } from '../../web/address.ts'
import { getRevision } from '../files/service.ts'
import { briefsOf } from './commit-brief.ts'
import type { Comparison } from './compare-page.tsx'
import { inTime } from './in-time.ts'
import { loadChanges } from './load-commit.ts'

type Reading = Allowed<'repo.content.read'>

const mostCommits = 50
const mostNames = 200

/** Throws `revision_not_found`. */
export async function loadComparison(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  base: string,
  head: string,
): Promise<Comparison> {
  const repoId = allowed.resource.id
  const [from, to] = await Promise.all([getRevision(hub, allowed, base), getRevision(hub, allowed, head)])
  const [page, { changes, isUnrelated }] = await Promise.all([
    inTime(hub.log, () => listCommits(hub.git, repoId, to.commit, { since: from.commit, limit: mostCommits })),
    sinceParted(hub, allowed, repo, from.commit, to.commit),
  ])
  return {
    commits: page === null ? null : await briefsOf(hub, repoId, page.commits),
    isCut: page !== null && page.next !== null,
    changes,
    isUnrelated,
  }
}

async function sinceParted(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  from: string,
  to: string,
): Promise<Pick<Comparison, 'changes' | 'isUnrelated'>> {
  // That no commit is common to both is an answer too, other than none in time.
  const parted = await inTime(hub.log, async () => ({ at: await mergeBase(hub.git, allowed.resource.id, from, to) }))
  if (parted === null) return { changes: null, isUnrelated: false }
  const changes = await loadChanges(hub, allowed, repo, parted.at ?? from, to)
  return { changes, isUnrelated: parted.at === null }
}

/** Branches and tags, as far as a field offers them. */
export async function refNames(hub: Hub, allowed: Reading): Promise<string[]> {
  const refs = await listRefs(hub.git, allowed.resource.id, ['refs/heads', 'refs/tags'], mostNames)
  return [...new Set(refs.map(({ ref }) => ref.replace(/^refs\/(?:heads|tags)\//, '')))]
}
