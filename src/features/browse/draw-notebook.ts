/** The cells of a notebook, with their markdown rendered as a card is. */
import type { Hub } from '../../hub.ts'
import { markSanitized } from '../../web/raw-html.tsx'
import type { ShownNotebook } from '../viewers/service.ts'
import type { CardPlace } from './card-address.ts'
import type { DrawnCell, DrawnNotebook } from './file-views.tsx'
import { markdownLimit, renderCard } from './render-card.ts'

/** What the cells of one view may take together; where it is over, the rest is shown as it was written. */
const patienceMs = 8_000

export async function drawNotebook(
  hub: Hub,
  place: CardPlace,
  content: string,
  notebook: ShownNotebook,
): Promise<DrawnNotebook> {
  const cells: DrawnCell[] = []
  const until = Date.now() + patienceMs
  let isOver = false
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.kind === 'code') {
      // Made by the viewer, of escaped texts and its own tags alone.
      cells.push({ ...cell, html: markSanitized(cell.html) })
      continue
    }
    const { text } = cell
    if (isOver || Date.now() > until || Buffer.byteLength(text) > markdownLimit) {
      cells.push({ kind: 'markdown', text, html: null })
      continue
    }
    // One after the other: the renderer takes turns, and a notebook is one of those who wait.
    const rendered = await renderCard(hub.log, `${content} ${notebook.from + index}`, place, async () => text)
    cells.push({ kind: 'markdown', text, html: rendered.kind === 'html' ? rendered.html : null })
    // All cards of the hub go through one renderer: a second cell like this would hold it up as long again, and so on for a hundred.
    isOver = rendered.kind === 'plain' && rendered.why !== 'deep'
  }
  return { ...notebook, cells }
}
