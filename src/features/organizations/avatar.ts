/**
 * Avatars: letters on a colour, drawn from the name alone. So the address says nothing about who exists, nothing is stored, and
 * nothing that a person uploaded is ever shown as a picture of somebody else.
 */
import { createHash } from 'node:crypto'
import { route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'

/** Dark enough for white letters (contrast at least 4.5 : 1). */
const colours = ['#0f5e63', '#7a4419', '#4a4e8c', '#2f6b3a', '#8a2f4f', '#5b5f16', '#1f5f8b', '#6b3f86'] as const

export function avatarUrl(hub: Hub, name: string): string {
  return `${hub.config.publicUrl}/avatars/${encodeURIComponent(name)}.svg`
}

/** 96 x 96 pixels. Only letters and digits of the name get into the drawing. */
export function drawAvatar(name: string): string {
  const key = name.toLowerCase()
  const colour = colours[(createHash('sha256').update(key).digest()[0] ?? 0) % colours.length]
  const letters =
    key
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 2)
      .toUpperCase() || '?'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96"><rect width="96" height="96" fill="${colour}"/><text x="48" y="49" fill="#fff" font-family="Inter,system-ui,sans-serif" font-size="40" font-weight="600" text-anchor="middle" dominant-baseline="central">${letters}</text></svg>`
}

export const avatarRoute = route({
  method: 'GET',
  path: '/avatars/:file',
  surface: 'resolve',
  action: 'user.read',
  target: { on: 'instance' },
  summary: 'The picture of a user or an organization: its letters on a colour.',
  handle: async ({ params }) => ({
    kind: 'body',
    status: 200,
    type: 'image/svg+xml',
    body: drawAvatar(
      params
        .get('file')
        .replace(/\.svg$/i, '')
        .slice(0, 96),
    ),
    headers: { 'cache-control': 'public, max-age=86400', 'content-security-policy': "default-src 'none'" },
  }),
})
