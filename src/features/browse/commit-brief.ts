/** Commits as rows show them, with the accounts that their addresses belong to. */
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { authorsOf, listLastCommits, type Reading, type RepoEntry } from '../files/service.ts'
import { type SignatureView, signatureView, type Verification, verificationsOf } from '../signatures/service.ts'
import { inTime } from './in-time.ts'
import type { CommitBrief } from './tree-page.tsx'

/** A title may be as long as its author likes; a row is not. */
const longestTitle = 200

export function titleOf(commit: Commit): string {
  if (commit.title === '') return 'No message'
  return commit.title.length <= longestTitle ? commit.title : `${commit.title.slice(0, longestTitle)}…`
}

/** In the order given. */
export async function briefsOf(hub: Hub, repoId: string, commits: readonly Commit[]): Promise<CommitBrief[]> {
  const [authors, verifications] = await Promise.all([authorsOf(hub, commits), verificationsOf(hub, repoId, commits)])
  return commits.map((commit) => {
    const account = authors.get(commit.oid)
    const name = account?.name ?? commit.author.name
    return {
      id: commit.oid,
      title: titleOf(commit),
      at: commit.committer.at,
      signature: signatureOf(verifications.get(commit.oid)),
      author: {
        name: name.trim() === '' ? 'nobody' : name,
        kind: account?.kind ?? 'user',
        isAccount: account?.isAccount ?? false,
        isGone: account?.isGone ?? false,
      },
    }
  })
}

function signatureOf(one: Verification | undefined): SignatureView | null {
  return one === undefined || one.status === 'none' ? null : signatureView(one)
}

/** The last commit of one file or folder; null where it is not known in time. */
export async function lastBriefOf(
  hub: Hub,
  allowed: Reading,
  commit: string,
  entry: RepoEntry,
): Promise<CommitBrief | null> {
  const last = await inTime(hub.log, () => listLastCommits(hub, allowed, commit, [entry]))
  const found = last?.get(entry.path)
  return found === undefined ? null : ((await briefsOf(hub, allowed.resource.id, [found]))[0] ?? null)
}
