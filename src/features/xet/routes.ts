/** The addresses of Xet: tokens at the hub, and below `/cas/{scope}` what clients do with them (xet.md 1.3). */
import type { Route } from '../../access/route.ts'
import { downloadRoutes } from './download-routes.ts'
import { tokenRoutes } from './token-routes.ts'
import { uploadRoutes } from './upload-routes.ts'

export const routes: Route[] = [...tokenRoutes, ...uploadRoutes, ...downloadRoutes]
