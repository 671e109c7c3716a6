/** What we use of `highlight.js/lib/core`: the package's own types bring those of a browser into every file of the project (tsconfig.json leads here). */
import type { Grammar } from './highlight-grammar.d.ts'

declare const hljs: {
  registerLanguage(name: string, grammar: Grammar): void
  /** Throws at a language that is not registered. `value` is HTML of texts and `<span class="hljs-…">` alone. */
  highlight(text: string, options: { language: string; ignoreIllegals: boolean }): { readonly value: string }
}
// biome-ignore lint/style/noDefaultExport: it is the shape of the package
export default hljs
