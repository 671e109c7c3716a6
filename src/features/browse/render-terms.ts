/** What somebody agrees to, rendered as the card is that it stands in; null where it is shown as it was written. */
import type { Hub } from '../../hub.ts'
import type { RepoAddress } from '../../web/address.ts'
import type { SafeHtml } from '../../web/raw-html.tsx'
import { cardPlace } from './card-place.ts'
import { renderCard } from './render-card.ts'

export async function renderTerms(
  hub: Hub,
  repo: RepoAddress,
  terms: { readonly prompt: string | null; readonly hash: string },
): Promise<SafeHtml | null> {
  const { prompt, hash } = terms
  if (prompt === null) return null
  const place = cardPlace(hub, repo, 'main', 'README.md')
  const rendered = await renderCard(hub.log, `terms ${hash}`, place, async () => prompt)
  return rendered.kind === 'html' ? rendered.html : null
}
