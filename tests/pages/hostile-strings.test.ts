/* Every page with every stranger's word made hostile. What must hold: the words stay text, no attribute but the known
   ones appears, nothing is inline script or style, and no link runs code. */
import { expect, test } from 'vitest'
import { samplePages } from './samples.tsx'

const attack = '</script></title></textarea>"><img src=x onerror=alert(1)>\'`<style>*{}</style>javascript:alert(1)'

const attributes = new Set(
  `action alt aria-current aria-describedby aria-hidden aria-invalid aria-label aria-labelledby aria-live aria-modal
  aria-pressed as autocapitalize autocomplete autofocus charset checked class content crossorigin cx cy d data-copy
  data-copy-label data-dialog data-dialog-close data-icons data-l data-options data-passkey data-passkey-note data-picker data-picker-box data-picker-count
  data-branch data-drop data-editor data-files-here data-folder data-guarded data-hash-worker data-list data-path data-problem data-problem-words
  data-remove data-repo data-size data-stop data-total data-upload data-upload-place data-words data-summary data-theme-form datetime disabled enctype fill for form height hidden href id inert inputmode lang list max maxlength method
  minlength multiple name formaction open placeholder popover preserveAspectRatio popovertarget r readonly rel required role rows rx ry scope selected size
  spellcheck src stroke stroke-linecap stroke-linejoin stroke-width tabindex target title type value viewBox webkitdirectory width wrap x x1 x2 y y1
  y2`.split(/\s+/),
)

type Tag = { name: string; attributes: Map<string, string> }

/** Attribute values never hold < or >, since both are escaped, so tags can be read one by one. */
function tagsOf(html: string): Tag[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[^\s=<>"]+="[^"<>]*")*)\s*\/?>/gi)].map((match) => ({
    name: (match[1] ?? '').toLowerCase(),
    attributes: new Map(
      [...(match[2] ?? '').matchAll(/([^\s=]+)="([^"]*)"/g)].map((each) => [each[1] ?? '', each[2] ?? '']),
    ),
  }))
}

const plain = samplePages((text) => text)
const hostile = samplePages((text) => `${text}${attack}`)

test.each([...hostile.keys()])('%s keeps hostile words as text', (name) => {
  const html = hostile.get(name) ?? ''
  const tags = tagsOf(html)
  // Whatever opens with < is a tag that the reader above understood: nothing hides from the rest of this test.
  const opened = html.replace('<!doctype html>', '').match(/<(?!\/)/g)?.length
  expect(tags.length).toBe(opened)
  for (const tag of tags) {
    for (const [attribute, value] of tag.attributes) {
      expect(attributes, `${tag.name} ${attribute}`).toContain(attribute)
      if (['href', 'src', 'action', 'formaction'].includes(attribute))
        expect(value).toMatch(/^(?:[/#?]|https?:|mailto:)/)
      if (['href', 'src', 'action', 'formaction'].includes(attribute)) expect(value).not.toMatch(/^\/\//)
    }
    if (tag.name === 'script') expect(tag.attributes.get('src')).toMatch(/^\/assets\//)
    expect(tag.name).not.toBe('style')
  }
  expect(html).not.toMatch(/<script[^>]*>[^<]/)
  // No kind of element that ordinary words do not have (a path with more slashes has more crumbs, so not one for one).
  const kinds = (of: Tag[]) => new Set(of.map((tag) => tag.name))
  expect(kinds(tags)).toEqual(kinds(tagsOf(plain.get(name) ?? '')))
})

/** What is written in a card has headings of its own, from the first rank. */
const withCard = new Set(['card', 'namespace'])

test.each([...plain.keys()])('%s has one heading of the first rank, a title, and no id twice', (name) => {
  const html = plain.get(name) ?? ''
  expect(html.match(/<h1[ >]/g)).toHaveLength(withCard.has(name) ? 2 : 1)
  expect(html).toMatch(/<title>[^<]+ · Holdfast<\/title>/)
  expect(html).toMatch(/^<!doctype html><html lang="en"/)
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1])
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
})

test.each([...plain.keys()])('%s draws every icon that it names, once', (name) => {
  const html = plain.get(name) ?? ''
  const used = new Set([...html.matchAll(/<use href="#(i-[a-z0-9-]+)"/g)].map((match) => match[1]))
  const drawn = [...html.matchAll(/<symbol id="(i-[a-z0-9-]+)"/g)].map((match) => match[1])
  expect(new Set(drawn).size).toBe(drawn.length)
  for (const icon of used) expect(drawn).toContain(icon)
})

test('labels, descriptions, menus and dialogs point at what exists', () => {
  for (const [name, html] of plain) {
    const ids = new Set([...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]))
    for (const [, attribute, value] of html.matchAll(
      / (for|aria-describedby|aria-labelledby|popovertarget|form)="([^"]+)"/g,
    )) {
      for (const id of (value ?? '').split(' ')) expect(ids, `${name}: ${attribute}=${id}`).toContain(id)
    }
  }
})

test('a secret shown once stands in the text and in no attribute', () => {
  const html = plain.get('tokens') ?? ''
  expect(html.match(/hf_qWcTzRkVbNmJxLpYdHsGfAeUoIwXrK4s9f/g)).toHaveLength(1)
  expect(html).toContain('<code>hf_qWcTzRkVbNmJxLpYdHsGfAeUoIwXrK4s9f</code>')
})

test('a password is never written back into a form', () => {
  for (const html of hostile.values()) expect(html).not.toMatch(/type="password"[^>]*value=/)
})

test('behind a dialog everything is inert, and the dialog is not', () => {
  for (const name of ['account-delete', 'token-refresh', 'token-delete', 'members-remove', 'repo-delete']) {
    const html = plain.get(name) ?? ''
    expect(html).toMatch(/<body><div class="contents" inert="">/)
    expect(html).toMatch(/<\/div><dialog class="sheet" open="" aria-modal="true"/)
  }
})
