/** What the hub says about itself: health, the API description, the files of its pages, and what clients poll. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { openApi } from '../../access/api-description.ts'
import { safeReturn } from '../../access/page-reply.tsx'
import { empty, json, redirect, taken, text } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { version } from '../../version.ts'
import { assetCacheControl, assetUrl, findAsset } from '../../web/assets.ts'

const onInstance = { on: 'instance' } as const

/** `all` is asked when a description is wanted: it contains these routes too. */
export function instanceRoutes(all: () => readonly Route[]): Route[] {
  let description: string | null = null
  return [
    route({
      method: 'GET',
      path: '/health',
      surface: 'api',
      action: 'instance.read',
      target: onInstance,
      summary: 'Answers 200 when the hub can serve requests',
      handle: async () => json({ status: 'ok', version }),
    }),
    route({
      method: 'GET',
      path: '/.well-known/openapi.json',
      surface: 'api',
      action: 'instance.read',
      target: onInstance,
      summary: 'This description',
      handle: async ({ hub }) => {
        description ??= JSON.stringify(openApi(all(), { url: hub.config.publicUrl, version }))
        return {
          kind: 'body',
          status: 200,
          type: 'application/json; charset=utf-8',
          body: description,
          headers: { 'cache-control': 'public, max-age=300' },
        }
      },
    }),
    route({
      method: 'GET',
      path: '/assets/:name',
      surface: 'page',
      action: 'instance.read',
      target: onInstance,
      handle: async ({ params, request }) => {
        const asset = findAsset(params.get('name'))
        if (asset === null) throw new HoldfastError('not_found')
        const packed =
          asset.brotli !== null && /\bbr\b/.test(request.header('accept-encoding') ?? '') ? asset.brotli : null
        const file = packed ?? asset
        request.response.writeHead(200, {
          'content-type': asset.type,
          'content-length': file.size,
          'cache-control': assetCacheControl,
          vary: 'accept-encoding',
          ...(packed === null ? {} : { 'content-encoding': 'br' }),
        })
        if (request.method === 'HEAD') request.response.end()
        else await pipeline(createReadStream(file.path), request.response)
        return taken
      },
    }),
    route({
      method: 'GET',
      path: '/favicon.ico',
      surface: 'page',
      action: 'instance.read',
      target: onInstance,
      handle: async () => redirect(assetUrl('logo.svg'), 302),
    }),
    route({
      method: 'GET',
      path: '/robots.txt',
      surface: 'page',
      action: 'instance.read',
      target: onInstance,
      handle: async () => text('User-agent: *\nDisallow: /api/\nDisallow: /settings/\nDisallow: /login\n'),
    }),
    route({
      method: 'POST',
      path: '/theme',
      surface: 'page',
      action: 'instance.read',
      target: onInstance,
      body: z.object({ theme: z.enum(['light', 'dark', 'system']), back: z.string().max(2000).optional() }),
      handle: async ({ body }) => {
        const cookie =
          body.theme === 'system'
            ? 'theme=; Path=/; Max-Age=0; SameSite=Lax'
            : `theme=${body.theme}; Path=/; Max-Age=31536000; SameSite=Lax`
        return redirect(safeReturn(body.back), 303, { 'set-cookie': cookie })
      },
    }),
    route({
      method: 'GET',
      path: '/api/agent-harnesses',
      surface: 'api',
      action: 'instance.read',
      target: onInstance,
      summary: 'Polled once a day by the Python client',
      handle: async () =>
        json({ standardEnvVars: [], harnesses: {} }, 200, { 'cache-control': 'public, max-age=86400' }),
    }),
    route({
      method: 'HEAD',
      path: '/api/telemetry/*',
      surface: 'api',
      action: 'instance.read',
      target: onInstance,
      summary: 'Accepts and drops what clients report',
      handle: async () => empty(200),
    }),
  ]
}
