/**
 * What the hub announces at this moment, for every page. Read again every few seconds and not for each page: an announcement may come a little
 * late. This process forgets what it read as soon as it changes one itself.
 */
import type { Hub } from '../hub.ts'
import type { PageAnnouncement } from '../web/page-context.ts'

const keptMs = 10_000
const mostShown = 5
/** Ids in the cookie of those that somebody closed. */
const mostDismissed = 20
const dismissedCookie = 'dismissed'
const idForm = /^[0-9a-f]{24}$/

interface Kept {
  readonly rows: Promise<readonly PageAnnouncement[]>
  readonly until: number
}

const kept = new WeakMap<Hub, Kept>()

/** Those that run now, the newest first, without what `dismissed` (the cookie) names. */
export async function announcementsFor(hub: Hub, dismissed: string | null): Promise<PageAnnouncement[]> {
  const now = hub.clock.now()
  let current = kept.get(hub)
  if (current === undefined || current.until <= now) {
    current = { rows: select(hub, now), until: now + keptMs }
    kept.set(hub, current)
    // What could not be read is asked for again by the next page.
    current.rows.catch(() => kept.delete(hub))
  }
  const closed = readDismissed(dismissed)
  return (await current.rows).filter(({ id }) => !closed.includes(id))
}

/** After a change in this process. */
export function forgetAnnouncements(hub: Hub): void {
  kept.delete(hub)
}

/** The cookie that keeps this one closed too. */
export function dismissCookie(dismissed: string | null, id: string): string {
  const ids = idForm.test(id) ? [id, ...readDismissed(dismissed).filter((one) => one !== id)] : readDismissed(dismissed)
  return `${dismissedCookie}=${ids.slice(0, mostDismissed).join('.')}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax`
}

function readDismissed(cookie: string | null): string[] {
  return (cookie ?? '')
    .slice(0, 1_000)
    .split('.')
    .filter((id) => idForm.test(id))
}

async function select(hub: Hub, now: number): Promise<PageAnnouncement[]> {
  return await hub.db.read
    .selectFrom('announcement')
    .select(['id', 'text', 'kind'])
    .where('startsAt', '<=', now)
    .where((eb) => eb.or([eb('endsAt', 'is', null), eb('endsAt', '>', now)]))
    .orderBy('id', 'desc')
    .limit(mostShown)
    .execute()
}
