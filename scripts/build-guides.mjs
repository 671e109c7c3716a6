// Turns docs/*.md into the pages that the hub serves at /docs: once, when it is built, since the texts are its own and do not change while it runs.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Marked } from 'marked'

/** Texts for those who build Holdfast; a hub does not serve them. */
const forBuilders = ['architecture', 'performance', 'performance-notes']
/** Served at its address, made of the routes themselves. */
const reference = 'api'

/** As GitHub makes them, so that a link to a section holds here and there. */
function slug(text) {
  return text
    .replace(/<[^>]*>|&#?\w+;/g, '')
    .toLowerCase()
    .trim()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** What a link in docs/ leads to on a hub; null for what is not served there, which stays in words alone. */
function placeOf(href) {
  if (/^https?:|^#|^mailto:/.test(href)) return href
  const guide = /^(?:\.\/)?([\w-]+)\.md(#.*)?$/.exec(href)
  return guide === null || forBuilders.includes(guide[1]) ? null : `/docs/${guide[1]}${guide[2] ?? ''}`
}

function render(markdown) {
  const sections = []
  let title = ''
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens)
        const text = this.parser.parseInline(tokens, this.parser.textRenderer)
        if (depth === 1) {
          title = text
          return ''
        }
        const id = slug(text)
        if (depth === 2) sections.push({ id, title: text })
        return `<h${depth} id="${id}">${inner}</h${depth}>\n`
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens)
        const place = placeOf(href)
        if (place === null) return inner
        return `<a href="${place.replaceAll('"', '%22')}">${inner}</a>`
      },
      code({ text }) {
        const shown = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
        // Scrolls when it is wide, so it must be in reach of the keyboard and have a name.
        return `<pre tabindex="0" role="group" aria-label="Code"><code>${shown}</code></pre>\n`
      },
    },
  })
  const html = marked
    .parse(markdown, { async: false })
    .replaceAll('<table>', '<div class="scroll-x" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>')
    .replace(/<th(?: align="\w{4,6}")?><\/th>/g, '<td></td>')
  return { title, sections, html }
}

/** Writes `<to>/<name>.json`: `{title, sections: [{id, title}], html}`. */
export function buildGuides(from, to) {
  mkdirSync(to, { recursive: true })
  const names = readdirSync(from).flatMap((file) => (file.endsWith('.md') ? file.slice(0, -3) : []))
  for (const name of names.filter((each) => each !== reference && !forBuilders.includes(each))) {
    const guide = render(readFileSync(path.join(from, `${name}.md`), 'utf8'))
    writeFileSync(path.join(to, `${name}.json`), JSON.stringify(guide))
  }
}
