/** How many heads of branches would not meet a policy (SIG-7): what turning it on means for those who work there. */
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import { listRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { judgeCommits } from './judge-commits.ts'
import { type PolicyTarget, type SigningLevel, shortfall } from './policy.ts'
import { selectRepoIds } from './policy-queries.ts'

export interface FailingHeads {
  readonly failing: number
  readonly heads: number
  /** False where there are too many to look at all of them. */
  readonly isWhole: boolean
}

const mostRepos = 1_000
const mostHeads = 5_000
const timeLimitMs = 5_000
const commitLimit = 1024 * 1024

export async function failingHeads(hub: Hub, target: PolicyTarget, level: SigningLevel): Promise<FailingHeads> {
  const repos = 'repo' in target ? [target.repo.id] : await selectRepoIds(hub.db, target.organization.id, mostRepos + 1)
  const until = performance.now() + timeLimitMs
  let failing = 0
  let heads = 0
  for (const [index, repoId] of repos.entries()) {
    if (index >= mostRepos || heads >= mostHeads || performance.now() > until) return { failing, heads, isWhole: false }
    if (!(await hasRepository(hub.git, repoId))) continue
    const commits = []
    for (const { oid } of await listRefs(hub.git, repoId, ['refs/heads'])) {
      const object = await readObject(hub.git, repoId, oid, commitLimit)
      if (object?.type === 'commit') commits.push({ oid, bytes: object.bytes })
    }
    heads += commits.length
    failing += (await judgeCommits(hub, commits)).filter((judged) => shortfall(judged, level, true) !== null).length
  }
  return { failing, heads, isWhole: true }
}
