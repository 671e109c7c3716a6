/** What the page of refs shows: the first branches and tags by name, with the commit that each leads to. */
import type { Hub } from '../../hub.ts'
import { parseCommit } from '../../platform/git/commit.ts'
import { readObjects } from '../../platform/git/objects.ts'
import { listRefs } from '../../platform/git/refs.ts'
import type { Reading } from '../files/service.ts'
import { titleOf } from './commit-brief.ts'
import type { RefList } from './refs-page.tsx'

const mostShown = 200
const commitLimit = 1_048_576

export async function loadRefs(hub: Hub, allowed: Reading): Promise<{ branches: RefList; tags: RefList }> {
  const [branches, tags] = await Promise.all([
    loadList(hub, allowed.resource.id, 'refs/heads'),
    loadList(hub, allowed.resource.id, 'refs/tags'),
  ])
  return { branches, tags }
}

async function loadList(hub: Hub, repoId: string, prefix: 'refs/heads' | 'refs/tags'): Promise<RefList> {
  const refs = await listRefs(hub.git, repoId, [prefix], mostShown + 1)
  const shown = refs.slice(0, mostShown)
  const objects = await readObjects(
    hub.git,
    repoId,
    shown.map(({ target }) => target),
    commitLimit,
  )
  const rows = shown.map(({ ref }, index) => {
    const object = objects[index]
    const commit = object?.type === 'commit' ? parseCommit(object.oid, object.bytes) : null
    return {
      name: ref.slice(prefix.length + 1),
      commit: commit && { id: commit.oid, title: titleOf(commit), at: commit.committer.at },
      isDefault: ref === 'refs/heads/main',
    }
  })
  return { rows, isCut: refs.length > mostShown }
}
