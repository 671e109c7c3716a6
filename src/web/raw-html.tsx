/* The only place where text enters a page without being escaped. It takes nothing but `SafeHtml`, which is made here
   and by the callers of `markSanitized`: the card renderer after its sanitizer, and our own generated icons. */
import { raw } from 'hono/html'

declare const safe: unique symbol

/** HTML that passed the sanitizer, or that this program wrote itself. */
export type SafeHtml = string & { readonly [safe]: true }

/** Says that the caller has just sanitized this text. Review every new call of it. */
export function markSanitized(html: string): SafeHtml {
  return html as SafeHtml
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Table rows of numbered lines. Written as text because a node per cell costs twenty times as much, which for a long
 * file would hold up every other request; escaped here, line by line.
 */
export function numberedLineRows(lines: readonly string[]): SafeHtml {
  let rows = ''
  let number = 0
  for (const line of lines) {
    number += 1
    const text = line.replace(/[&<>"']/g, (sign) => entities[sign] ?? '')
    rows += `<tr id="L${number}"><td class="ln"><a href="#L${number}">${number}</a></td><td>${text}</td></tr>`
  }
  return markSanitized(rows)
}

export function RawHtml(props: { html: SafeHtml }) {
  return raw(props.html)
}
