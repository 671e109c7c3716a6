/**
 * The leak trap for what is too long for a push to wait for it: texts stored by LFS or Xet, and large files of git. The sandbox has no keys and tells only where
 * something stands that looks like a token of this hub; whether it is one is seen here.
 */
import { loadFacts } from '../../../access/load-facts.ts'
import { systemOrigin } from '../../../domain/event.ts'
import { systemGrant } from '../../../domain/policy.ts'
import { tokenLength } from '../../../domain/token.ts'
import type { Hub } from '../../../hub.ts'
import { findPaths } from '../../../platform/git/reachable.ts'
import { type Locate, TokenFinder, trapTokens } from '../../ingest/service.ts'
import { type ByteSource, readBytes } from '../byte-source.ts'
import { selectPlaces } from '../scan-queries.ts'

const reason = 'scanner of secrets'

/** Nothing where no token is of this hub and live. The first repo that holds the content counts as the place of the leak. */
export async function trapStored(
  hub: Hub,
  content: string,
  source: ByteSource,
  places: readonly number[],
): Promise<void> {
  const finder = new TokenFinder(hub.keys)
  const [held] = await selectPlaces(hub.db, content, 1)
  if (held === undefined) return
  for (const at of places) {
    // One more: a longer word is no token.
    finder.look({ kind: 'blob', oid: held.oid }, Buffer.from(await readBytes(source, at, tokenLength + 1)))
  }
  if (finder.found.length === 0) return
  const target = { on: 'repo-id', id: held.repoId } as const
  const { facts } = await loadFacts(hub.db, { kind: 'none' }, target, hub.clock.now())
  if (facts.resource.on !== 'repo' || facts.resource.repo === null) return
  const allowed = systemGrant('repo.push', facts.resource, reason)
  await trapTokens(hub, allowed, systemOrigin, finder.found, 'found', locateStored(hub, held.repoId, held.oid))
}

function locateStored(hub: Hub, repoId: string, oid: string): Locate {
  return async (places) => {
    const paths = await findPaths(hub.git, repoId, { include: 'all', exclude: [] }, new Set([oid]), {})
    const path = (paths.get(oid) || oid).replace(/[\p{C}\u202a-\u202e\u2066-\u2069]/gu, '?').slice(0, 300)
    return places.map(() => ({ words: `"${path}"`, path, commit: null }))
  }
}
