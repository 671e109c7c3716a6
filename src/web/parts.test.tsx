/* The parts one by one: what each badge, field and frame writes, and how rendering itself behaves. */
import { expect, test } from 'vitest'
import { assetUrl, findAsset } from './assets.ts'
import {
  Expiry,
  PickleBadge,
  RepoBadges,
  ScanBadge,
  ServiceAccountBadge,
  SignatureBadge,
  StorageBadge,
  TokenRoleBadge,
} from './badge.tsx'
import { CodeView, codeViewLimit, fitsCodeView } from './code-view.tsx'
import { PickField, SelectField, TextArea, TextField } from './field.tsx'
import { Icon, IconSheet } from './icon.tsx'
import { iconNames } from './icon-names.ts'
import { iconShapes } from './icons.generated.ts'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'
import { PermissionSummary } from './permission-picker.tsx'
import { type PageNode, renderPage, renderPart } from './render.ts'
import { Tabs } from './tabs.tsx'
import { Time } from './time.tsx'
import { Who } from './who.tsx'

const now = Date.UTC(2026, 10, 22, 14, 3)
const context: PageContext = {
  viewer: null,
  instanceName: 'hub.acme.example',
  version: '0.1.0',
  theme: null,
  path: '/',
  flash: null,
}
const role = 'fineGrained'
const draw = (part: PageNode) => renderPart(part, { now })

test('badges say their word and carry an icon', () => {
  expect(draw(<SignatureBadge status="verified" href="/x" />)).toMatch(
    /^<a class="badge badge-soft badge-success" href="\/x">.*i-badge-check.*Verified<\/a>$/,
  )
  expect(draw(<SignatureBadge status="unverified" />)).toMatch(/badge-warning.*Unverified/)
  expect(draw(<SignatureBadge status="hub" />)).toMatch(/i-anchor.*Signed by this hub/)
  expect(draw(<SignatureBadge status="none" />)).toBe('')
  expect(draw(<ScanBadge status="ok" />)).toMatch(/badge-bare text-success.*ok/)
  expect(draw(<ScanBadge status="infected" />)).toMatch(/class="badge badge-error".*i-bug.*infected/)
  expect(draw(<ScanBadge status="held" />)).toMatch(/class="badge badge-error".*i-lock.*held/)
  expect(draw(<ScanBadge status="queued" />)).toContain('–<span class="sr-only">no verdict: queued for scanning</span>')
  expect(draw(<PickleBadge status="innocuous" />)).toMatch(/i-package-check.*pickle</)
  expect(draw(<PickleBadge status="suspicious" />)).toMatch(/badge-warning.*pickle: suspicious/)
  expect(draw(<PickleBadge status="dangerous" />)).toMatch(/badge-soft badge-error.*pickle: dangerous/)
  expect(draw(<StorageBadge kind="git" />)).toBe('')
  expect(draw(<StorageBadge kind="lfs" />)).toContain('LFS')
  expect(draw(<StorageBadge kind="xet" />)).toContain('Xet')
  expect(draw(<TokenRoleBadge role={role} />)).toContain('fine-grained')
  expect(draw(<ServiceAccountBadge />)).toMatch(/badge-secondary.*service account/)
  expect(draw(<RepoBadges isPrivate={false} />)).toBe('')
  expect(
    draw(<RepoBadges isPrivate={true} isGated={true} workspace="w" modelSignature={{ status: 'verified' }} />),
  ).toMatch(/private.*gated.*workspace: w.*signed model/)
})

test('an expiry presses from 30 days on', () => {
  const day = 86_400_000
  expect(draw(<Expiry at={null} />)).toContain('Never')
  expect(draw(<Expiry at={now + 90 * day} />)).toMatch(/<time datetime="2027-02-20T.*">20 Feb 2027<\/time>/)
  expect(draw(<Expiry at={now + 5 * day} />)).toMatch(/badge-warning.*in 5 days/)
  expect(draw(<Expiry at={now - day} />)).toMatch(/badge-error.*expired 21 Nov 2026/)
})

test('the shape says who acts', () => {
  expect(draw(<Who kind="user" name="Mara Lindqvist" />)).toBe('<span class="who" aria-hidden="true">ML</span>')
  expect(draw(<Who kind="organization" name="acme" size="small" />)).toContain('class="who who-org who-sm"')
  expect(draw(<Who kind="service-account" name="ci" off={true} size="large" />)).toMatch(/who-sa who-lg who-off.*i-bot/)
})

