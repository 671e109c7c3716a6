/** What is done with secrets in what is pushed to a repo: the stricter of what the hub and the organization say. */
import type { RepoFacts } from '../../domain/facts.ts'
import { type LeakPolicy, stricterLeakPolicy } from '../../domain/leak-policy.ts'
import type { Hub } from '../../hub.ts'
import { selectLeakPolicy } from './queries.ts'

export async function leakPolicyOf(hub: Hub, { owner }: Pick<RepoFacts, 'owner'>): Promise<LeakPolicy> {
  const { leakedTokens, pushProtection } = hub.config
  const own = owner.kind === 'organization' ? await selectLeakPolicy(hub.db, owner.id) : null
  return stricterLeakPolicy({ leakedTokens, pushProtection }, own ?? { leakedTokens: 'record', pushProtection: 'off' })
}
