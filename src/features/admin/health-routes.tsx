/** How the hub does, on pages for its administrators: overview, scanners, settings. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { glanceAtInference } from '../inference/service.ts'
import { glanceAtQueue, glanceAtScanning } from '../scanning/service.ts'
import { OverviewPage, ScannersPage, SettingsOverviewPage } from './health-pages.tsx'
import { countHub, selectQueues } from './queries.ts'

const page = {
  method: 'GET',
  surface: 'page',
  action: 'instance.manage.read',
  target: { on: 'instance' },
} as const

/** `queues`: the name of each that has a handler. */
export function healthRoutes(queues: (hub: Hub) => readonly string[]): Route[] {
  return [
    route({
      ...page,
      path: hubSettingsPath(''),
      handle: async ({ hub, facts, request }) => {
        const [context, counts, states, scanning, inference] = await Promise.all([
          pageContext(hub, facts, request),
          countHub(hub.db),
          selectQueues(hub.db, queues(hub)),
          glanceAtQueue(hub),
          glanceAtInference(hub),
        ])
        const view = {
          counts,
          queues: states,
          scanning,
          inference,
          database: hub.db.dialect === 'postgres' ? 'PostgreSQL' : 'SQLite, in the data folder',
          storage: storageWords(hub),
          uptimeMs: process.uptime() * 1000,
        }
        return pageReply(context, <OverviewPage context={context} view={view} />)
      },
    }),
    route({
      ...page,
      path: hubSettingsPath('scanners'),
      handle: async ({ hub, facts, request }) => {
        const [context, health] = await Promise.all([pageContext(hub, facts, request), glanceAtScanning(hub)])
        return pageReply(context, <ScannersPage context={context} health={health} />)
      },
    }),
    route({
      ...page,
      path: hubSettingsPath('settings'),
      query: z.object({ only: z.enum(['set', 'all']).default('all') }),
      handle: async ({ hub, facts, query, request }) => {
        const context = await pageContext(hub, facts, request)
        return pageReply(
          context,
          <SettingsOverviewPage context={context} given={hub.config.given} onlySet={query.only === 'set'} />,
        )
      },
    }),
  ]
}

export function storageWords(hub: Hub): string {
  const { s3 } = hub.config
  return s3 === null ? 'in the data folder' : `in the bucket ${s3.bucket}`
}
