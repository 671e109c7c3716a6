/* Tokens that need attention in a real browser (idea 8): one's own, and those that reach an organization. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()
const dayMs = 86_400_000

describe.skipIf(chromium === null)('tokens that need attention in a browser (idea 8)', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let bob: TestUser
  let acme: { id: string; name: string }

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password })
    bob = await makeUser(site, 'bob', { password })
    acme = await makeOrganization(site, 'acme', ada, { bob: 'write' })
    // The tokens that come with people of tests never expire.
    await site.hub.transaction((tx) => tx.deleteFrom('accessToken').execute())
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  const set = (value: string, change: Record<string, number>) =>
    site.hub.transaction((tx) =>
      tx.updateTable('accessToken').set(change).where('last4', '=', value.slice(-4)).execute(),
    )

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])("one's own: an unused one is deleted from there: %s", async (_title, scripts) => {
    const page = await signInOn(browser, site.url, 'bob', password, { javaScriptEnabled: scripts })
    const now = Date.now()
    await page.goto(`${site.url}/settings/tokens/radar`)
    await page.getByText('Nothing needs attention').waitFor()
    if (scripts) await expectAccessible(page, 'radar-own-empty')
    const unused = await makeToken(site, bob, { role: 'read', name: 'old-notebook' })
    await set(unused, { createdAt: now - 200 * dayMs, lastUsedAt: now - 120 * dayMs })
    const ending = await makeToken(site, bob, { role: 'read', name: 'nightly', expiresAt: now + 3 * dayMs })
    await set(ending, { createdAt: now - 80 * dayMs, lastUsedAt: now })
    await page.goto(`${site.url}/settings/tokens`)
    await page.getByRole('link', { name: 'Needs attention' }).click()
    await page.getByText('Not used for more than 90 days').waitFor()
    await page.getByText('Expires within 7 days').waitFor()
    if (scripts) await expectAccessible(page, 'radar-own')
    await page.getByRole('link', { name: 'Refresh nightly' }).click()
    await page.getByText('It gets a new value').waitFor()
    await page.goto(`${site.url}/settings/tokens/radar`)
    await page.getByRole('link', { name: 'Delete old-notebook' }).click()
    await page.getByLabel('to confirm').fill('old-notebook')
    await page.getByRole('button', { name: 'Delete token' }).click()
    await page.getByText('nightly').first().waitFor()
    await page.getByRole('button', { name: 'Delete token' }).waitFor({ state: 'detached' })
    await page.goto(`${site.url}/settings/tokens/radar`)
    await page.getByText('Expires within 7 days').waitFor()
    expect(await page.content()).not.toContain('old-notebook')
    await site.hub.transaction((tx) => tx.deleteFrom('accessToken').where('ownerId', '=', bob.id).execute())
    await page.context().close()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])("an organization's: filtered by reason, one is revoked from there: %s", async (_title, scripts) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    const expiresAt = Date.now() + 60 * dayMs
    const here = `${site.url}/organizations/acme/settings/tokens/radar`
    await page.goto(here)
    if (scripts) {
      await page.getByText('Nothing needs attention').waitFor()
      await expectAccessible(page, 'radar-organization-empty')
      const machine = await makeServiceAccount(site, acme, 'ci')
      await makeAccountToken(site, acme, machine, 'inherit', { expiresAt })
    }
    const write = await makeToken(site, bob, { role: 'write' })
    await page.goto(`${site.url}/organizations/acme/settings/tokens`)
    await page.getByRole('link', { name: 'Needs attention' }).click()
    await page.getByText('A classic token with write access').first().waitFor()
    await page.getByText('Never expires. Ask its owner').first().waitFor()
    await page.getByRole('link', { name: 'Name a contact of ci' }).waitFor()
    if (scripts) await expectAccessible(page, 'radar-organization')
    await page.getByLabel('Reason', { exact: true }).selectOption('no_contact')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.waitForURL(/kind=no_contact/)
    expect(await page.getByText('A classic token with write access').count()).toBe(0)
    await page.getByLabel('Reason', { exact: true }).selectOption('unused')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('No token with this reason').waitFor()
    await page.getByLabel('Reason', { exact: true }).selectOption('')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByRole('link', { name: `Revoke hf_…${write.slice(-4)} of bob` }).click()
    await page.getByRole('button', { name: 'Revoke token' }).click()
    await page.getByText('The token reaches nothing here any more.').waitFor()
    await page.goto(here)
    await page.getByRole('link', { name: 'Name a contact of ci' }).waitFor()
    expect(await page.content()).not.toContain(`hf_…${write.slice(-4)}`)
    await page.context().close()
  })
})
