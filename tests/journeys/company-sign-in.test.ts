/* Sign-in through a company in a real browser, at a provider on another site: a new account, its groups, and connecting one that is there. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { type CompanyProvider, startCompanyProvider } from '../support/company-provider.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('sign-in through a company in a browser', { timeout: 150_000 }, () => {
  let site: TestHub
  let provider: CompanyProvider
  let browser: Browser

  beforeAll(async () => {
    provider = await startCompanyProvider('127.0.0.1')
    provider.showsPage = true
    site = await startHub({ env: { ...provider.env, HOLDFAST_OIDC_JOIN: 'true' } })
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    for (const name of ['acme', 'beta']) await makeOrganization(site, name, ada)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
    await provider?.stop()
  })

  const throughProvider = async (page: Page): Promise<void> => {
    await page.getByRole('link', { name: 'Go on', exact: true }).click()
  }

  test.each([
    ['with scripts', true, 'acme'],
    ['without scripts', false, 'beta'],
  ])('issue 6: company groups, a new account, and one that is connected: %s', async (_title, scripts, organization) => {
    let looks = 0
    const check = async (page: Page) => {
      if (scripts) await expectAccessible(page, `company-sign-in-${++looks}`)
    }
    const admin = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    await admin.goto(`${site.url}/organizations/${organization}/settings/members`)
    await admin.getByRole('link', { name: 'Company groups' }).first().click()
    await admin.getByText('No group gives anything').waitFor()
    await check(admin)
    await admin.getByLabel('Group of the company').fill('researchers')
    await admin.getByLabel('Role', { exact: true }).selectOption('member')
    await admin.getByRole('button', { name: 'Add' }).click()
    await admin.getByText('Member and manager are for groups.').waitFor()
    expect(await admin.getByLabel('Group of the company').inputValue()).toBe('researchers')
    await check(admin)
    await admin.getByLabel('Role', { exact: true }).selectOption('write')
    await admin.getByRole('button', { name: 'Add' }).click()
    await admin.getByText('researchers gives it from the next sign-in').waitFor()

    const name = scripts ? 'eve' : 'fay'
    const email = `${name}@acme.example`
    provider.person = { sub: name, email, email_verified: true, preferred_username: name, groups: ['researchers'] }
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, javaScriptEnabled: scripts })
    const page = await context.newPage()
    await page.goto(`${site.url}/login?next=/settings/organizations`)
    await check(page)
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await throughProvider(page)
    await page.getByText(`Welcome, ${name}. Your account is ready.`).waitFor()
    expect(new URL(page.url()).pathname).toBe('/settings/organizations')
    await page.getByText(organization, { exact: true }).first().waitFor()
    await page.getByRole('link', { name: 'Connected sign-in' }).first().click()
    await page.getByText(email).waitFor()
    await check(page)
    await page.getByRole('link', { name: 'Disconnect' }).click()
    await page.getByText('You do not sign in through Acme any more.').waitFor()
    await check(page)
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText('This is the only way in which you can sign in.').waitFor()

    await admin.goto(`${site.url}/organizations/${organization}/settings/company-groups`)
    await check(admin)
    await admin.getByRole('link', { name: 'Remove what researchers gives' }).click()
    await admin.getByText('1 person has it through groups of the company now.').waitFor()
    await check(admin)
    await admin.getByRole('button', { name: 'Remove' }).click()
    await admin.getByText('The group does not give it any more.').waitFor()

    // Somebody who has an account connects it, and comes in by it.
    const bobs = scripts ? 'bob' : 'bea'
    await makeUser(site, bobs, { password })
    provider.person = { sub: bobs, email: `${bobs}@acme.example` }
    const bob = await signInOn(browser, site.url, bobs, password, { javaScriptEnabled: scripts })
    await bob.goto(`${site.url}/settings/company-sign-in`)
    await bob.getByText('Not connected').waitFor()
    await check(bob)
    await bob.getByRole('button', { name: 'Connect with Acme' }).click()
    await throughProvider(bob)
    await bob.getByText('Your account is connected with Acme.').waitFor()

    // With a second factor the hub asks for it: its page is reached from another site.
    await site.hub.transaction(async (tx) => {
      await tx.updateTable('user').set({ secondFactorAt: Date.now() }).execute()
    })
    await bob.context().clearCookies()
    await bob.goto(`${site.url}/login`)
    await bob.getByRole('link', { name: 'Sign in with Acme' }).click()
    await throughProvider(bob)
    await bob.getByText(`Signing in as ${bobs}`).waitFor()
    await site.hub.transaction(async (tx) => {
      await tx.updateTable('user').set({ secondFactorAt: null }).execute()
    })

    // What goes wrong is said in words.
    provider.bent = { back: { code: undefined, error: 'access_denied' } }
    await bob.goto(`${site.url}/login`)
    await bob.getByRole('link', { name: 'Sign in with Acme' }).click()
    await throughProvider(bob)
    await bob.getByText('Acme did not sign you in: you pressed cancel there').waitFor()
    await check(bob)
    provider.bent = {}
    await bob.getByRole('link', { name: 'Begin again' }).click()
    await throughProvider(bob)
    await bob.waitForURL((url) => url.host === new URL(site.url).host)
    expect((await bob.goto(`${site.url}/settings/profile`))?.status()).toBe(200)
    for (const one of [admin, page, bob]) await one.context().close()
  })
})
