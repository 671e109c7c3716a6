/* What a person looks after in their own settings: profile, addresses, password, sessions, and leaving; with and without scripts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const better = 'another sentence, longer still'
const chromium = findChromium()

describe.skipIf(chromium === null)('your settings, in a browser', { timeout: 240_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    await makeUser(site, 'ada', { password, isAdmin: true })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('profile, addresses, password, sessions, leaving: %s', async (_title, scripts) => {
    const name = scripts ? 'mara' : 'jonas'
    await makeUser(site, name, { password })
    const page = await signInOn(browser, site.url, name, password, { javaScriptEnabled: scripts })
    const check = async (what: string) => {
      if (scripts) await expectAccessible(page, `yours-${what}`)
    }
    const go = async (link: string) => {
      const place = page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: link, exact: true })
      await place.click()
      // On a busy machine the page that is left is there for a moment more.
      await place.and(page.locator('[aria-current="page"]')).waitFor()
    }
    await page.goto(`${site.url}/settings/profile`)
    await page.getByLabel('Full name').fill('Mara Lindqvist')
    await check('profile')
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.goto(`${site.url}/${name}`)
    await page.getByText('Mara Lindqvist,').waitFor()

    await page.goto(`${site.url}/settings/profile`)
    await go('Account and e-mail')
    await page.getByLabel('E-mail', { exact: true }).fill(`${name}@elsewhere.example`)
    await page.getByRole('button', { name: 'Add address' }).click()
    await page.getByText(`${name}@elsewhere.example`).first().waitFor()
    await check('account')
    await page.getByRole('button', { name: `More for ${name}@elsewhere.example` }).click()
    await page.getByRole('link', { name: 'Remove address' }).filter({ visible: true }).click()
    await check('account-remove')
    await page.getByRole('dialog').getByRole('button', { name: 'Remove address' }).click()
    await page.getByRole('rowheader', { name: `${name}@elsewhere.example` }).waitFor({ state: 'detached' })

    await go('Password and sign-in')
    await page.getByLabel('Current password').fill('not it at all')
    await page.getByLabel('New password').fill(better)
    await page.getByRole('button', { name: 'Save password' }).click()
    await page.locator('[aria-invalid="true"]').first().waitFor()
    await check('password-wrong')
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill(better)
    await page.getByRole('button', { name: 'Save password' }).click()
    await page.getByRole('status').first().waitFor()

    const other = await signInOn(browser, site.url, name, better, { javaScriptEnabled: scripts })
    await page.goto(`${site.url}/settings/sessions`)
    await check('sessions')
    await page.getByRole('link', { name: 'End all other sessions' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End all other sessions' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await other.goto(`${site.url}/settings/profile`)
    expect(new URL(other.url()).pathname).toBe('/login')
    await other.context().close()

    for (const place of ['GPG and SSH keys', 'Gated repositories', 'Organizations', 'Access Tokens']) {
      await go(place)
      await check(place.toLowerCase().replaceAll(' ', '-'))
    }

    await go('Account and e-mail')
    await page.getByRole('link', { name: 'Deactivate account' }).click()
    await page.getByRole('dialog').getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate account' }).click()
    await page.waitForURL((url) => !url.pathname.startsWith('/settings'))
    await page.goto(`${site.url}/settings/profile`)
    expect(new URL(page.url()).pathname).toBe('/login')
    await page.context().close()
  })
})
