/** The JSON of commits and upload plans, as the Hub's clients read it (hub-api.md, section 6). */
import type { RepoFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { repoUrl } from '../repos/service.ts'
import type { UploadPlan } from './preupload.ts'

export function presentCommitted(hub: Hub, repo: RepoFacts, commit: string) {
  const url = repoUrl(hub, repo.kind, `${repo.owner.name}/${repo.name}`)
  return { success: true, commitOid: commit, commitUrl: `${url}/commit/${commit}`, hookOutput: '' }
}

export function presentPlan(plan: UploadPlan) {
  return {
    files: plan.files.map(({ path, isLarge, isIgnored, oid }) => ({
      path,
      uploadMode: isLarge ? 'lfs' : 'regular',
      shouldIgnore: isIgnored,
      oid,
    })),
    ...(plan.commit === null ? {} : { commitOid: plan.commit }),
  }
}
