/** Branches and tags made and deleted through the API. The ref moves go through the one ingest; here is what is asked for, and its words. */
import { commitIdentity } from '../../domain/commit-identity.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { parseRefName, revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Person } from '../../platform/git/commit.ts'
import { type RefMove, readRefs, writeTagObject } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { stageCommit } from '../../platform/git/stage.ts'
import { type CommitGate, changeRefs, inOurWords } from '../ingest/service.ts'
import { signAsHub } from '../repos/service.ts'
import { getRevision } from './contents.ts'

type Writing = Allowed<'repo.push'>

/** Whether the hub may make a commit, and whether a commit may be led to: a feature above hands it in. */
export type RefGate = Pick<CommitGate, 'mayCommit' | 'mayPoint'>

export interface NewBranch {
  readonly name: string
  /** Default: the head of `main`. */
  readonly startingPoint: string | null
  /** A first commit without files, instead of a starting point. */
  readonly isEmpty: boolean
  /** Moves a branch that is there already. */
  readonly overwrite: boolean
}

/** Throws `reference_exists`, `revision_not_found`, `invalid_ref_name`. */
export async function createBranch(
  hub: Hub,
  gate: RefGate,
  allowed: Writing,
  origin: Origin,
  input: NewBranch,
): Promise<void> {
  const ref = `refs/heads/${parseRefName(input.name)}`
  const current = await readOne(hub, allowed, ref)
  if (current !== null && !input.overwrite) throw new HoldfastError('reference_exists', { ref })
  const target = input.isEmpty
    ? await commitNothing(hub, gate, allowed)
    : (await getRevision(hub, allowed, input.startingPoint ?? 'HEAD')).commit
  if (!input.isEmpty) await gate.mayPoint(hub, allowed, origin, target)
  await move(hub, allowed, origin, { ref, oldOid: current ?? zeroOid, newOid: target })
}

/** Throws `branch_not_found`, `cannot_delete_main`. */
export async function deleteBranch(hub: Hub, allowed: Writing, origin: Origin, name: string): Promise<void> {
  await remove(hub, allowed, origin, 'refs/heads/', name)
}

/** With a message the tag is annotated. Throws `reference_exists`, `revision_not_found`, `invalid_ref_name`. */
export async function createTag(
  hub: Hub,
  gate: RefGate,
  allowed: Writing,
  origin: Origin,
  input: { readonly name: string; readonly revision: string; readonly message: string | null },
): Promise<void> {
  const name = parseRefName(input.name)
  const ref = `refs/tags/${name}`
  const { commit } = await getRevision(hub, allowed, input.revision)
  if ((await readOne(hub, allowed, ref)) !== null) throw new HoldfastError('reference_exists', { ref })
  await gate.mayPoint(hub, allowed, origin, commit)
  const message = input.message?.trim() ?? ''
  const target =
    message === ''
      ? commit
      : await writeTagObject(hub.git, allowed.resource.id, { name, target: commit, message, tagger: me(hub, allowed) })
  await move(hub, allowed, origin, { ref, oldOid: zeroOid, newOid: target })
}

/** Throws `revision_not_found`. */
export async function deleteTag(hub: Hub, allowed: Writing, origin: Origin, name: string): Promise<void> {
  await remove(hub, allowed, origin, 'refs/tags/', name)
}

async function remove(
  hub: Hub,
  allowed: Writing,
  origin: Origin,
  prefix: 'refs/heads/' | 'refs/tags/',
  name: string,
): Promise<void> {
  const ref = `${prefix}${parseRefName(name)}`
  const current = await readOne(hub, allowed, ref)
  if (current === null) throw revisionNotFound(name)
  await move(hub, allowed, origin, { ref, oldOid: current, newOid: zeroOid })
}

async function move(hub: Hub, allowed: Writing, origin: Origin, refMove: RefMove): Promise<void> {
  const result = await changeRefs(hub, allowed, origin, [refMove])
  if (result.ok) return
  const { ref, oldOid } = refMove
  if (result.reason === 'name-conflict') {
    const reason = 'another branch or tag has a part of this name; "a" and "a/b" cannot stand side by side'
    throw new HoldfastError('invalid_ref_name', { ref, reason })
  }
  throw oldOid === zeroOid ? new HoldfastError('reference_exists', { ref }) : new HoldfastError('ref_moved', { ref })
}

/** A first commit without files; nothing points at it yet. */
async function commitNothing(hub: Hub, gate: RefGate, allowed: Writing): Promise<string> {
  await gate.mayCommit(hub, allowed)
  const stage = await stageCommit(hub.git, allowed.resource.id, null)
  try {
    const author = me(hub, allowed)
    const { commit } = await stage.finish({
      author,
      committer: author,
      message: 'initial commit',
      sign: signAsHub(hub),
    })
    await stage.publish()
    return commit
  } catch (error) {
    throw inOurWords(error)
  } finally {
    await stage.discard()
  }
}

async function readOne(hub: Hub, allowed: Writing, ref: string): Promise<string | null> {
  return (await readRefs(hub.git, allowed.resource.id, [ref]))[0] ?? null
}

function me(hub: Hub, allowed: Writing): Person {
  const { hostname } = new URL(hub.config.publicUrl)
  return { ...commitIdentity(allowed.principal, hostname), at: hub.clock.now() }
}
