/** The people of a hub on pages: the list, and what `holdfast admin` does with an account on the command line. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { freshForm } from '../../web/form-state.ts'
import { activateUser, deactivateUser, inviteSomebody, makeResetLink, setAdmin } from '../accounts/service.ts'
import { resetSecondFactors } from '../second-factors/service.ts'
import {
  type MadeLink,
  needsTyping,
  type PeopleDialog,
  PeoplePage,
  type PersonAct,
  peoplePath,
  personActs,
} from './people-page.tsx'
import { selectPeople } from './queries.ts'

const instance = { on: 'instance' } as const
const perPage = 50
const listShape = z.object({
  search: z.string().max(200).default(''),
  after: z.string().max(100).default(''),
  act: z.enum(personActs).optional(),
  user: z.string().max(100).optional(),
})
type ListQuery = z.output<typeof listShape>

const form = z.object({ user: z.string().max(100), confirm: z.string().max(200).default('') })
type Form = z.output<typeof form>

const done: Readonly<Record<Exclude<PersonAct, 'link'>, (name: string) => string>> = {
  'make-admin': (name) => `${name} is an administrator of this hub.`,
  'unmake-admin': (name) => `${name} is no longer an administrator of this hub.`,
  deactivate: (name) => `${name} is deactivated.`,
  activate: (name) => `${name} is active again.`,
  'reset-factors': (name) => `${name} signs in with the password alone now.`,
}

const page = { method: 'POST', surface: 'page', target: instance, body: form } as const

export const peopleRoutes: Route[] = [
  route({
    method: 'GET',
    path: peoplePath,
    surface: 'page',
    action: 'user.list',
    target: instance,
    query: listShape,
    handle: ({ hub, facts, query, request }) => {
      const dialog =
        query.act === undefined || query.user === undefined
          ? null
          : { act: query.act, name: query.user, form: freshForm }
      return listReply(hub, facts, request, query, { dialog })
    },
  }),
  route({
    method: 'POST',
    path: `${peoplePath}/invite`,
    surface: 'page',
    action: 'user.create',
    target: instance,
    handle: async ({ hub, allowed, facts, request }) => {
      const value = await inviteSomebody(hub, allowed, request.origin)
      return listReply(hub, facts, request, empty, { made: { name: 'for one new account', what: 'link', value } })
    },
  }),
  route({
    ...page,
    path: `${peoplePath}/make-admin`,
    action: 'user.set_admin',
    handle: ({ hub, allowed, facts, body, request }) =>
      acted(hub, facts, request, 'make-admin', body, () =>
        setAdmin(hub, allowed, request.origin, { name: body.user, isAdmin: true }),
      ),
  }),
  route({
    ...page,
    path: `${peoplePath}/unmake-admin`,
    action: 'user.set_admin',
    handle: ({ hub, allowed, facts, body, request }) =>
      acted(hub, facts, request, 'unmake-admin', body, () =>
        setAdmin(hub, allowed, request.origin, { name: body.user, isAdmin: false }),
      ),
  }),
  route({
    ...page,
    path: `${peoplePath}/deactivate`,
    action: 'user.deactivate',
    handle: ({ hub, allowed, facts, body, request }) =>
      acted(hub, facts, request, 'deactivate', body, async () => {
        const orphaned = await deactivateUser(hub, allowed, request.origin, body.user)
        return orphaned.length === 0 ? null : `Nobody else administers: ${orphaned.join(', ')}.`
      }),
  }),
  route({
    ...page,
    path: `${peoplePath}/activate`,
    action: 'user.activate',
    handle: ({ hub, allowed, facts, body, request }) =>
      acted(hub, facts, request, 'activate', body, () => activateUser(hub, allowed, request.origin, body.user)),
  }),
  route({
    ...page,
    path: `${peoplePath}/reset-factors`,
    action: 'user.reset_second_factor',
    handle: ({ hub, allowed, facts, body, request }) =>
      acted(hub, facts, request, 'reset-factors', body, async () => {
        await resetSecondFactors(hub, allowed, request.origin, body.user)
      }),
  }),
  route({
    ...page,
    path: `${peoplePath}/link`,
    action: 'user.make_link',
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const value = await makeResetLink(hub, allowed, request.origin, body.user)
          const made = { name: `for a new password of ${body.user}`, what: 'link', value }
          return await listReply(hub, facts, request, { ...empty, search: body.user.toLowerCase() }, { made })
        },
        (fault) => refused(hub, facts, request, 'link', body, fault),
      ),
  }),
]

const empty: ListQuery = { search: '', after: '' }

/** Does it and goes back to the list; `run` may add a sentence. */
async function acted(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  act: Exclude<PersonAct, 'link'>,
  body: Form,
  run: () => Promise<unknown>,
): Promise<Reply> {
  return await orShow(
    async () => {
      if (needsTyping(act) && !isConfirmed(body.confirm, body.user)) {
        throw new HoldfastError('invalid_input', { reason: `Type ${body.user} to confirm.`, field: 'confirm' })
      }
      const more = await run()
      const words = [done[act](body.user), more].filter((line) => typeof line === 'string').join(' ')
      return redirectWithNotice(withQuery(peoplePath, { search: body.user.toLowerCase() }), 'success', words)
    },
    (fault) => refused(hub, facts, request, act, body, fault),
  )
}

async function refused(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  act: PersonAct,
  body: Form,
  fault: HoldfastError,
): Promise<Reply> {
  const dialog = { act, name: body.user, form: formWithFault({}, fault) }
  return await listReply(hub, facts, request, empty, { dialog, fault })
}

async function listReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  query: ListQuery,
  more: { dialog?: PeopleDialog; made?: MadeLink; fault?: HoldfastError },
): Promise<Reply> {
  const search = query.search.trim().toLowerCase()
  const context = await pageContext(hub, facts, request)
  const rows = await selectPeople(hub.db, { search, after: query.after, limit: perPage + 1 })
  const people = rows.slice(0, perPage)
  const here = withQuery(peoplePath, { search })
  const last = people.at(-1)
  return pageReply(
    context,
    <PeoplePage
      context={context}
      people={people}
      search={search}
      olderHref={rows.length > perPage && last ? withQuery(peoplePath, { search, after: last.nameKey }) : null}
      firstHref={query.after === '' ? null : here}
      dialog={more.dialog ?? null}
      made={more.made ?? null}
    />,
    { ...(more.fault === undefined ? {} : faultAnswer(more.fault)), ...(more.made ? { secret: true } : {}) },
  )
}
