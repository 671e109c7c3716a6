/* The life of a token in a real browser: made with a fence, refreshed with an overlap while a job goes on with the old value, finished. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('the life of a token in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    await makeUser(site, 'ada', { password })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  async function shownValue(page: Page): Promise<string> {
    return (
      (
        await page
          .getByText(/^hf_\w{34}$/)
          .first()
          .textContent()
      )?.trim() ?? ''
    )
  }
  const job = (token: string) =>
    fetch(`${site.url}/api/whoami-v2`, {
      headers: { authorization: `Bearer ${token}`, 'user-agent': 'nightly-job/1.0' },
    })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('fence (idea 11), refresh with an overlap (idea 2), Finish now: %s', async (title, scripts) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    let looks = 0
    const check = async () => {
      if (scripts) await expectAccessible(page, `token-life-${++looks}`)
    }
    const name = `nightly ${title}`
    await page.goto(`${site.url}/settings/tokens/new?role=read`)
    await page.getByLabel('Name').fill(name)
    await page.getByRole('radio', { name: 'read' }).check()
    await page.getByText('Limits: networks, time, files, programs').click()
    await page.getByLabel('Networks').fill('10.0.0.0/33')
    await page.getByRole('button', { name: 'Create token' }).click()
    // What was typed is still there, open, beside what is wrong with it.
    await page.getByText('"10.0.0.0/33" is neither an address nor a network').first().waitFor()
    expect(await page.getByLabel('Networks').inputValue()).toBe('10.0.0.0/33')
    await check()
    await page.getByLabel('Networks').fill('127.0.0.1\n::1')
    await page.getByRole('button', { name: 'Create token' }).click()
    const first = await shownValue(page)
    await check()
    expect((await job(first)).status).toBe(200)
    await page.goto(`${site.url}/settings/tokens`)
    await page.getByText('only from').first().waitFor()
    await check()

    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('link', { name: 'Refresh token' }).click()
    await page.getByLabel('The old value stops').selectOption({ label: 'After 1 hour' })
    await check()
    await page.getByRole('button', { name: 'Refresh token' }).click()
    const second = await shownValue(page)
    expect(second).not.toBe(first)
    expect((await job(first)).status).toBe(200)
    expect((await job(second)).status).toBe(200)

    await page.goto(`${site.url}/settings/tokens`)
    await page.getByRole('link', { name: `old value hf_…${first.slice(-4)} stops` }).click()
    // Uses are written down once a minute: this one now.
    const lastUsedAt = Date.now()
    const used = { lastUsedAt, lastIp: '127.0.0.1', lastUserAgent: 'nightly-job/1.0' }
    await site.hub.transaction((tx) =>
      tx.updateTable('formerTokenValue').set(used).where('last4', '=', first.slice(-4)).execute(),
    )
    await page.reload()
    await page.getByText('It is still used').waitFor()
    await page.getByText('nightly-job/1.0').first().waitFor()
    await check()
    await page.getByRole('button', { name: 'Finish now' }).click()
    await page.getByText(`The old value of “${name}” is refused from now on.`).waitFor()
    expect((await job(first)).status).toBe(401)
    expect((await job(second)).status).toBe(200)
    expect(await page.getByText('It is still used').count()).toBe(0)
    expect(await page.content()).not.toContain(second)
    await page.context().close()
  })
})
