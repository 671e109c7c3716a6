/* The life of a repository in its settings: made as each kind, shown and hidden, renamed, moved to an organization, and deleted by typing its name; with and
   without scripts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('the settings of a repository, in a browser', { timeout: 240_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password })
    await makeOrganization(site, 'acme', ada)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  const status = async (path: string) => (await fetch(site.url + path, { redirect: 'manual' })).status

  test.each([
    ['with scripts', true, 'one'],
    ['without scripts', false, 'two'],
  ])('from the form to the typed name: %s', async (_title, scripts, name) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    const check = async (what: string) => {
      if (scripts) await expectAccessible(page, `repo-settings-${what}`)
    }
    for (const [address, button, prefix] of [
      ['/new', 'Create model', ''],
      ['/new-dataset', 'Create dataset', 'datasets/'],
      ['/new-space', 'Create space', 'spaces/'],
    ]) {
      await page.goto(site.url + address)
      await page.getByLabel('Name', { exact: true }).fill(`first-${name}`)
      await page.getByRole('radio', { name: 'Private' }).check()
      await check(`new-${prefix === '' ? 'model' : prefix?.slice(0, -2)}`)
      await page.getByRole('button', { name: button }).click()
      await page.waitForURL(`${site.url}/${prefix}ada/first-${name}`)
    }

    await page.goto(`${site.url}/ada/first-${name}/settings`)
    await check('all')
    expect(await status(`/ada/first-${name}`)).toBe(404)
    await page.getByRole('radio', { name: /^public/i }).check()
    await page.getByRole('button', { name: 'Save visibility' }).click()
    await page.getByRole('status').first().waitFor()
    expect(await status(`/ada/first-${name}`)).toBe(200)

    const move = page.locator('form[action$="/settings/move"]')
    await move.getByLabel('Name').fill('not a name')
    await move.getByRole('button').click()
    await page.locator('[aria-invalid="true"]').waitFor()
    await check('bad-name')
    await move.getByLabel('Owner').selectOption('acme')
    await move.getByLabel('Name').fill(`moved-${name}`)
    await move.getByRole('button').click()
    await page.waitForURL(new RegExp(`/acme/moved-${name}`))
    // The old address leads to the new one, in the browser and for clients.
    await page.goto(`${site.url}/ada/first-${name}`)
    expect(new URL(page.url()).pathname).toBe(`/acme/moved-${name}`)
    expect(await status(`/api/models/ada/first-${name}`)).toBe(307)

    await page.goto(`${site.url}/acme/moved-${name}/settings`)
    await page.getByRole('link', { name: 'Delete model' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/to confirm/).fill('something else')
    await check('delete')
    await dialog.getByRole('button', { name: 'Delete model' }).click()
    await page.getByRole('dialog').locator('[aria-invalid="true"]').waitFor()
    expect(await status(`/acme/moved-${name}`)).toBe(200)
    await page
      .getByRole('dialog')
      .getByLabel(/to confirm/)
      .fill(`acme/moved-${name}`)
    await page.getByRole('dialog').getByRole('button', { name: 'Delete model' }).click()
    await page.waitForURL((url) => !url.pathname.includes('settings'))
    expect(await status(`/acme/moved-${name}`)).toBe(404)
    expect(await status(`/ada/first-${name}`)).toBe(404)
    await page.context().close()
  })
})
