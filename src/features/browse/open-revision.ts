/** Which commit a page is about, and what its switch of revisions offers. */
import { HoldfastError } from '../../domain/errors.ts'
import { revisionNotFound } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { listRefs } from '../../platform/git/refs.ts'
import { type FoundRevision, getRevision, type Reading } from '../files/service.ts'
import type { RevisionView } from './revision-bar.tsx'

/** Refs that the switch lists; the page of refs has more. */
const mostListed = 100

export type Opened =
  | { readonly kind: 'found'; readonly commit: string; readonly view: RevisionView }
  /** No commit anywhere. */
  | { readonly kind: 'empty' }
  /** No `main`, but other branches. */
  | { readonly kind: 'elsewhere' }

/** `revision` as it stands in the address; empty means `main`. Throws `revision_not_found`. */
export async function openRevision(hub: Hub, allowed: Reading, revision: string): Promise<Opened> {
  const isDefault = revision === '' || revision === 'HEAD' || revision === 'main'
  const asked = isDefault ? 'main' : revision
  const [found, refs] = await Promise.all([
    findRevision(hub, allowed, asked),
    listRefs(hub.git, allowed.resource.id, ['refs/heads', 'refs/tags'], mostListed),
  ])
  const names = (prefix: string): string[] =>
    refs.filter(({ ref }) => ref.startsWith(prefix)).map(({ ref }) => ref.slice(prefix.length))
  const branches = names('refs/heads/')
  const tags = names('refs/tags/')
  if (found !== null) return { kind: 'found', commit: found.commit, view: viewOf(asked, found, branches, tags) }
  if (!isDefault) throw revisionNotFound(revision)
  return { kind: refs.length === 0 ? 'empty' : 'elsewhere' }
}

async function findRevision(hub: Hub, allowed: Reading, revision: string): Promise<FoundRevision | null> {
  if (revision !== 'main') return await getRevision(hub, allowed, revision)
  try {
    return await getRevision(hub, allowed, revision)
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'revision_not_found') return null
    throw error
  }
}

function viewOf(asked: string, { ref }: FoundRevision, branches: string[], tags: string[]): RevisionView {
  const lists = { branches, tags }
  if (ref === null) return { name: asked, kind: 'commit', ...lists }
  if (ref.startsWith('refs/heads/')) return { name: ref.slice('refs/heads/'.length), kind: 'branch', ...lists }
  if (ref.startsWith('refs/tags/')) return { name: ref.slice('refs/tags/'.length), kind: 'tag', ...lists }
  return { name: ref, kind: 'other', ...lists }
}
