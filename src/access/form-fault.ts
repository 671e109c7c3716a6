/** Forms that were refused: the same page again with what was sent and the message where it belongs. Secrets never travel back. */
import { type ErrorCode, HoldfastError } from '../domain/errors.ts'
import type { FormState } from '../web/form-state.ts'
import { deniedHeaders } from './error-reply.ts'
import type { Headers, Reply } from './reply.ts'

const neverShownAgain: readonly string[] = [
  'password',
  'current',
  'link',
  'confirm',
  'code',
  'recovery',
  'response',
  'secret',
]

/** Runs a form's action; a refusal that its sender can mend goes to `show`, everything else on. */
export async function orShow(
  run: () => Promise<Reply>,
  show: (fault: HoldfastError) => Promise<Reply>,
): Promise<Reply> {
  try {
    return await run()
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError) || thrown.status >= 500) throw thrown
    return await show(thrown)
  }
}

/** `fields`: at which field the message of an error belongs; without one, and without `params.field`, it stands over the form. */
export function formWithFault(
  body: Readonly<Record<string, unknown>>,
  fault: HoldfastError,
  fields: Partial<Record<ErrorCode, string>> = {},
): FormState {
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'string' && !neverShownAgain.includes(name)) values[name] = value
  }
  const named = fault.params.field
  const field = typeof named === 'string' ? named : fields[fault.code]
  if (field !== undefined) return { values, errors: { [field]: fault.message } }
  return { values, errors: {}, problem: [fault.message, fault.next].filter((line) => line !== null).join(' ') }
}

/** How a page with a refused form is answered: 422 where the input was at fault, else the error's own status. */
export function faultAnswer(fault: HoldfastError): { status: number; headers: Headers } {
  return {
    status: fault.status === 400 ? 422 : fault.status,
    headers: { ...fault.extras.headers, ...deniedHeaders(fault) },
  }
}
