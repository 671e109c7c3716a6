/* Gated repositories in a real browser, without scripts: the gate is set, asked at, decided about, and passed. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { card, type GateWorld, password, startGateWorld } from '../support/gate.ts'
import { makeServiceAccount } from '../support/service-accounts.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('gated repositories in a browser', { timeout: 120_000 }, () => {
  let world: GateWorld
  let browser: Browser
  let ada: Page
  let bob: Page

  beforeAll(async () => {
    world = await startGateWorld('sqlite')
    browser = await openBrowser(chromium ?? '')
    const { site, ask, ada: admin } = world
    await ask('POST', '/api/repos/create', admin.token, { name: 'harbor', organization: 'acme', private: false })
    await world.commit('acme/harbor', { 'README.md': card, 'weights.txt': 'secret weights' })
    ada = await signInOn(browser, site.url, 'Ada', password, { javaScriptEnabled: false })
    bob = await signInOn(browser, site.url, 'bob', password, { javaScriptEnabled: false })
  })
  afterAll(async () => {
    await browser?.close()
    await world?.site.stop()
  })

  const open = (page: Page, path: string) => page.goto(`${world.site.url}${path}`)
  /** Axe needs scripts: the same page again, for one who has them. */
  async function expectFine(name: string, who: 'Ada' | 'bob', path: string): Promise<void> {
    const page = await signInOn(browser, world.site.url, who, password)
    await open(page, path)
    await expectAccessible(page, name)
    await page.context().close()
  }

  test('REP-4: an administrator gates a model in its settings', async () => {
    await open(ada, '/acme/harbor/settings')
    await ada.getByText('manual', { exact: true }).click()
    await ada.getByRole('button', { name: 'Save access requests' }).click()
    await ada.getByText('It is gated now.').waitFor()
    await expectFine('gate-settings', 'Ada', '/acme/harbor/settings')
    await open(bob, '/models')
    expect(await bob.getByText('gated', { exact: true }).count()).toBe(1)
  })

  test('REP-6, AUTH-6: a stranger reads the card, is asked to sign in for a file, and told why not', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const stranger = await context.newPage()
    await open(stranger, '/acme/harbor')
    await stranger.getByRole('heading', { name: 'Harbor', exact: true }).waitFor()
    await stranger.getByRole('link', { name: 'Sign in to ask for access' }).waitFor()
    await open(stranger, '/acme/harbor/blob/main/weights.txt')
    expect(stranger.url()).toContain('/login?next=')
    await open(bob, '/acme/harbor/blob/main/weights.txt')
    await bob.getByText('you are not in the authorized list').first().waitFor()
    expect(await bob.content()).not.toContain('secret weights')
    await expectFine('gate-refusal', 'bob', '/acme/harbor/blob/main/weights.txt')
    await bob.getByRole('link', { name: 'Ask for access' }).click()
    expect(bob.url()).toBe(`${world.site.url}/acme/harbor`)
    await context.close()
  })

  test('REP-4: somebody agrees, is told what is missing, and waits', async () => {
    await open(bob, '/acme/harbor')
    await bob.getByRole('heading', { name: 'Acknowledge the licence' }).waitFor()
    await bob.getByText('You agree to do no harm.').waitFor()
    await expectFine('gate-form', 'bob', '/acme/harbor')
    await bob.getByLabel('Company').fill('Okoro Ports')
    await bob.getByLabel('Born').fill('1990-02-28')
    await bob.getByLabel('Use').selectOption('other')
    await bob.getByLabel('I agree').check()
    // No country: the form comes back with what was said.
    await bob.getByRole('button', { name: 'Agree and send the request' }).click()
    await bob.getByText('"Country": this has to be answered.').waitFor()
    expect(await bob.getByLabel('Company').inputValue()).toBe('Okoro Ports')
    await bob.getByLabel('Country').selectOption({ label: 'Nigeria' })
    await bob.getByRole('button', { name: 'Agree and send the request' }).click()
    await bob.getByText('It awaits a review from its authors.').waitFor()
    await bob.getByText('is awaiting a review from its authors').first().waitFor()
    await expectFine('gate-pending', 'bob', '/acme/harbor')
    await open(bob, '/settings/gated-repos')
    await bob
      .getByRole('row', { name: /acme\/harbor/ })
      .getByText('pending')
      .waitFor()
    await expectFine('gate-own', 'bob', '/settings/gated-repos')
  })

  test('REP-5: it is rejected with a reason, moved back, and accepted', async () => {
    await open(ada, '/acme/harbor/settings')
    await ada.getByRole('link', { name: 'Review requests' }).click()
    const row = ada.getByRole('row', { name: /bob/ })
    await row.getByText('Okoro Ports').waitFor()
    await row.getByText('bob@example.org').waitFor()
    await expectFine('gate-requests', 'Ada', '/acme/harbor/settings/access-requests')
    await row.getByRole('link', { name: /agreed to the text/ }).click()
    await ada.getByText('You agree to do no harm.').waitFor()
    await ada.getByRole('link', { name: 'Back to the requests' }).click()
    await ada.locator('summary', { hasText: 'Reject' }).click()
    await ada.getByLabel('Reason').fill('No company given')
    await ada.getByRole('button', { name: 'Reject bob' }).click()
    await ada.getByText('they cannot ask again').waitFor()
    await open(bob, '/acme/harbor')
    await bob.getByText("rejected by the repo's authors: No company given").waitFor()
    expect(await bob.getByRole('button', { name: 'Agree and send the request' }).count()).toBe(0)
    await expectFine('gate-rejected', 'bob', '/acme/harbor')
    await open(ada, '/acme/harbor/settings/access-requests?status=rejected')
    await ada.getByRole('button', { name: 'Move back to pending: bob' }).click()
    await open(ada, '/acme/harbor/settings/access-requests')
    await ada.getByRole('button', { name: 'Accept bob' }).click()
    await ada.getByText('the next download works').waitFor()
    await open(bob, '/acme/harbor/blob/main/weights.txt')
    await bob.getByText('secret weights').waitFor()
    await open(bob, '/acme/harbor')
    await bob.getByText('You have access to the files').waitFor()
    await expectFine('gate-accepted', 'bob', '/acme/harbor')
    await bob.getByRole('button', { name: 'Give access back' }).click()
    await bob.getByRole('button', { name: 'Agree and send the request' }).waitFor()
  })

  test('REP-8, REP-9: for a service account its administrator agrees; somebody is let in by hand', async () => {
    const gail = await makeUser(world.site, 'gail', { password })
    const labs = await makeOrganization(world.site, 'labs', gail)
    await makeServiceAccount(world.site, labs, 'ci train')
    const page = await signInOn(browser, world.site.url, 'gail', password, { javaScriptEnabled: false })
    await open(page, '/acme/harbor')
    await page.getByRole('link', { name: 'Ask for a service account' }).click()
    await page.getByLabel('Access for').selectOption({ label: 'service account ci train of labs' })
    await page.getByLabel('Company').fill('Labs')
    await page.getByLabel('Born').fill('1990-02-28')
    await page.getByLabel('Use').selectOption('other')
    await page.getByLabel('Country').selectOption({ label: 'France' })
    await page.getByLabel('I agree').check()
    await page.getByRole('button', { name: 'Agree and send the request' }).click()
    await page
      .getByRole('row', { name: /ci train/ })
      .getByText('pending')
      .waitFor()
    await open(ada, '/acme/harbor/settings/access-requests')
    await ada
      .getByRole('row', { name: /ci train/ })
      .getByText('gail agreed for it')
      .waitFor()
    await expectFine('gate-machine-requests', 'Ada', '/acme/harbor/settings/access-requests')
    await ada.getByRole('button', { name: 'Accept ci train' }).click()
    await ada.getByLabel('Let somebody in by hand').fill('nobody-here')
    await ada.getByRole('button', { name: 'Give access' }).click()
    await ada.getByText('There is no user "nobody-here" on this hub.').waitFor()
    await ada.getByLabel('Let somebody in by hand').fill('bob')
    await ada.getByRole('button', { name: 'Give access' }).click()
    await ada.getByText('Let in: bob.').waitFor()
    await expectFine('gate-accepted-requests', 'Ada', '/acme/harbor/settings/access-requests?status=accepted')
    await page.context().close()
  })
})
