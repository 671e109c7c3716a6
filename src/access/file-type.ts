/**
 * With which type the files of repos are served. They come from strangers and are served from the hub's own origin, so nothing is ever
 * sent as a type that a browser would run: text stays text, and what is not known to be harmless is a download.
 */

export interface ServedType {
  readonly type: string
  /** Shown in the browser, or saved. */
  readonly disposition: 'inline' | 'attachment'
}

const text: ServedType = { type: 'text/plain; charset=utf-8', disposition: 'inline' }
const unknown: ServedType = { type: 'application/octet-stream', disposition: 'attachment' }
const inline = (type: string): ServedType => ({ type, disposition: 'inline' })

const textual =
  'txt text md markdown mdx rst json jsonl ndjson json5 ipynb csv tsv yaml yml toml ini cfg conf env lock log diff patch tex bib ' +
  'html htm xhtml xml xsl xslt rss atom rdf mathml js mjs cjs jsx ts mts cts tsx css scss less vue svelte py pyi pyx rb php pl lua r jl java ' +
  'kt scala go rs c h cc cpp hpp cu cuh cs swift m mm sh bash zsh fish ps1 bat cmd sql proto graphql jinja jinja2 j2 tmpl vtt srt ' +
  'gitattributes gitignore gitmodules gitkeep dockerignore editorconfig dockerfile makefile license licence readme notice changelog authors modelfile'

const byExtension: ReadonlyMap<string, ServedType> = new Map([
  ...textual.split(' ').map((extension) => [extension, text] as const),
  ...(
    [
      ['png', 'image/png'],
      ['jpg', 'image/jpeg'],
      ['jpeg', 'image/jpeg'],
      ['gif', 'image/gif'],
      ['webp', 'image/webp'],
      ['avif', 'image/avif'],
      ['bmp', 'image/bmp'],
      ['ico', 'image/x-icon'],
      ['mp3', 'audio/mpeg'],
      ['wav', 'audio/wav'],
      ['flac', 'audio/flac'],
      ['ogg', 'audio/ogg'],
      ['oga', 'audio/ogg'],
      ['opus', 'audio/ogg'],
      ['m4a', 'audio/mp4'],
      ['mp4', 'video/mp4'],
      ['m4v', 'video/mp4'],
      ['webm', 'video/webm'],
      ['ogv', 'video/ogg'],
      ['mov', 'video/quicktime'],
    ] as const
  ).map(([extension, type]) => [extension, inline(type)] as const),
  // In an <img> it is a picture and runs nothing; opened as a page it would be a document with scripts, so it is saved instead.
  ['svg', { type: 'image/svg+xml', disposition: 'attachment' }],
  ['pdf', { type: 'application/pdf', disposition: 'attachment' }],
])

/** By the file's name alone. Names without an extension (`LICENSE`, `Makefile`, `.gitignore`) count by the whole name. */
export function servedType(name: string): ServedType {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return byExtension.get(extension) ?? unknown
}

/** For files that are shown as they lie in git: what is not a known type is text. */
export function servedTypeOfRaw(name: string): ServedType {
  const type = servedType(name)
  return type === unknown ? text : type
}

/** `Content-Disposition` with both forms of the name (RFC 6266): UTF-8 for clients that know it, ASCII for the rest. */
export function contentDisposition(disposition: ServedType['disposition'], name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${disposition}; filename*=UTF-8''${encoded}; filename="${ascii}";`
}
