/**
 * Markdown of a card to HTML that may stand in a page. Everything passes one allow-list after the markdown is HTML, whether it was written
 * as markdown or as HTML; no style, class, form, frame, script or foreign content survives, so a browser reads the result as it was judged.
 * Takes as long as the text wants: run it in `card-process.ts` only.
 */
import { Marked } from 'marked'
import sanitize from 'sanitize-html'
import { type CardPlace, cardAnchor, cardImage, cardLink } from './card-address.ts'

/** Elements inside elements; what lies deeper loses its tags. */
const nestingLimit = 60
/** Characters of the finished HTML. */
export const cardHtmlLimit = 2_000_000

const marked = new Marked({
  gfm: true,
  renderer: {
    heading({ tokens, depth }) {
      const text = this.parser.parseInline(tokens, this.parser.textRenderer)
      return `<h${depth} id="${slug(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    // A card has no forms.
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

/** Throws `RangeError` for what is nested too deeply or grows too long. */
export function cardHtml(markdown: string, place: CardPlace): string {
  const html = sanitize(marked.parse(withoutFrontMatter(markdown), { async: false }), optionsFor(place))
  if (html.length > cardHtmlLimit) throw new RangeError('The card is too long.')
  return finished(html)
}

/** The text after the two `---` lines that a README may begin with. */
export function withoutFrontMatter(markdown: string): string {
  const text = markdown.replace(/^\ufeff/, '')
  if (!/^---[ \t]*\r?\n/.test(text)) return text
  const end = /^---[ \t]*(?:\r?\n|$(?![\s\S]))/m
  const rest = text.slice(text.indexOf('\n') + 1)
  const found = end.exec(rest)
  return found === null ? text : rest.slice(found.index + found[0].length)
}

const words =
  'p br hr blockquote pre code ul ol li dl dt dd table caption thead tbody tfoot tr th td a img em strong b i u s del ins sub sup kbd samp var ' +
  'small mark abbr q cite details summary div span figure figcaption ruby rt rp h2 h3 h4 h5 h6'
const align = { name: 'align', values: ['left', 'center', 'right'] }
const headings: readonly string[] = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6']
const heading = ['id', align]
const cell = [align, 'colspan', 'rowspan', 'scope']

function optionsFor(place: CardPlace): sanitize.IOptions {
  const ids = new Set<string>()
  /** The heading before: the page's own is the first, and none is left out on the way down. */
  let level = 1
  let linksAround = 0
  const claim = (name: string): string => {
    let id = cardAnchor(name)
    for (let count = 1; ids.has(id); count++) id = `${cardAnchor(name)}-${count}`
    ids.add(id)
    return id
  }
  const headingTag: sanitize.Transformer = (name, { id, align: place_ }) => {
    level = Math.min(Number(name.slice(1)) + 1, level + 1, 6)
    return { tagName: `h${level}`, attribs: kept({ id: id ? claim(id) : undefined, align: place_ }) }
  }
  const anchor: sanitize.Transformer = (_name, given) => {
    const id = given.id ?? given.name
    const href = given.href === undefined ? null : cardLink(given.href, place)
    const attribs = kept({ id: id ? claim(id) : undefined, href, title: given.title })
    return { tagName: 'a', attribs: href === null ? attribs : { ...attribs, rel: 'nofollow ugc noopener' } }
  }
  const image = (_name: string, given: sanitize.Attributes): sanitize.Tag => {
    const src = cardImage(given.src ?? '', place)
    const { alt = '', title, width, height } = given
    if (src !== null) {
      const size = { width: sizeOf(width), height: sizeOf(height) }
      return { tagName: 'img', attribs: { ...kept({ src, title, ...size }), alt, loading: 'lazy' } }
    }
    // A picture from elsewhere would tell its server who reads what: it becomes a link, which nobody follows unasked.
    const href = linksAround > 0 ? null : cardLink(given.src ?? '', place)
    if (href === null) return { tagName: 'span', attribs: {}, text: alt }
    return { tagName: 'a', attribs: { href, rel: 'nofollow ugc noopener' }, text: alt.trim() || 'Picture' }
  }
  return {
    allowedTags: words.split(' '),
    nonTextTags:
      'script style textarea option noscript title svg math iframe object embed template select xmp noembed noframes'.split(
        ' ',
      ),
    allowedAttributes: {
      ...Object.fromEntries(headings.map((name) => [name, heading])),
      a: ['href', 'title', 'id', 'rel'],
      img: ['src', 'alt', 'title', 'width', 'height', 'loading'],
      p: [align],
      div: [align],
      th: cell,
      td: cell,
      ol: ['start'],
      details: ['open'],
      abbr: ['title'],
      pre: ['tabindex', 'role', 'aria-label'],
    },
    // Judged by `cardLink` and `cardImage` already; this is the second lock.
    allowedSchemes: ['http', 'https', 'mailto'],
    allowProtocolRelative: false,
    nestingLimit,
    parseStyleAttributes: false,
    onOpenTag: (name) => {
      if (name === 'a') linksAround++
    },
    onCloseTag: (name) => {
      if (name === 'a') linksAround--
    },
    transformTags: {
      ...Object.fromEntries(headings.map((name) => [name, headingTag])),
      a: anchor,
      img: image,
      center: () => ({ tagName: 'div', attribs: { align: 'center' } }),
      // Scrolls when it is wide, so it must be in reach of the keyboard and have a name.
      pre: () => ({ tagName: 'pre', attribs: { tabindex: '0', role: 'group', 'aria-label': 'Code' } }),
      th: cellTag,
      td: cellTag,
      ol: (name, { start }) => ({ tagName: name, attribs: kept({ start: digits(start) }) }),
      details: (name, { open }) => ({
        tagName: name,
        attribs: kept({ open: open === undefined ? undefined : 'open' }),
      }),
    },
    // Headings and links without a word say nothing to anybody.
    exclusiveFilter: ({ tag, text, attribs, mediaChildren }) => {
      if (text.trim() !== '' || mediaChildren.length > 0) return false
      return headings.includes(tag) || (tag === 'a' && attribs.id === undefined)
    },
  }
}

const cellTag: sanitize.Transformer = (name, given) => ({
  tagName: name,
  attribs: kept({
    align: given.align,
    colspan: digits(given.colspan),
    rowspan: digits(given.rowspan),
    scope: given.scope === 'row' || given.scope === 'col' ? given.scope : undefined,
  }),
})

/**
 * What the allow-list cannot say. Every `<` of sanitized text stands before a tag of ours, and tables and empty head cells carry nothing
 * that a stranger wrote, so these patterns meet nothing else.
 */
function finished(html: string): string {
  return html
    .replaceAll('<table>', '<div class="scroll-x" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>')
    .replace(/<th(?: align="\w{4,6}")?><\/th>/g, '<td></td>')
}

function kept(given: Readonly<Record<string, string | null | undefined>>): sanitize.Attributes {
  const attribs: sanitize.Attributes = {}
  for (const [name, value] of Object.entries(given)) if (value != null) attribs[name] = value
  return attribs
}

function sizeOf(value: string | undefined): string | undefined {
  return value !== undefined && /^\d{1,4}%?$/.test(value) ? value : undefined
}

function digits(value: string | undefined): string | undefined {
  return value !== undefined && /^\d{1,4}$/.test(value) ? value : undefined
}

/** As on other hubs, so that links to a section keep working: lower case, hyphens for blanks, no signs. */
function slug(text: string): string {
  return text
    .replace(/<[^>]*>|&#?\w+;/g, '')
    .toLowerCase()
    .trim()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s+/g, '-')
    .slice(0, 100)
}
