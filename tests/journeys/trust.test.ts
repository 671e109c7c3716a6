/* The trust tab of a repository: from the tab to what was found, to the signatures, and nothing of a private repository to a stranger. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { fillDemoRepo } from '../support/demo-repo.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('the trust tab, in a browser', { timeout: 180_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password })
    const full = await makeRepo(site.hub, ada, 'harbor-7b', { visibility: 'private' })
    await fillDemoRepo(site.hub, full)
    await makeRepo(site.hub, ada, 'nothing-yet', { visibility: 'private' })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('what was checked, and where it can be looked up: %s', async (_title, scripts) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    const check = async (name: string) => {
      if (scripts) await expectAccessible(page, `trust-${name}`)
    }
    await page.goto(`${site.url}/ada/harbor-7b`)
    await page.getByRole('link', { name: 'Trust', exact: true }).click()
    await page.getByRole('heading', { name: 'Signed commits' }).waitFor()
    await page.getByText('Nobody vouches for all files of this revision together.').waitFor()
    await check('overview')
    await page.getByRole('link', { name: 'Every file with its verdicts' }).click()
    await page.getByRole('heading', { name: 'Scan report' }).waitFor()
    expect(await page.getByRole('rowheader').count()).toBeGreaterThan(3)
    await check('scan')
    await page.getByRole('link', { name: 'config.json' }).click()
    await page.waitForURL(/\/blob\/main\/config\.json$/)

    await page.goto(`${site.url}/ada/harbor-7b/trust/storage`)
    expect(new URL(page.url()).pathname + new URL(page.url()).hash).toBe('/ada/harbor-7b/trust#storage')
    await page.goto(`${site.url}/ada/nothing-yet/trust`)
    await page.getByText('Nothing here yet').waitFor()
    await page.context().close()
  })

  // The attack: a stranger asks for the trust of a private repository, to learn whether it is there and what it holds.
  test('story: to a stranger a private repository has no trust tab, as if it were not there', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    for (const part of ['', '/scan', '/storage', '/signatures']) {
      const there = await page.goto(`${site.url}/ada/harbor-7b/trust${part}`)
      const seen = await page.locator('main').textContent()
      const missing = await page.goto(`${site.url}/ada/no-such-thing/trust${part}`)
      expect([there?.status(), part]).toEqual([404, part])
      expect(missing?.status()).toBe(404)
      const words = (text: string | null) => text?.replace(/[0-9a-f-]{20,}/g, 'ID')
      expect(words(await page.locator('main').textContent())).toBe(words(seen))
    }
    await context.close()
  })
})
