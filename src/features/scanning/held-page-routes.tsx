/** The pages of quarantine: unsafe files of the hub and of an organization, and what was released. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { contentPattern } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import { freshForm } from '../../web/form-state.ts'
import { hubSettingsPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { HubUnsafePage, OrganizationUnsafePage, type ReleaseDialog, ReleasesPage } from './held-pages.tsx'
import { readMark, writeMark } from './held-routes.ts'
import { type Listed, listReleases, listUnsafe } from './list-held.ts'
import { readReason, releaseContent, withdrawRelease } from './release.ts'

const pageSize = 25
const instance = { on: 'instance' } as const
const cursor = z.string().max(200).optional()
const content = z.string().regex(contentPattern)
const unsafePath = hubSettingsPath('held')
const releasesPath = hubSettingsPath('releases')

export const heldPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/admin/held',
    surface: 'page',
    action: 'scan.read',
    target: instance,
    query: z.object({ cursor, release: content.optional() }),
    handle: ({ hub, facts, query, request }) =>
      unsafeReply(hub, facts, request, {
        cursor: query.cursor,
        dialog: query.release === undefined ? null : { content: query.release, form: freshForm },
      }),
  }),
  route({
    method: 'POST',
    path: '/admin/held/release',
    surface: 'page',
    action: 'scan.release',
    target: instance,
    body: z.object({ content, reason: z.string().max(4_000).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await releaseContent(hub, allowed, request.origin, { content: body.content, reason: readReason(body.reason) })
          return redirectWithNotice(releasesPath, 'success', 'The file is released.')
        },
        (fault) =>
          unsafeReply(hub, facts, request, {
            dialog: { content: body.content, form: formWithFault({ reason: body.reason }, fault) },
            fault,
          }),
      ),
  }),
  route({
    method: 'GET',
    path: '/admin/releases',
    surface: 'page',
    action: 'scan.read',
    target: instance,
    query: z.object({ cursor }),
    handle: async ({ hub, facts, query, request }) => {
      const context = await pageContext(hub, facts, request)
      const page = await listReleases(hub, readMark(query.cursor), pageSize)
      return pageReply(
        context,
        <ReleasesPage context={context} releases={page.items} {...linksOf(page, releasesPath, query.cursor)} />,
      )
    },
  }),
  route({
    method: 'POST',
    path: '/admin/releases/hold',
    surface: 'page',
    action: 'scan.release',
    target: instance,
    body: z.object({ content }),
    handle: async ({ hub, allowed, body, request }) => {
      try {
        await withdrawRelease(hub, allowed, request.origin, body.content)
      } catch (error) {
        // Pressed twice, or by two people: it is as it was wanted.
        if (!(error instanceof HoldfastError) || error.code !== 'not_found') throw error
      }
      return redirectWithNotice(releasesPath, 'success', 'The release is taken back.')
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:name/settings/scanning/held',
    surface: 'page',
    action: 'org.scan.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query: z.object({ cursor }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { id, name } = allowed.resource
      const context = await pageContext(hub, facts, request)
      const page = await listUnsafe(hub, id, readMark(query.cursor), pageSize)
      const links = linksOf(page, organizationSettingsPath(name, 'scanning/held'), query.cursor)
      return pageReply(
        context,
        <OrganizationUnsafePage context={context} organization={name} contents={page.items} {...links} />,
      )
    },
  }),
]

async function unsafeReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  view: { cursor?: string | undefined; dialog: ReleaseDialog | null; fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = await listUnsafe(hub, null, readMark(view.cursor), pageSize)
  return pageReply(
    context,
    <HubUnsafePage
      context={context}
      contents={page.items}
      {...linksOf(page, unsafePath, view.cursor)}
      dialog={view.dialog}
    />,
    view.fault === undefined ? {} : faultAnswer(view.fault),
  )
}

function linksOf({ next }: Listed<unknown>, here: string, cursor: string | undefined) {
  return {
    olderHref: next === null ? null : withQuery(here, { cursor: writeMark(next) }),
    firstHref: cursor ? here : null,
  }
}
