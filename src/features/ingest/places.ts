/** Where in a change something was found, and how that is told: to terminals, in errors and events. */
import type { Hub } from '../../hub.ts'
import { findIntroductions, findPaths } from '../../platform/git/reachable.ts'
import type { Push } from '../../platform/git/receive-pack.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'

export type Place =
  | { readonly kind: 'path'; readonly path: string }
  /** A file whose path is not known yet. */
  | { readonly kind: 'blob'; readonly oid: string }
  /** Null: of the commit that is being made. */
  | { readonly kind: 'message'; readonly of: 'commit' | 'tag'; readonly oid: string | null }

export interface Spot {
  /** `"a/b.txt" (commit 1234567890ab)`. */
  readonly words: string
  readonly path: string | null
  readonly commit: string | null
}

export type Locate = (places: readonly Place[]) => Promise<readonly Spot[]>

/** For a change that is not made yet: what its places say themselves. */
export const locateHere: Locate = async (places) =>
  places.map((place) =>
    place.kind === 'path' ? spot(place.path, null) : { words: 'the message of the commit', path: null, commit: null },
  )

/** Objects become paths and commits only now, when there is something to say about them: looking for them walks the push. */
export function locateIn(hub: Hub, repoId: string, push: Push): Locate {
  return async (places) => {
    const wanted = new Set(places.flatMap((place) => (place.kind === 'blob' ? [place.oid] : [])))
    const include = push.moves.map((move) => move.newOid).filter((oid) => oid !== zeroOid)
    const environment = push.quarantine.environment()
    const found = wanted.size === 0 ? new Map() : await findIntroductions(hub.git, repoId, include, wanted, environment)
    const left = new Set([...wanted].filter((oid) => !found.has(oid)))
    const paths =
      left.size === 0
        ? new Map<string, string>()
        : await findPaths(hub.git, repoId, { include, exclude: [] }, left, environment)
    return places.map((place) => {
      if (place.kind === 'path') return spot(place.path, null)
      if (place.kind === 'message') {
        const words = `the message of ${place.of} ${place.oid?.slice(0, 12) ?? ''}`
        return { words, path: null, commit: place.of === 'commit' ? place.oid : null }
      }
      const known: { path: string; commit: string } | undefined = found.get(place.oid)
      return known === undefined ? spot(paths.get(place.oid) || place.oid, null) : spot(known.path, known.commit)
    })
  }
}

function spot(name: string, commit: string | null): Spot {
  // Paths go to terminals.
  const path = name.replace(/[\p{C}\u202a-\u202e\u2066-\u2069]/gu, '?').slice(0, 300)
  return { words: `"${path}"${commit === null ? '' : ` (commit ${commit.slice(0, 12)})`}`, path, commit }
}
