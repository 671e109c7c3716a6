/** A text that is still being written, as the page of its file would show it. */
import { createHash } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import { isSafePath } from '../../platform/git/safe-names.ts'
import type { RepoAddress } from '../../web/address.ts'
import type { SafeHtml } from '../../web/raw-html.tsx'
import { cardPlace } from './card-place.ts'
import { renderCard } from './render-card.ts'

/** Null where it cannot be rendered now, or never. */
export async function renderDraft(
  hub: Hub,
  repo: RepoAddress,
  revision: string,
  path: string,
  markdown: string,
): Promise<SafeHtml | null> {
  // Nobody has looked at the path yet: links of one that no file can have begin at the root.
  const place = cardPlace(hub, repo, revision, isSafePath(path) ? path : '')
  const name = createHash('sha256').update(markdown).digest('hex')
  const rendered = await renderCard(hub.log, `draft ${name}`, place, async () => markdown)
  return rendered.kind === 'html' ? rendered.html : null
}
