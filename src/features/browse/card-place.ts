/** Where a text of a repo stands, for the links and pictures in it. */
import type { Hub } from '../../hub.ts'
import { type RepoAddress, repoPath } from '../../web/address.ts'
import type { CardPlace } from './card-address.ts'

/** `revision`: a name or an id, not encoded. Relative links of a file begin in its folder; `path` may be that of a file still to be made. */
export function cardPlace(hub: Hub, repo: RepoAddress, revision: string, path: string): CardPlace {
  return {
    repoPath: repoPath(repo),
    revision: encodeURIComponent(revision),
    origin: new URL(hub.config.publicUrl).origin,
    folder: path.slice(0, Math.max(0, path.lastIndexOf('/'))),
  }
}
