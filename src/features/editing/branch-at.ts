/** The branch that a page of changes is about: files are changed on branches, never at a tag or a commit. */
import { revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readRefs } from '../../platform/git/refs.ts'
import { branchRef } from '../commits/service.ts'
import { getRevision } from '../files/service.ts'

export interface Branch {
  readonly name: string
  /** Null for `main` of a repo that has none yet. */
  readonly head: string | null
}

/** Null where the revision is a tag or a commit. Throws `revision_not_found`. */
export async function branchAt(hub: Hub, allowed: Allowed<'repo.push'>, revision: string): Promise<Branch | null> {
  const found = await findBranch(hub, allowed, revision)
  if (found !== null) return found
  await getRevision(hub, allowed, revision)
  return null
}

async function findBranch(hub: Hub, allowed: Allowed<'repo.push'>, revision: string): Promise<Branch | null> {
  const ref = /^refs\/(?!heads\/)/.test(revision) ? null : branchRef(revision)
  if (ref === null) return null
  const head = (await readRefs(hub.git, allowed.resource.id, [ref]))[0] ?? null
  return head === null && ref !== 'refs/heads/main' ? null : { name: ref.slice('refs/heads/'.length), head }
}

/** The same where nothing but a branch will do. Throws `revision_not_found`. */
export async function needBranch(hub: Hub, allowed: Allowed<'repo.push'>, revision: string): Promise<Branch> {
  const branch = await branchAt(hub, allowed, revision)
  if (branch === null) throw revisionNotFound(revision)
  return branch
}
