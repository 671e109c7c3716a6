/* The weekly mail about tokens in a real browser (idea 8): its switch in the settings, and the page behind the link that switches it off. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenMailOffPath } from '../../src/features/accounts/service.ts'
import { makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('the weekly mail about tokens in a browser (idea 8)', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let bob: TestUser

  beforeAll(async () => {
    site = await startHub({ env: { HOLDFAST_SMTP_URL: 'smtp://127.0.0.1:1' } })
    browser = await openBrowser(chromium ?? '')
    bob = await makeUser(site, 'bob', { password })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'it is switched off by the link of a stranger to the browser, and on again in the settings: %s',
    async (_title, scripts) => {
      const context = await browser.newContext({ javaScriptEnabled: scripts })
      const stranger = await context.newPage()
      await stranger.goto(`${site.url}${tokenMailOffPath(site.hub, bob.id)}`)
      if (scripts) await expectAccessible(stranger, 'token-mail-link')
      await stranger.getByRole('button', { name: 'Switch this mail off' }).click()
      await stranger.getByText('is switched off').waitFor()
      if (scripts) await expectAccessible(stranger, 'token-mail-off')
      await context.close()

      const page = await signInOn(browser, site.url, 'bob', password, { javaScriptEnabled: scripts })
      await page.goto(`${site.url}/settings/account`)
      await page.getByText('need attention: off').waitFor()
      if (scripts) await expectAccessible(page, 'token-mail-settings')
      await page.getByRole('button', { name: 'Switch on' }).click()
      await page.getByText('The weekly mail about tokens is on.').waitFor()
      expect(await page.getByText('need attention: on').count()).toBe(1)
      await page.getByRole('button', { name: 'Switch off' }).click()
      await page.getByText('The weekly mail about tokens is off.').waitFor()
      await page.context().close()
    },
  )

  test('a link that was altered says what to do instead', async () => {
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${site.url}/settings/token-mail/off?person=${bob.id}&signature=${'0'.repeat(64)}`)
    await page.getByText('This link was not made by this hub').waitFor()
    await expectAccessible(page, 'token-mail-forged')
    await page.context().close()
  })
})
