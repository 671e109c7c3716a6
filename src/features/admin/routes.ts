/** The administration of a hub in the browser, for administrators of the hub in a session; and what Prometheus reads of it. */
import type { Route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { announcementRoutes } from './announcements-routes.tsx'
import { healthRoutes } from './health-routes.tsx'
import { jobsRoutes } from './jobs-routes.tsx'
import { metricsRoutes } from './metrics-routes.ts'
import { organizationsRoutes } from './organizations-routes.tsx'
import { peopleRoutes } from './people-routes.tsx'
import { storageRoutes } from './storage-routes.tsx'

/** `queues`: the name of each that has a handler. */
export function adminRoutes(queues: (hub: Hub) => readonly string[]): Route[] {
  return [
    ...healthRoutes(queues),
    ...peopleRoutes,
    ...organizationsRoutes,
    ...jobsRoutes(queues),
    ...metricsRoutes(queues),
    ...storageRoutes,
    ...announcementRoutes,
  ]
}
