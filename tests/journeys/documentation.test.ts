/* The documentation that the hub serves, as somebody reads it who just came here: the list, a guide, the API reference, with nothing broken on the way. */
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('documentation in a browser', { timeout: 180_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test('from the footer to a guide and to what an operation needs; a stranger, without scripts', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${site.url}/models`)
    await page.getByRole('link', { name: 'Documentation' }).click()
    await page.getByRole('heading', { name: 'Documentation', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Signed commits' }).click()
    await page.getByRole('heading', { name: 'Signed commits', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Documentation' }).first().click()
    await page.getByRole('link', { name: 'API reference' }).click()
    await page.getByRole('link', { name: 'Tokens and access' }).click()
    await page.getByText('/api/access/explain').click()
    const explain = page.locator('details', { hasText: '/api/access/explain' })
    await explain.getByText('resource', { exact: true }).waitFor()
    await explain.getByText('Body', { exact: true }).waitFor()
    await context.close()
  })

  test('axe finds nothing, in light and dark, on a desk and on a phone', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    for (const [path, name] of [
      ['/docs', 'docs'],
      ['/docs/tokens', 'docs-guide'],
      ['/docs/permissions', 'docs-table'],
      ['/docs/api', 'docs-api'],
      ['/docs/api/tokens#post-api-access-explain', 'docs-operations'],
    ]) {
      await page.goto(`${site.url}${path}`)
      await expectAccessible(page, name ?? '')
    }
    await context.close()
  })

  test('every link leads somewhere, every section that is linked to is there, and no page is heavy', async () => {
    const seen = new Map<string, string>()
    const waiting = ['/docs']
    const linked: [from: string, to: string, fragment: string][] = []
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue
      const response = await fetch(site.url + path)
      expect(response.status, path).toBe(200)
      const html = await response.text()
      seen.set(path, html)
      expect(gzipSync(html).length, path).toBeLessThan(40_000)
      for (const [, href = ''] of html.matchAll(/<a [^>]*href="([^"]*)"/g)) {
        const [place = '', fragment = ''] = href.split('#')
        const to = place === '' ? path : place
        if (!to.startsWith('/docs')) continue
        linked.push([path, to, fragment])
        waiting.push(to)
      }
    }
    expect(seen.size).toBeGreaterThan(35)
    for (const [from, to, fragment] of linked) {
      if (fragment === '') continue
      expect(seen.get(to), `${from} -> ${to}#${fragment}`).toContain(`id="${fragment}"`)
    }
  })
})
