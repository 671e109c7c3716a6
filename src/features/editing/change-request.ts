/** What the routes that change files have in common. */
import type { Target } from '../../access/load-facts.ts'
import type { Asked, Call } from '../../access/route.ts'
import { type ErrorCode, HoldfastError } from '../../domain/errors.ts'
import { splitRevisionAndPath } from '../../domain/names.ts'
import type { FormState } from '../../web/form-state.ts'
import type { EditGate, Editor } from './change-form.ts'

export const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

/** Without a revision it is `main`. */
export function placeOf(tail: readonly string[]): { readonly revision: string; readonly path: string } {
  const { revision, path } = splitRevisionAndPath(tail)
  return { revision: revision === '' ? 'main' : revision, path: path.replace(/\/+$/, '') }
}

export function editorOf(call: Call<'repo.push', unknown, unknown>, gate: EditGate): Editor {
  const { hub, allowed, request } = call
  return { hub, gate, allowed, origin: request.origin, reauthorize: call.reauthorize }
}

/** Where the message of an error stands. */
const fieldOf: Partial<Record<ErrorCode, string>> = {
  unsafe_path: 'path',
  secrets_in_push: 'content',
  token_leaked: 'content',
  invalid_metadata: 'content',
  invalid_ref_name: 'newBranch',
  reference_exists: 'newBranch',
}

/** The form as it was sent, with what is wrong with it. `fields`: where this form has something else. */
export function formOf(
  body: Readonly<Record<string, unknown>>,
  fault: HoldfastError | null = null,
  fields: Partial<Record<ErrorCode, string>> = fieldOf,
): FormState {
  const values: Record<string, string> = {}
  // The text has a place of its own on the page.
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'string' && name !== 'content' && name !== 'confirm') values[name] = value
  }
  if (fault === null) return { values, errors: {} }
  const message = [fault.message, fault.next].filter((line) => line !== null).join(' ')
  const named = fault.code === 'invalid_input' ? fault.params.field : undefined
  const field = typeof named === 'string' ? named : fields[fault.code]
  return field === undefined ? { values, errors: {}, problem: message } : { values, errors: { [field]: message } }
}

/** Why no page can make a commit here, as the signing policy has it; null where one can. */
export async function refusalOf(
  gate: EditGate,
  { hub, allowed }: Call<'repo.push', unknown, unknown>,
): Promise<{ readonly message: string; readonly next: string | null } | null> {
  try {
    await gate.mayCommit(hub, allowed)
    return null
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError) || thrown.status >= 500) throw thrown
    return { message: thrown.message, next: thrown.next }
  }
}
