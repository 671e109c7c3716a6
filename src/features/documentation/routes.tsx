/** The documentation that the hub serves: guides and the API reference. Open to whoever reaches the hub: nothing in it is of this hub alone. */
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { readGuide } from './guides.ts'
import { DocumentationPage, GuidePage, OperationsPage, ReferencePage } from './pages.tsx'
import { type OperationGroup, operationGroups } from './reference.ts'

const page = { method: 'GET', surface: 'page', action: 'instance.read', target: { on: 'instance' } } as const

/** `all` is asked when the reference is wanted: it contains these routes too. */
export function documentationRoutes(all: () => readonly Route[]): Route[] {
  let made: readonly OperationGroup[] | null = null
  const groups = () => {
    made ??= operationGroups(all())
    return made
  }
  return [
    route({
      ...page,
      path: '/docs',
      handle: async ({ hub, facts, request }) => {
        const context = await pageContext(hub, facts, request)
        return pageReply(context, <DocumentationPage context={context} groups={groups()} />)
      },
    }),
    route({
      ...page,
      path: '/docs/api',
      handle: async ({ hub, facts, request }) => {
        const context = await pageContext(hub, facts, request)
        return pageReply(context, <ReferencePage context={context} groups={groups()} url={hub.config.publicUrl} />)
      },
    }),
    route({
      ...page,
      path: '/docs/api/:group',
      handle: async ({ hub, facts, params, request }) => {
        const group = groups().find(({ name }) => name === params.get('group'))
        if (group === undefined) throw new HoldfastError('not_found')
        const context = await pageContext(hub, facts, request)
        return pageReply(context, <OperationsPage context={context} group={group} />)
      },
    }),
    route({
      ...page,
      path: '/docs/:guide',
      handle: async ({ hub, facts, params, request }) => {
        const guide = await readGuide(params.get('guide'))
        if (guide === null) throw new HoldfastError('not_found')
        const context = await pageContext(hub, facts, request)
        return pageReply(context, <GuidePage context={context} guide={guide} />)
      },
    }),
  ]
}
