/** A model of which a file is held is not run: what is not handed out as a file is not handed out as an answer. */
import type { Facts } from '../../domain/facts.ts'
import { type Allowed, authorize } from '../../domain/policy.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { listFolder } from '../files/service.ts'
import { refuseHeldCommit } from '../storage/service.ts'

const filesAtOnce = 1_000
/** Contents of all commits that are remembered, each counted as one more; and of one: a model has some dozens. */
const mostRemembered = 200_000
const mostOfOne = 10_000

/** By commit: what is in one never changes. What is thought of it does, so that is asked for each call. */
const known = new Map<string, readonly string[]>()
let remembered = 0

/** Throws `content_held` and `model_not_signed`. An empty repo holds nothing: its server has the model from elsewhere. */
export async function refuseHeldModel(hub: Hub, facts: Facts, commit: string | null): Promise<void> {
  if (commit === null) return
  const reading = authorize('repo.content.read', facts)
  await refuseHeldCommit(hub, reading.resource, commit, () => contentsOf(hub, reading, commit))
}

export async function* contentsOf(
  hub: Hub,
  reading: Allowed<'repo.content.read'>,
  commit: string,
): AsyncGenerator<readonly string[]> {
  const key = `${reading.resource.id} ${commit}`
  const contents = known.get(key)
  if (contents !== undefined) {
    yield contents
    return
  }
  const all: string[] = []
  let after: string | null = null
  do {
    const page = await listFolder(hub, reading, commit, '', { recursive: true, after, limit: filesAtOnce })
    const some = page.entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink).map(contentOf)
    if (all.length <= mostOfOne) all.push(...some)
    yield some
    after = page.next
  } while (after !== null)
  if (all.length <= mostOfOne) remember(key, all)
}

function remember(key: string, contents: readonly string[]): void {
  if (known.has(key)) return
  known.set(key, contents)
  remembered += contents.length + 1
  for (const [oldest, { length }] of known) {
    if (remembered <= mostRemembered) break
    known.delete(oldest)
    remembered -= length + 1
  }
}
