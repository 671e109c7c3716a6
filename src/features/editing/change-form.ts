/** What every form that changes files asks: the message of the commit, the branch, and the commit that its author looked at. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { parseRefName } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readRefs } from '../../platform/git/refs.ts'
import type { CommitHeader, CommitOperation } from '../commits/service.ts'
import { commitParts } from '../commits/service.ts'
import type { CommitGate } from '../ingest/service.ts'
import type { Branch } from './branch-at.ts'

export type EditGate = Pick<CommitGate, 'mayCommit' | 'mayPoint' | 'watch'>

const line = z.string().max(2_000).default('')

export const changeFields = {
  summary: line,
  description: z.string().max(65_536).default(''),
  target: z.enum(['here', 'new']).default('here'),
  newBranch: line,
  /** Empty for a repo without a commit. */
  parentCommit: z
    .string()
    .regex(/^(?:[0-9a-f]{40})?$/)
    .default(''),
}

const changeSchema = z.object(changeFields)
export type ChangeForm = z.output<typeof changeSchema>

/** What changes files for one request: the services ask again, right before the branch moves. */
export interface Editor {
  readonly hub: Hub
  readonly gate: EditGate
  readonly allowed: Allowed<'repo.push'>
  readonly origin: Origin
  reauthorize(): Promise<Allowed<'repo.push'>>
}

export interface Landed {
  readonly commit: string
  /** The branch that the commit is on: a new one where that was asked for. */
  readonly branch: string
  readonly isUnchanged: boolean
}

const longestSummary = 200

/** Refuses what can be refused before anything is sent or read; gives the branch that the commit goes to. Throws `human_signature_only`, `invalid_ref_name`, `reference_exists`. */
export async function prepareChange(editor: Editor, branch: Branch, form: ChangeForm): Promise<string> {
  const { hub, gate, allowed, origin } = editor
  await gate.mayCommit(hub, allowed)
  if (form.target === 'here') return branch.name
  if (branch.head === null) {
    throw new HoldfastError('invalid_input', {
      reason: 'The first commit makes the branch main. Choose to commit to it.',
      field: 'newBranch',
    })
  }
  const name = parseRefName(form.newBranch.trim())
  const ref = `refs/heads/${name}`
  if ((await readRefs(hub.git, allowed.resource.id, [ref]))[0] != null)
    throw new HoldfastError('reference_exists', { ref })
  await gate.mayPoint(hub, allowed, origin, branch.head)
  return name
}

/** One commit, all or nothing. `summary`: what it says where nobody wrote anything; `prepared`: what `prepareChange` gave, where it was asked before. Throws what `commitParts` throws, `changed_meanwhile` among it. */
export async function commitChange(
  editor: Editor,
  branch: Branch,
  form: ChangeForm,
  summary: string,
  operations: AsyncIterable<CommitOperation> | Iterable<CommitOperation>,
  prepared?: string,
): Promise<Landed> {
  const { hub, gate, allowed, origin } = editor
  const name = prepared ?? (await prepareChange(editor, branch, form))
  const header: CommitHeader = {
    kind: 'header',
    summary: form.summary.trim() || summary.slice(0, longestSummary),
    description: form.description.replaceAll('\r\n', '\n'),
    parentCommit: null,
  }
  const request = {
    revision: `refs/heads/${name}`,
    ...(form.target === 'new' && branch.head !== null ? { startAt: branch.head } : {}),
    seen: form.parentCommit === '' ? null : form.parentCommit,
    origin,
    // No form names bytes by their hash.
    mayRead: async () => null,
    watch: await gate.watch(hub, allowed),
    reauthorize: async () => {
      const again = await editor.reauthorize()
      await gate.mayCommit(hub, again)
      return again
    },
  }
  async function* parts() {
    yield header
    yield* operations
  }
  const { commit, isUnchanged } = await commitParts(hub, allowed, request, parts())
  return { commit, branch: name, isUnchanged }
}
