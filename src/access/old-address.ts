/** What is asked at an address that a repo or an organization had before: led on, for those who may know where it is now (REP-3). */
import type { Facts } from '../domain/facts.ts'
import { canSee } from '../domain/policy.ts'
import type { Hub } from '../hub.ts'
import { presentedCredential } from './credentials.ts'
import { findMovedRepo, findRenamedOwner } from './find-moved.ts'
import type { HttpRequest } from './http-request.ts'
import { type LoadedFacts, loadFacts, type Target } from './load-facts.ts'
import type { Presented } from './presented.ts'
import { type Reply, redirect } from './reply.ts'
import type { Match } from './route-table.ts'

/**
 * Git remembers where a redirect led only if it came before the question for a password, and follows none for what it posts: an old address of
 * a private repo would take no fetch and no push. So what git posts is carried out where the repo is now, by the rights that hold there; and so is a
 * call of OpenAI's API, which names its model in the body.
 */
export async function followed(
  hub: Hub,
  presented: Presented,
  target: Target,
  found: LoadedFacts,
  request: HttpRequest,
): Promise<LoadedFacts> {
  const { resource } = found.facts
  if (target.on !== 'repo' || resource.on !== 'repo' || resource.repo !== null) return found
  const moved = await findMovedRepo(hub.db, target.kind, target.namespace, target.name)
  if (moved === null) return found
  return await loadFacts(hub.db, presented, { on: 'repo-id', id: moved.id }, hub.clock.now(), request.origin.ip)
}

/** 307 to the new address, for those who may see the repo there (REP-3). To everybody else the old address is simply empty. */
export async function movedReply(
  hub: Hub,
  match: Match,
  facts: Facts,
  target: Target,
  request: HttpRequest,
): Promise<Reply | null> {
  if (target.on !== 'repo' || facts.resource.on !== 'repo' || facts.resource.repo !== null) return null
  const moved = await findMovedRepo(hub.db, target.kind, target.namespace, target.name.replace(/\.git$/i, ''))
  if (moved === null) return null
  const presented = presentedCredential(request, hub.keys)
  const there = await loadFacts(hub.db, presented, { on: 'repo-id', id: moved.id }, hub.clock.now(), request.origin.ip)
  if (
    there.facts.resource.on !== 'repo' ||
    there.facts.resource.repo === null ||
    !canSee(there.facts, there.facts.resource.repo)
  )
    return null
  const path = match.moved(moved.namespace, moved.name)
  if (path === null) return null
  const search = request.query.toString()
  return redirect(search === '' ? path : `${path}?${search}`, 307)
}

/** 307 to what the organization is called now. Whether it is there is no secret: the new address decides about the rest. */
export async function renamedReply(
  hub: Hub,
  match: Match,
  { resource }: Facts,
  target: Target,
  request: HttpRequest,
): Promise<Reply | null> {
  const isMissing =
    (resource.on === 'organization' && resource.organization === null) ||
    (resource.on === 'group' && resource.group === null) ||
    (resource.on === 'workspace' && resource.workspace === null)
  if (!isMissing) return null
  const from = target.on === 'organization' ? target.name : 'organization' in target ? target.organization : ''
  const to = await findRenamedOwner(hub.db, from)
  const path = to === null ? null : match.renamed(from, to)
  if (path === null) return null
  const search = request.query.toString()
  return redirect(search === '' ? path : `${path}?${search}`, 307)
}
