/** What we use of `highlight.js/lib/languages/*`. */
export type Grammar = (core: unknown) => object

declare const grammar: Grammar
// biome-ignore lint/style/noDefaultExport: it is the shape of the package
export default grammar
