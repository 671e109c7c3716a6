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

export function RawHtml(props: { html: SafeHtml }) {
  return raw(props.html)
}