test('a field ties its help and its error to the control', () => {
  const form = { values: { name: '<b>' }, errors: { name: 'No.' } }
  const html = draw(<TextField form={form} name="name" label="Name" help="Letters." />)
  expect(html).toContain('<label for="field-name">')
  expect(html).toContain('value="&lt;b&gt;"')
  expect(html).toContain('aria-describedby="field-name-error field-name-help" aria-invalid="true"')
  expect(html).toMatch(/<span class="bad" id="field-name-error">.*No\.<\/span>/)
  expect(draw(<TextField form={form} name="password" label="P" type="password" />)).not.toContain('value=')
  expect(draw(<TextArea form={form} name="name" label="N" />)).toContain('>&lt;b&gt;</textarea>')
  const choices = ['a', 'b'].map((value) => ({ value, label: value }))
  expect(draw(<SelectField form={form} name="x" label="X" choices={choices} value="b" />)).toContain(
    '<option value="b" selected="">',
  )
  expect(draw(<PickField form={form} name="x" legend="X" picks={choices} value="a" />)).toMatch(
    /type="radio" name="x" value="a" checked=""/,
  )
})

test('tabs mark the current page, and only held files are red', () => {
  const html = draw(
    <Tabs
      label="acme/m1"
      tabs={[
        { href: '/a', label: 'Card', current: true },
        { href: '/b', label: 'Discussions', count: 3 },
        { href: '/c', label: 'Trust', count: 1, countIsBad: true },
        { href: '/d', label: 'None', count: 0 },
      ]}
    />,
  )
  expect(html).toContain('<a href="/a" aria-current="page">')
  expect(html).toContain('<span class="count">3</span>')
  expect(html).toContain('<span class="count count-bad">1</span>')
  expect(html.match(/class="count/g)).toHaveLength(2)
})

test('a time carries its exact moment', () => {
  expect(draw(<Time at={now - 3_600_000} />)).toBe(
    '<time datetime="2026-11-22T13:03:00.000Z" title="22 Nov 2026, 13:03:00 UTC">1 hour ago</time>',
  )
})

test('code is escaped line by line and numbered', () => {
  const html = draw(<CodeView name="a" text={'<script>\n"&\'\n'} />)
  expect(html).toContain('<tr id="L1"><td class="ln"><a href="#L1">1</a></td><td>&lt;script&gt;</td></tr>')
  expect(html).toContain('<td>&quot;&amp;&#39;</td>')
  expect(html).not.toContain('L3')
  expect(fitsCodeView('x\n'.repeat(codeViewLimit.lines + 1))).toBe(false)
  expect(fitsCodeView('x'.repeat(codeViewLimit.characters + 1))).toBe(false)
  expect(fitsCodeView('x\ny')).toBe(true)
})

test('a summary can be drawn alone, for the script that refreshes it', () => {
  expect(draw(<PermissionSummary lines={[{ can: true, text: 'Read a/b' }]} />)).toMatch(
    /^<aside[^>]* id="token-summary"/,
  )
})

test('every icon of the list has its shape, and the sheet draws what was used once', () => {
  expect(Object.keys(iconShapes)).toEqual([...iconNames])
  const html = draw(
    <>
      <Icon name="lock" />
      <Icon name="lock" />
      <IconSheet />
    </>,
  )
  expect(html.match(/<use href="#i-lock"/g)).toHaveLength(2)
  expect(html.match(/<symbol /g)).toHaveLength(1)
})

test('a rendering inside another keeps its icons apart', () => {
  function Nested() {
    expect(draw(<Icon name="bug" />)).toContain('i-bug')
    return null
  }
  const html = draw(
    <>
      <Icon name="lock" />
      <Nested />
      <IconSheet />
    </>,
  )
  expect(html).toContain('id="i-lock"')
  expect(html).not.toContain('i-bug')
})

test('an asynchronous component is refused, and the next page renders', () => {
  async function Late() {
    return <p>late</p>
  }
  expect(() => renderPage(<Late />)).toThrow(/asynchronous/)
  expect(draw(<p>fine</p>)).toBe('<p>fine</p>')
})

test('the colours follow the cookie, else the system', () => {
  const page = (theme: PageContext['theme']) =>
    renderPage(
      <Page context={{ ...context, theme }} title="T">
        <h1>T</h1>
      </Page>,
    )
  expect(page(null)).toContain('<html lang="en">')
  expect(page('dark')).toContain('<html lang="en" data-theme="holdfast-dark">')
  expect(page('light')).toMatch(/value="light" aria-label="Light" aria-pressed="true"/)
})

test('a stranger is offered an account only where one may be made', () => {
  const page = (signUpOpen: boolean) =>
    renderPage(
      <Page context={{ ...context, signUpOpen }} title="T">
        <h1>T</h1>
      </Page>,
    )
  expect(page(true)).toContain('href="/join"')
  expect(page(false)).not.toContain('href="/join"')
})

test('assets are found only by the names that the build made', () => {
  expect(assetUrl('styles.css')).toMatch(/^\/assets\/styles[-\w]*\.css$/)
  for (const name of ['../main.js', 'manifest.json', '', '..%2f..%2fpackage.json', 'styles.css.br']) {
    expect(findAsset(name)).toBeNull()
  }
  const built = findAsset(assetUrl('styles.css').slice('/assets/'.length))
  if (built) {
    expect(built.type).toBe('text/css; charset=utf-8')
    expect(built.brotli?.size).toBeLessThan(built.size)
  }
})
