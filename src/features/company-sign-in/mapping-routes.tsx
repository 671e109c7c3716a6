/** The pages of what groups of the company give in an organization. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { type Allowed, mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { CompanyGroupsPage, companyGroupsOf } from './mapping-pages.tsx'
import {
  addGroupMapping,
  findGroupMapping,
  listGroupMappings,
  type MappingMark,
  placesToOffer,
  removeGroupMapping,
} from './mappings.ts'

const path = '/organizations/:name/settings/company-groups'
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const pageSize = 50
const text = z.string().max(1_000).default('')

export const companyGroupRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'page',
    action: 'org.company_group.read',
    target,
    query: z.object({ cursor: z.string().max(2_000).optional(), remove: z.string().max(100).optional() }),
    handle: ({ hub, allowed, facts, query, request }) => groupsReply(hub, allowed, facts, request, query),
  }),
  route({
    method: 'POST',
    path,
    surface: 'page',
    action: 'org.company_group.update',
    target,
    body: z.object({ externalGroup: text, target: text, role: text }),
    handle: ({ hub, allowed, facts, params, body, request, authorizeAlso }) =>
      orShow(
        async () => {
          await addGroupMapping(hub, allowed, request.origin, body)
          const words = `${body.externalGroup.trim()} gives it from the next sign-in of whoever is in it.`
          return redirectWithNotice(companyGroupsOf(allowed.resource.name), 'success', words)
        },
        async (fault) => {
          const reading = await authorizeAlso('org.company_group.read', target({ params }))
          return await groupsReply(hub, reading, facts, request, {}, formWithFault(body, fault), fault)
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${path}/:mapping/remove`,
    surface: 'page',
    action: 'org.company_group.update',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      await removeGroupMapping(hub, allowed, request.origin, params.get('mapping'))
      return redirectWithNotice(
        companyGroupsOf(allowed.resource.name),
        'success',
        'The group does not give it any more.',
      )
    },
  }),
]

async function groupsReply(
  hub: Hub,
  allowed: Allowed<'org.company_group.read'>,
  facts: Facts,
  request: HttpRequest,
  query: { readonly cursor?: string | undefined; readonly remove?: string | undefined },
  form: FormState = freshForm,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const { name } = allowed.resource
  const [context, page, places, removing] = await Promise.all([
    pageContext(hub, facts, request),
    listGroupMappings(hub, allowed, { after: readMark(query.cursor), limit: pageSize }),
    placesToOffer(hub, allowed),
    query.remove === undefined ? null : findGroupMapping(hub, allowed, query.remove),
  ])
  const here = companyGroupsOf(name)
  const view = (
    <CompanyGroupsPage
      context={context}
      organization={name}
      company={hub.config.company?.name ?? null}
      mappings={page.mappings}
      olderHref={page.next === null ? null : withQuery(here, { cursor: writeMark(page.next) })}
      firstHref={query.cursor === undefined ? null : here}
      places={places}
      form={form}
      removing={removing}
      mayChange={mayOnceFresh('org.company_group.update', facts)}
    />
  )
  return pageReply(context, view, fault === null ? {} : faultAnswer(fault))
}

function writeMark({ group, id }: MappingMark): string {
  return `${id}.${Buffer.from(group).toString('base64url')}`
}

/** Anything that is no mark is the beginning. */
function readMark(cursor: string | undefined): MappingMark {
  const [id = '', group = ''] = (cursor ?? '').split('.')
  return { id, group: Buffer.from(group, 'base64url').toString('utf8') }
}
