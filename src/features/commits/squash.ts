/** Makes one commit of a whole branch. The files stay as they are; the history before is no longer reachable. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readRefs } from '../../platform/git/refs.ts'
import { stageCommit } from '../../platform/git/stage.ts'
import { changeRefs } from '../ingest/service.ts'
import { commitPerson, signAsHub } from '../repos/service.ts'
import { branchRef } from './branch.ts'

/** Gives the new head. Throws `revision_not_found`, and `ref_moved` where somebody commits meanwhile. */
export async function squashBranch(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  input: { readonly revision: string; readonly message: string },
): Promise<string> {
  const repoId = allowed.resource.id
  const ref = branchRef(input.revision)
  const head = (await readRefs(hub.git, repoId, [ref]))[0] ?? null
  if (head === null) throw revisionNotFound(input.revision)
  const stage = await stageCommit(hub.git, repoId, head)
  try {
    const person = commitPerson(hub, allowed.principal)
    const { commit } = await stage.finish({
      author: person,
      committer: person,
      message: input.message,
      parents: [],
      sign: signAsHub(hub),
    })
    await stage.publish()
    const moves = [{ ref, oldOid: head, newOid: commit }]
    const result = await changeRefs(hub, allowed, origin, moves, { via: 'api', squashed: true })
    if (!result.ok) throw new HoldfastError('ref_moved', { ref }, { cause: new Error(result.message) })
    return commit
  } finally {
    await stage.discard()
  }
}
