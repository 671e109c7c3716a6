/** A text that is still being written, as the card of its repo would show it. */
import { createHash } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import { type RepoAddress, repoPath } from '../../web/address.ts'
import type { SafeHtml } from '../../web/raw-html.tsx'
import { renderCard } from './render-card.ts'

/** Null where it cannot be rendered now, or never. */
export async function renderDraft(
  hub: Hub,
  repo: RepoAddress,
  revision: string,
  markdown: string,
): Promise<SafeHtml | null> {
  const place = {
    repoPath: repoPath(repo),
    revision: encodeURIComponent(revision),
    origin: new URL(hub.config.publicUrl).origin,
  }
  const name = createHash('sha256').update(markdown).digest('hex')
  const rendered = await renderCard(hub.log, `draft ${name}`, place, async () => markdown)
  return rendered.kind === 'html' ? rendered.html : null
}
