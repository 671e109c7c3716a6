/** The cells of a notebook, with their markdown rendered as a card is. */
import type { Hub } from '../../hub.ts'
import { markSanitized } from '../../web/raw-html.tsx'
import type { ShownNotebook } from '../viewers/service.ts'
import type { CardPlace } from './card-address.ts'
import type { DrawnCell, DrawnNotebook } from './file-views.tsx'
import { renderCard } from './render-card.ts'

export async function drawNotebook(
  hub: Hub,
  place: CardPlace,
  content: string,
  notebook: ShownNotebook,
): Promise<DrawnNotebook> {
  const cells: DrawnCell[] = []
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.kind === 'code') {
      // Made by the viewer, of escaped texts and its own tags alone.
      cells.push({ ...cell, html: markSanitized(cell.html) })
      continue
    }
    // One after the other: the renderer takes turns, and a notebook is one of those who wait.
    const rendered = await renderCard(hub.log, `${content} ${notebook.from + index}`, place, async () => cell.text)
    cells.push({ kind: 'markdown', text: cell.text, html: rendered.kind === 'html' ? rendered.html : null })
  }
  return { ...notebook, cells }
}
