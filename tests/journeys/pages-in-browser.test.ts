/* The pages as a browser sees them: axe finds nothing, nothing scrolls sideways, the Content-Security-Policy has nothing
   to say, the scripts do what they promise, and without scripts everything still works. */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findAsset } from '../../src/web/assets.ts'
import { samplePages } from '../pages/samples.tsx'
import { findChromium, openBrowser } from '../support/browser.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const chromium = findChromium()

const pages = samplePages((text) => text)

describe.skipIf(chromium === null)('pages in a browser', () => {
  let server: Server
  let browser: Browser
  let origin = ''

  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const asset = findAsset(url.pathname.replace('/assets/', ''))
      const html = pageFor(url)
      if (asset) response.writeHead(200, { 'content-type': asset.type }).end(readFileSync(asset.path))
      else if (url.pathname === '/theme') response.writeHead(303, { location: '/' }).end()
      else if (html === undefined) response.writeHead(404).end()
      else
        response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
          .end(html)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://localhost:${(server.address() as AddressInfo).port}`
    browser = await openBrowser(chromium ?? '')
  })

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
  })

  /** The addresses that the scripts ask for, and every sample by its name. */
  function pageFor(url: URL): string | undefined {
    if (url.pathname === '/settings/tokens')
      return pages.get(url.searchParams.get('dialog') === 'delete' ? 'token-delete' : 'tokens')
    if (url.pathname === '/settings/tokens/summary')
      return '<aside id="token-summary"><h2>What it will be able to do</h2><p>Asked again.</p></aside>'
    return pages.get(decodeURIComponent(url.pathname.replace('/sample/', '')))
  }

  async function open(
    path: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<[BrowserContext, Page]> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    await page.goto(`${origin}${path}`)
    return [context, page]
  }

  describe.each([
    { name: 'desktop, light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' as const, turn: 0 },
    { name: 'phone, dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' as const, turn: 1 },
  ])('$name', ({ turn, viewport, colorScheme }) => {
    test('axe finds nothing, and the browser has nothing to say', { timeout: 180_000 }, async () => {
      const [context, page] = await open('/sample/home', { viewport, colorScheme })
      const said: string[] = []
      page.on('console', (message) => said.push(message.text()))
      page.on('pageerror', (error) => said.push(String(error)))
      for (const name of looked.filter((_, index) => index % 2 === turn)) {
        await page.goto(`${origin}/sample/${name}`)
        const found = await new AxeBuilder({ page })
          .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
          .analyze()
        expect(
          found.violations.map((each) => `${name}: ${each.id} ${each.nodes[0]?.html}`),
          name,
        ).toEqual([])
      }
      expect(said).toEqual([])
      await context.close()
    })
  })

  test('nothing scrolls sideways at 320 pixels', { timeout: 60_000 }, async () => {
    const [context, page] = await open('/sample/home', { viewport: { width: 320, height: 640 } })
    for (const name of pages.keys()) {
      await page.goto(`${origin}/sample/${name}`, { waitUntil: 'domcontentloaded' })
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(beyond, name).toBe(0)
    }
    await context.close()
  })

  test('a dialog opens over the page, has its address, and gives focus back', async () => {
    const [context, page] = await open('/settings/tokens')
    await page.evaluate('window.stayed = true')
    await page.getByRole('button', { name: 'Manage notebook-eval' }).click()
    await page.getByRole('link', { name: 'Delete token' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete token “notebook-eval”' })
    await dialog.waitFor()
    expect(new URL(page.url()).search).toBe('?dialog=delete&token=t1')
    expect(await page.evaluate('document.activeElement.name')).toBe('confirm')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(new URL(page.url()).search).toBe('')
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Manage notebook-eval')
    // The page was never left.
    expect(await page.evaluate('window.stayed')).toBe(true)
    await context.close()
  })

  test('Esc leaves a dialog that came with the page', async () => {
    const [context, page] = await open('/settings/tokens?dialog=delete&token=t1')
    await page.keyboard.press('Escape')
    await page.waitForURL(`${origin}/settings/tokens`)
    await context.close()
  })

  test('Copy takes the secret and says so', async () => {
    const [context, page] = await open('/settings/tokens', { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('hf_qWcTzRkVbNmJxLpYdHsGfAeUoIwXrK4s9f')
    expect(await page.locator('#live').textContent()).toBe('Copied')
    await page.getByRole('button', { name: 'Copy', exact: true }).waitFor()
    await context.close()
  })

  test('the colours change at once, without leaving the page', async () => {
    const [context, page] = await open('/sample/home')
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const before = await ground()
    await page.getByRole('button', { name: 'Dark', exact: true }).click()
    await page.locator('html[data-theme="holdfast-dark"]').waitFor()
    expect(await ground()).not.toBe(before)
    expect(page.url()).toBe(`${origin}/sample/home`)
    await context.close()
  })

  test('the picker counts, asks the server again, and hides where it says nothing', async () => {
    const [context, page] = await open('/sample/token-new')
    const permissions = page.getByRole('group', { name: 'Permissions' })
    const count = permissions.locator('[data-picker-count]')
    const before = await count.textContent()
    await permissions.locator('[data-picker-box]:not(:checked):not(:disabled)').first().check()
    expect(await count.textContent()).not.toBe(before)
    await page.getByText('Asked again.').waitFor()
    await page.getByRole('radio', { name: 'read Every' }).check()
    await permissions.waitFor({ state: 'hidden' })
    await context.close()
  })

  test('without scripts a dialog is a page of its own, and no button promises to copy', async () => {
    const [context, page] = await open('/settings/tokens', { javaScriptEnabled: false })
    expect(await page.locator('[data-copy]:visible').count()).toBe(0)
    await page.getByRole('button', { name: 'Manage notebook-eval' }).click()
    await page.getByRole('link', { name: 'Delete token' }).click()
    await page.waitForURL('**/settings/tokens?dialog=delete&token=t1')
    await page.getByRole('dialog').waitFor()
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.waitForURL(`${origin}/settings/tokens`)
    await context.close()
  })
})

/** One page for each part, by turns in either mode; all of them in both would say the same again for minutes. */
const looked = [
  'service-accounts',
  'service-account',
  'service-account-made',
  'service-account-token-new',
  'sign-in',
  'account',
  'authentication',
  'authentication-none',
  'factor-remove',
  'app-setup',
  'passkey-new',
  'recovery-codes',
  'second-step',
  'confirm',
  'confirm-factor',
  'sessions',
  'tokens',
  'token-delete',
  'token-new',
  'members',
  'invitations',
  'invitations-invite',
  'invitation-ready',
  'invitation-stranger',
  'organization-profile',
  'organization-storage',
  'inference-limits',
  'inference-limits-change',
  'organization-delete',
  'listing',
  'home',
  'repo-new',
  'repo-settings',
  'card',
  'tree',
  'blob-text',
  'commits',
  'commit',
  'refusal',
]
