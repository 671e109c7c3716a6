/* "Why?" in a real browser: from a refusal to its checks, from a token to what it may do, and an administrator about a member; with and without scripts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { jsonClient } from '../support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('why access is refused, in a browser', { timeout: 180_000 }, () => {
  let site: TestHub
  let browser: Browser
  let bob: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    bob = await makeUser(site, 'bob', { password })
    const acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    const made = await jsonClient(site.url)('POST', '/api/repos/create', ada.token, {
      name: 'harbor',
      organization: 'acme',
      private: true,
    })
    expect(made.status).toBe(200)
    await makeToken(site, bob, { role: 'read', name: 'notebook' })
    const machine = await makeServiceAccount(site, acme, 'night build', 'read')
    await makeAccountToken(site, acme, machine, 'inherit', { name: 'runner' })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('idea 1: a refusal, a token, somebody else: %s', async (_title, scripts) => {
    const page = await signInOn(browser, site.url, 'bob', password, { javaScriptEnabled: scripts })
    let looks = 0
    const check = async () => {
      if (scripts) await expectAccessible(page, `why-denied-${++looks}`)
    }
    await page.goto(`${site.url}/acme/harbor/settings`)
    await page.getByRole('link', { name: 'Every check, and what would satisfy it' }).click()
    await page.getByRole('heading', { name: 'Refused' }).waitFor()
    const role = page.getByRole('listitem').filter({ hasText: 'organization: read' })
    expect(await role.textContent()).toContain('has read, needs write')
    expect(await page.getByLabel('On which resource').inputValue()).toBe('model:acme/harbor')
    await page.getByText('X-Hub-Denied: role; need=write; have=read; entity=model:acme/harbor').waitFor()
    await check()

    await page.goto(`${site.url}/settings/tokens`)
    await page.getByText('Manage', { exact: false }).filter({ visible: true }).last().click()
    await page.getByRole('link', { name: 'Test this token' }).click()
    await page.getByRole('heading', { name: 'Test access' }).waitFor()
    await check()
    await page.getByLabel('What', { exact: true }).selectOption({ label: 'Repo: download files, clone and fetch' })
    await page.getByLabel('On which resource').fill('model:acme/harbor')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByRole('heading', { name: 'Allowed' }).waitFor()
    await page.getByText('a read token, …').waitFor()
    await check()

    // What is not there, what is no question, and what somebody who is no administrator asks.
    await page.getByLabel('On which resource').fill('model:acme/nothing')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByRole('heading', { name: 'Not found', exact: true }).waitFor()
    await page.getByLabel('On which resource').fill('harbor')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('A resource is "model:acme/x"').waitFor()
    expect(await page.getByLabel('On which resource').inputValue()).toBe('harbor')
    await check()
    await page.getByLabel('With', { exact: true }).selectOption({ label: 'This session' })
    await page.getByLabel('On which resource').fill('model:acme/harbor')
    await page.getByLabel('As somebody else').fill('ada')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('Your role on acme is read; this needs admin.').waitFor()
    await page.context().close()

    const other = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    await other.goto(`${site.url}/settings/tokens/test?action=repo.push&resource=model:acme/harbor&principal=bob`)
    await other.getByRole('heading', { name: 'Refused' }).waitFor()
    await other.getByText('bob, in a session').waitFor()
    await other.getByLabel('As somebody else').fill('nobody')
    await other.getByRole('button', { name: 'Test' }).click()
    await other.getByText('This user does not exist').waitFor()

    // Nobody types an id: the token of a service account, from the list.
    await other.getByLabel('Organization', { exact: true }).selectOption('acme')
    await other.getByLabel('Name contains').fill('night')
    await other.getByRole('button', { name: 'Find', exact: true }).click()
    await other.getByText('Nobody of that name.').waitFor()
    if (scripts) await expectAccessible(other, 'why-denied-pick')
    await other.getByRole('link', { name: 'runner', exact: false }).click()
    await other.getByRole('heading', { name: 'Refused' }).waitFor()
    expect(await other.getByLabel('With', { exact: true }).locator('option:checked').textContent()).toContain(
      'runner of night build',
    )
    if (scripts) await expectAccessible(other, 'why-denied-picked')
    await other.context().close()
  })
})
