/* Service accounts as an administrator meets them: by mouse, with and without scripts, on a real hub in a real browser. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { jsonClient } from '../support/json-client.ts'
import { insertRepo } from '../support/rows.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()
const password = 'a long enough sentence'

describe.skipIf(chromium === null)('service accounts in a browser', () => {
  let hub: TestHub
  let browser: Browser
  let mara: TestUser
  let cookie: string
  let readerCookie: string
  const pictures = process.env.HOLDFAST_TEST_PICTURES

  beforeAll(async () => {
    hub = await startHub()
    browser = await openBrowser(chromium ?? '')
    mara = await makeUser(hub, 'mara', { password })
    const reader = await makeUser(hub, 'reader', { password })
    const acme = await makeOrganization(hub, 'acme', mara, { reader: 'read' })
    await insertRepo(hub.hub.db, { id: hub.hub.clock.id(), owner: acme, name: 'harbor-7b' })
    cookie = await signInAs(hub, mara)
    readerCookie = await signInAs(hub, reader)
  })
  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
  })

  async function open(path: string, options: Parameters<Browser['newContext']>[0] = {}, who = cookie): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const [name = '', value = ''] = who.split(/=(.*)/s)
    await context.addCookies([{ name, value, url: hub.url }])
    const page = await context.newPage()
    await page.goto(`${hub.url}${path}`)
    return page
  }

  /** Axe finds nothing and nothing scrolls sideways; with HOLDFAST_TEST_PICTURES a picture is kept there. */
  async function look(page: Page, name: string): Promise<void> {
    const found = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      .analyze()
    expect(
      found.violations.map((each) => `${name}: ${each.id} ${each.nodes[0]?.html}`),
      name,
    ).toEqual([])
    const size = page.viewportSize()
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 })
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(beyond, `${name} at ${width}`).toBe(0)
      for (const scheme of ['light', 'dark'] as const) {
        if (pictures === undefined) continue
        await page.emulateMedia({ colorScheme: scheme })
        await page.screenshot({ path: `${pictures}/${name}-${width}-${scheme}.png`, fullPage: true })
      }
      await page.emulateMedia({ colorScheme: 'light' })
    }
    if (size) await page.setViewportSize(size)
  }

  const base = '/organizations/acme/settings/service-accounts'
  const valueOn = async (page: Page) => (await page.locator('.secret code').textContent()) ?? ''
  const whoami = async (value: string) =>
    (await fetch(`${hub.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${value}` } })).status

  test.each([
    { name: 'with scripts', javaScriptEnabled: true, account: 'ci-publish' },
    { name: 'without scripts', javaScriptEnabled: false, account: 'ci-plain' },
  ])(
    'SA-2, SA-3, SA-22, SA-25, SA-27, SA-28, SA-30, SA-32, SA-33: its whole life, $name',
    { timeout: 180_000 },
    async ({ javaScriptEnabled, account }) => {
      const keeps = javaScriptEnabled
      const page = await open('/organizations/acme/settings/members', { javaScriptEnabled })
      await page.getByRole('link', { name: 'Service accounts' }).first().click()
      if (keeps) await look(page, 'sa-empty')
      await page.getByRole('link', { name: 'Add service account' }).click()
      const adding = page.getByRole('dialog', { name: 'Add service account' })
      await adding.getByLabel('Display name').fill(account)
      await adding.getByLabel('Description').fill('Uploads released models from the build pipeline')
      // SA-2: the role is a choice that has to be made.
      await adding.getByRole('button', { name: 'Create' }).click()
      await adding.getByText('Choose a role.').waitFor()
      if (keeps) await look(page, 'sa-add')
      expect(await adding.getByLabel('Display name').inputValue()).toBe(account)
      await adding.getByLabel('Role in acme').selectOption('write')
      await adding.getByRole('button', { name: 'Create' }).click()

      await page.getByRole('heading', { name: `First token of ${account}` }).waitFor()
      await page.getByRole('link', { name: 'Skip', exact: true }).click()
      await page.getByRole('heading', { name: 'What to do next' }).waitFor()
      if (keeps) await look(page, 'sa-next')
      const here = new URL(page.url()).pathname

      await page.getByRole('link', { name: 'Add token' }).click()
      await page.getByLabel('Name', { exact: true }).fill('gitlab-release')
      await page.getByLabel('Description').fill('Release stage')
      await page.getByRole('radio', { name: /scoped/ }).check()
      const repo = page.getByLabel('Find a repository to add')
      if (!(await repo.isVisible())) await page.getByText('Selected repositories').first().click()
      await repo.fill('acme/nothing')
      await page.getByRole('button', { name: 'Add the repository' }).click()
      await page.getByText('There is no such repository').waitFor()
      const offered = page.locator('datalist option')
      expect(await offered.evaluateAll((all) => all.map((one) => one.getAttribute('value')))).toContain(
        'acme/harbor-7b',
      )
      await page.getByLabel('Find a repository to add').fill('harbor-7b')
      // Sent before its own button was pressed: no token is made that silently lacks the repository.
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText('It is added now: tick what the token may do on it.').waitFor()
      expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('gitlab-release')
      await page.locator('input[value="model:acme/harbor-7b=repo.write"]').check()
      if (keeps) {
        await page.getByText('Read and write acme/harbor-7b').waitFor()
        await look(page, 'sa-token-new')
      }
      await page.getByLabel('Expires').selectOption('90')
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      const value = await valueOn(page)
      expect(value).toMatch(/^hf_[0-9A-Za-z]{34}$/)
      expect(await whoami(value)).toBe(200)
      if (keeps) await look(page, 'sa-made')
      await page.goto(`${hub.url}${here}`)
      expect(await page.content()).not.toContain(value)
      await page.getByText('write on acme/harbor-7b').waitFor()
      const check = (secret: string) =>
        fetch(`${hub.url}/api/models/acme/harbor-7b/auth-check/write`, {
          headers: { authorization: `Bearer ${secret}` },
        })
      expect((await check(value)).status).toBe(200)

      await page.getByRole('link', { name: 'Edit gitlab-release' }).click()
      await page.getByLabel('Name', { exact: true }).fill('gitlab')
      if (keeps) await look(page, 'sa-token-edit')
      await page.getByRole('button', { name: 'Save token' }).click()
      await page.getByText('The token “gitlab” is saved.').waitFor()

      await page.getByRole('link', { name: 'Refresh gitlab' }).click()
      const refreshing = page.getByRole('dialog', { name: 'Refresh token “gitlab”' })
      expect(await refreshing.getByLabel('Expires').inputValue()).toBe('never')
      if (keeps) await look(page, 'sa-refresh')
      await refreshing.getByRole('button', { name: 'Refresh token' }).click()
      const second = await valueOn(page)
      expect(second).not.toBe(value)
      expect([await whoami(value), await whoami(second)]).toEqual([401, 200])

      await page.goto(`${hub.url}${here}/tokens/new`)
      await page.getByLabel('Name', { exact: true }).fill('mirror')
      await page.getByRole('radio', { name: /inherit/ }).check()
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      const inherits = await valueOn(page)
      await page.goto(`${hub.url}${here}`)
      if (keeps) await look(page, 'sa-account')

      await page.getByRole('link', { name: 'Delete mirror' }).click()
      const deleting = page.getByRole('dialog', { name: 'Delete token “mirror”' })
      await deleting.getByLabel('Type mirror to confirm').fill('Mirror')
      await deleting.getByRole('button', { name: 'Delete token' }).click()
      await deleting.getByText('Type mirror to confirm.').waitFor()
      expect(await whoami(inherits)).toBe(200)
      await deleting.getByLabel('Type mirror to confirm').fill('mirror')
      await deleting.getByRole('button', { name: 'Delete token' }).click()
      await page.getByText('The token “mirror” is deleted.').waitFor()
      expect([await whoami(inherits), await whoami(second)]).toEqual([401, 200])

      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('link', { name: 'Delete all tokens' }).click()
      const all = page.getByRole('dialog', { name: 'Delete all tokens' })
      if (keeps) await look(page, 'sa-delete-all')
      await all.getByLabel(`Type ${account} to confirm`).fill(account)
      await all.getByRole('button', { name: 'Delete all tokens' }).click()
      await page.getByText('One token is deleted.').waitFor()
      expect(await whoami(second)).toBe(401)

      await page.goto(`${hub.url}${base}`)
      if (keeps) await look(page, 'sa-list')
      const menu = async (entry: string) => {
        await page.getByRole('button', { name: `More for ${account}` }).click()
        await page.getByRole('link', { name: entry }).click()
      }
      await menu('Disable')
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
      await page.getByText(`${account} is disabled.`).waitFor()
      if (keeps) await look(page, 'sa-disabled')
      await menu('Enable')
      await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click()
      await page.getByText(`${account} is enabled.`).waitFor()
      await page.goto(`${hub.url}${base}`)
      await menu('Delete service account')
      if (keeps) await look(page, 'sa-delete')
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
      await page.getByText(`The service account ${account} is deleted.`).waitFor()
      expect((await jsonClient(hub.url)('GET', '/api/organizations/acme/service-accounts', cookie)).text).not.toContain(
        account,
      )
      await page.context().close()
    },
  )

  test('SA-1: who is no administrator finds no way to them, and no page', async () => {
    const page = await open('/organizations/acme/settings/members', {}, readerCookie)
    expect(await page.getByRole('link', { name: 'Service accounts' }).count()).toBe(0)
    for (const path of [
      base,
      `${base}?dialog=add`,
      `${base}/${'f'.repeat(24)}`,
      `${base}/${'f'.repeat(24)}/tokens/new`,
    ]) {
      const answer = await page.goto(`${hub.url}${path}`)
      expect(answer?.status()).toBe(403)
      expect(await page.getByRole('button', { name: 'Add' }).count()).toBe(0)
    }
    const posted = await fetch(`${hub.url}${base}`, {
      method: 'POST',
      headers: { cookie: readerCookie },
      body: new URLSearchParams({ name: 'mine', role: 'admin' }),
      redirect: 'manual',
    })
    expect(posted.status).toBe(403)
    await page.context().close()
  })

  test('SA-5, SA-8: its page is nobody, and a commit shows its name with the badge', async () => {
    const ask = jsonClient(hub.url)
    const accounts = '/api/organizations/acme/service-accounts'
    const made = (await ask('POST', accounts, cookie, { name: 'committer' })).json<{ _id: string; user: string }>()
    const { token } = (await ask('POST', `${accounts}/${made._id}/tokens`, cookie, { mode: 'inherit' })).json<{
      token: string
    }>()
    await ask('POST', '/api/repos/create', token, { name: 'by-machine', organization: 'acme' })
    const page = await open('/acme/by-machine/commits/main')
    await page.getByText('committer', { exact: true }).first().waitFor({ timeout: 10_000 })
    expect(await page.locator('.who-sa').count()).toBeGreaterThan(0)
    await page.getByText('service account', { exact: true }).first().waitFor()
    await look(page, 'sa-commits')
    expect((await page.goto(`${hub.url}/${made.user}`))?.status()).toBe(404)
    await page.context().close()
  })
})
