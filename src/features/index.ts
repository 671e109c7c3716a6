/** All features, in one place: their routes, their jobs, and what must be put right before the first request. One line each. */
import type { Route } from '../access/route.ts'
import type { Hub } from '../hub.ts'
import type { JobHandlers } from '../platform/jobs/workers.ts'
import { routes as fileRoutes } from './files/routes.ts'
import { instanceRoutes } from './instance/routes.ts'

export const routes: readonly Route[] = [
  ...instanceRoutes(() => routes),
  ...fileRoutes,
  //
]

/** What each queue of the job table runs. */
export function jobHandlers(_hub: Hub): JobHandlers {
  return {}
}

/** Settles ref moves that a crash left open, before anybody reads those repos. */
export async function settleOnStart(_hub: Hub): Promise<void> {}
