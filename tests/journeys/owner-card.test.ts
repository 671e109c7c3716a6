/* The card of an organization in a real browser, with and without JavaScript: found in the settings, written in the editor, read by whoever may
   see its space, and by nobody else. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long and quiet word'
const chromium = findChromium()
const card = `# Harbor Lab

We make **models of tides**. Begin with [the first one](/acme).

<script>document.title = 'taken over'</script>
`

describe.skipIf(chromium === null)('the card of an organization', { timeout: 90_000 }, () => {
  let site: TestHub
  let browser: Browser
  beforeAll(async () => {
    site = await startHub()
    for (const name of ['mara', 'jonas']) await makeUser(site, name, { password })
    browser = await openBrowser(chromium ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  const article = (page: Page) => page.locator('article.panel')

  test.each(['with', 'without'] as const)('%s scripts', async (how) => {
    const javaScriptEnabled = how === 'with'
    const page = await signInOn(browser, site.url, 'mara', password, { javaScriptEnabled })
    const other = await signInOn(browser, site.url, 'jonas', password, { javaScriptEnabled })
    for (const each of [page, other]) each.setDefaultTimeout(10_000)
    const look = async (name: string) => {
      if (javaScriptEnabled) await expectAccessible(page, name)
    }
    const lab = `harbor-${how}`
    await page.goto(`${site.url}/organizations/new`)
    await page.getByLabel('Name', { exact: true }).fill(lab)
    await page.getByRole('button', { name: 'Create organization' }).click()

    // From the settings to a space whose form is filled in already.
    await page.goto(`${site.url}/organizations/${lab}/settings/profile`)
    await page.getByText(`The README.md of the space ${lab}/README stands on the page`).waitFor({ state: 'detached' })
    await look('card-settings')
    await page.getByRole('link', { name: 'Make the space' }).click()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('README')
    await page.getByRole('button', { name: /^Create/ }).click()
    await page.goto(`${site.url}/${lab}`)
    expect(await article(page).count()).toBe(0)

    await page.goto(`${site.url}/spaces/${lab}/README/edit/main/README.md`)
    const text = await page.locator('textarea[name=content]').inputValue()
    await page.getByRole('textbox', { name: 'Contents' }).fill(`${text}\n${card}`)
    await page.getByRole('button', { name: 'Commit changes' }).click()
    await page.getByText('README.md is committed to main').waitFor()

    await page.goto(`${site.url}/${lab}`)
    await article(page).getByRole('heading', { name: 'Harbor Lab' }).waitFor()
    expect(await page.title()).not.toContain('taken over')
    expect(await article(page).locator('script').count()).toBe(0)
    await look('card-of-an-organization')
    // The first page only.
    await page.goto(`${site.url}/${lab}?kind=dataset`)
    expect(await article(page).count()).toBe(0)

    // The story: a private space called README would tell strangers what only members may read.
    await other.goto(`${site.url}/${lab}`)
    await other.getByRole('heading', { name: lab, level: 1 }).waitFor()
    expect(await other.content()).not.toContain('models of tides')

    await page.goto(`${site.url}/spaces/${lab}/README/settings`)
    await page.getByText('public', { exact: true }).first().click()
    await page.getByRole('button', { name: 'Save visibility' }).click()
    await other.reload()
    await article(other).getByText('models of tides').waitFor()

    await page.goto(`${site.url}/organizations/${lab}/settings/profile`)
    await page.getByRole('link', { name: 'Open the space' }).click()
    await page.waitForURL(`${site.url}/spaces/${lab}/README`)
    await page.close()
    await other.close()
  })
})
