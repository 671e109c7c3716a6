/** What the two forms of a token say: the fields as they are sent, what is ticked, and what an address fills in before. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { FormState } from '../../web/form-state.ts'
import type { AddingRepo } from '../../web/permission-picker.tsx'
import { fenceAsSent, fenceFields } from './fence-form.ts'
import { findTypedRepo, type Ticks } from './picking.ts'
import { addedInstead, isTypedAndLeft } from './repo-suggestions.ts'
import type { TokenRole } from './token.ts'

export const field = z.string().max(1_000).default('')
const many = repeatable.pipe(z.array(z.string().max(400)).max(1_000)).default([])

/** Both forms of a token. Everything may be absent: what is missing is said at its field. */
export const tokenForm = z.object({
  name: field,
  role: field,
  expiry: field,
  expiryDate: field,
  ...fenceFields,
  scoped: many,
  global: many,
  canReadGatedRepos: z.string().optional(),
  selected: many,
  add: z.string().optional(),
  remove: z.string().max(400).optional(),
  repo: field,
})
export type TokenForm = z.output<typeof tokenForm>

export const roles: readonly TokenRole[] = ['read', 'write', 'fineGrained']

/**
 * The picker after *Add* or *Remove*, or where the form was sent while a repository was typed and not added yet: a token that silently
 * lacks it is not what anybody means. Null where the form is to be taken as it is.
 */
export async function changedPicker(
  hub: Hub,
  facts: Facts,
  body: TokenForm,
): Promise<{ ticks: Ticks; adding?: AddingRepo } | null> {
  const ticks = ticksFrom(body)
  if (body.remove !== undefined) {
    const removed = body.remove
    return {
      ticks: {
        ...ticks,
        selected: ticks.selected.filter((entity) => entity !== removed),
        scoped: ticks.scoped.filter((tick) => !tick.startsWith(`${removed}=`)),
      },
    }
  }
  const isLeftBehind = isTypedAndLeft(body)
  if (body.add === undefined && !isLeftBehind) return null
  const found = await findTypedRepo(hub, person(facts), body.repo)
  if (found !== null) {
    const added = { ...ticks, selected: [...ticks.selected, found] }
    return isLeftBehind ? { ticks: added, adding: { error: addedInstead } } : { ticks: added }
  }
  return { ticks, adding: { error: 'There is no such repository, or you cannot see it.', typed: body.repo } }
}

export function ticksFrom(body: TokenForm): Ticks {
  return {
    scoped: body.scoped,
    selected: body.selected,
    global: body.global,
    canReadGatedRepos: body.canReadGatedRepos !== undefined,
  }
}

/** The Hub's own names for a prefilled form; values come repeated or separated by commas. */
export function prefilled(facts: Facts, query: URLSearchParams): { role: TokenRole | null; ticks: Ticks } {
  const list = (name: string): string[] =>
    [...query.getAll(name), ...query.getAll(`${name}[]`)]
      .flatMap((value) => value.split(','))
      .map((value) => value.trim())
      .filter((value) => value !== '')
      .slice(0, 100)
  const own = `user:${person(facts).name}`
  const scoped = list('ownUserPermissions').map((permission) => `${own}=${permission}`)
  for (const name of list('orgs')) {
    for (const permission of list('orgPermissions')) scoped.push(`org:${name}=${permission}`)
  }
  const type = query.get('tokenType') === 'fine-grained' ? 'fineGrained' : query.get('tokenType')
  return {
    role: roles.find((known) => known === type) ?? null,
    ticks: {
      scoped,
      selected: [],
      global: list('globalPermissions'),
      canReadGatedRepos: ['true', '1', ''].includes(query.get('canReadGatedRepos') ?? 'no'),
    },
  }
}

/** The values that the fields of the form show again; the picker has its own. */
export function plain(body: TokenForm): Record<string, string> {
  const { name, role, expiry, expiryDate } = body
  return { name, role, expiry, expiryDate, ...fenceAsSent(body) }
}

/** The form as it was sent, while only the picker changes. */
export function unjudged(body: TokenForm): FormState {
  return { values: plain(body), errors: {} }
}

export function person(facts: Facts): { id: string; name: string; fullname: string | null } {
  if (facts.principal.kind !== 'user') throw new HoldfastError('unauthenticated')
  return facts.principal
}
