/* Tokens that reach an organization in a real browser: its administrator asks for approval, approves one, and revokes it. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('tokens of an organization in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let bob: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    bob = await makeUser(site, 'bob', { password, tokenRole: 'write' })
    for (const name of ['acme', 'beta']) await makeOrganization(site, name, ada, { bob: 'write' })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true, 'acme'],
    ['without scripts', false, 'beta'],
  ])('UAT-13: policy, approval and revocation: %s', async (_title, scripts, organization) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    let looks = 0
    const check = async () => {
      if (scripts) await expectAccessible(page, `organization-tokens-${++looks}`)
    }
    await page.goto(`${site.url}/organizations/${organization}/settings/members`)
    await page.getByRole('link', { name: 'Tokens that reach us' }).first().click()
    await page.getByText('Any token.').waitFor()
    await check()
    await page.getByRole('link', { name: 'Change policy' }).click()
    await page.getByLabel('Approved tokens only').check()
    await page.getByLabel('Longest lifetime in days').fill('0')
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByText('A lifetime is a number of days').first().waitFor()
    expect(await page.getByLabel('Approved tokens only').isChecked()).toBe(true)
    await check()
    await page.getByLabel('Longest lifetime in days').fill('')
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByText('The token policy is saved.').waitFor()

    const value = await makeToken(site, bob, {
      role: 'fineGrained',
      scoped: [`org:${organization}=repo.content.read`],
      name: `reads ${organization}`,
    })
    const called = `hf_…${value.slice(-4)} of bob`
    await page.getByRole('link', { name: 'Waiting for approval' }).click()
    await page.getByText(`reads ${organization}`).waitFor()
    await check()
    await page.getByRole('button', { name: `Approve ${called}` }).click()
    await page.getByText('The token is approved.').waitFor()
    await check()
    await page.getByRole('link', { name: `Revoke ${called}` }).click()
    await page.getByText('under every policy, for good').waitFor()
    await check()
    await page.getByRole('button', { name: 'Revoke token' }).click()
    await page.getByText('The token reaches nothing here any more.').waitFor()
    await page.getByText('revoked', { exact: true }).waitFor()
    expect(await page.content()).not.toContain(value)
    await page.goto(`${site.url}/organizations/${organization}/settings/tokens?waiting=true`)
    await page.getByText('Nothing waits').waitFor()
    await page.context().close()
  })
})
