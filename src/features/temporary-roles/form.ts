/** What forms send of a role for a while: the fields of `TermFields` (web/temporary-role.tsx). */
import { z } from 'zod'
import { type TermPrefix, termFromForm } from '../../web/temporary-role-form.ts'
import { checkTerm, type Term } from './temporary.ts'

const field = z.string().max(1_000).default('')

export const termFormShape = (prefix: TermPrefix): Record<string, typeof field> => ({
  [`${prefix}Until`]: field,
  [`${prefix}UntilDate`]: field,
  [`${prefix}Reason`]: field,
})

/** Null: for good. Throws `invalid_input`. */
export function readTermForm(prefix: TermPrefix, body: Readonly<Record<string, unknown>>, now: number): Term | null {
  const term = termFromForm(prefix, body, now)
  return term === null ? null : checkTerm(term, now)
}
