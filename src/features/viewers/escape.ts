/** Text into HTML. Rows are written as text because a node for each cell costs twenty times as much; everything of a file passes here. */
import { limits } from './limits.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? '')
}

/** Characters that turn text around or cannot be seen: they could make a cell read as something else. */
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** A text as the cell of a table: cut to length, with what cannot be seen made visible. */
export function cellText(text: string, most: number = limits.cellCharacters): string {
  const isCut = text.length > most
  const part = isCut ? text.slice(0, most) : text
  return `${part.toWellFormed().replace(unseen, '\ufffd')}${isCut ? '…' : ''}`
}

/** `null` and the like are set apart from texts. */
export type Cell = { readonly text: string; readonly look: 'text' | 'number' | 'none' }

const classOf = { text: '', number: ' class="num"', none: ' class="none"' } as const

export function rowHtml(number: number, cells: readonly Cell[]): string {
  const inside = cells.map(({ text, look }) => `<td${classOf[look]}>${escapeHtml(cellText(text))}</td>`).join('')
  return `<tr><th scope="row">${number}</th>${inside}</tr>`
}

/** A row that could not be read. */
export function brokenRowHtml(number: number, columns: number, words: string): string {
  return `<tr><th scope="row">${number}</th><td class="none" colspan="${Math.max(1, columns)}">${escapeHtml(cellText(words))}</td></tr>`
}
