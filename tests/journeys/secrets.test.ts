/* Secrets in a real browser: an administrator blocks pushes that hold some, without JavaScript too, and a file that came in before shows what it holds. */
import { randomBytes } from 'node:crypto'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('secrets in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let ada: TestUser
  const secret = `ghp_${randomBytes(18).toString('hex')}`

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    const acme = await makeOrganization(site, 'acme', ada)
    await makeRepo(site.hub, acme, 'harbor', { visibility: 'public' })
    expect(
      (await commit(`import os\n\nkey = "${secret}"\nurl = "https://build:${secret.slice(4)}@git.company.io/x"\n`))
        .status,
    ).toBe(200)
    await vi.waitFor(
      async () => {
        const results = await site.hub.db.read
          .selectFrom('scanResult')
          .select('level')
          .where('scanner', '=', 'secrets')
          .execute()
        expect(results.map(({ level }) => level)).toContain('suspicious')
      },
      { timeout: 20_000, interval: 50 },
    )
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  const commit = (text: string) =>
    fetch(`${site.url}/api/models/acme/harbor/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: [
        { key: 'header', value: { summary: 'scripts' } },
        { key: 'file', value: { path: 'train.py', content: Buffer.from(text).toString('base64'), encoding: 'base64' } },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    })

  async function signedIn(javaScriptEnabled: boolean): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, javaScriptEnabled })
    const page = await context.newPage()
    await page.goto(`${site.url}/login`)
    await page.getByLabel('Username or e-mail').fill('ada')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    return page
  }

  /** Axe finds nothing and nothing scrolls sideways, in light and dark; with HOLDFAST_TEST_PICTURES pictures are kept there. */
  async function expectAccessible(page: Page, name: string): Promise<void> {
    const pictures = process.env.HOLDFAST_TEST_PICTURES
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished))')
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 })
        const beyond = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect(beyond, `${name} at ${width}`).toBe(0)
        if (pictures !== undefined)
          await page.screenshot({ path: `${pictures}/${name}-${colorScheme}-${width}.png`, fullPage: true })
      }
    }
    await page.emulateMedia({ colorScheme: 'light' })
  }

  test('a file that came in under "warn" says which secrets it holds, on which lines, and is no danger to load', async () => {
    const page = await signedIn(true)
    await page.goto(`${site.url}/acme/harbor/tree/main`)
    await page.getByText('secrets', { exact: true }).waitFor()
    expect(await page.getByText('is unsafe').count()).toBe(0)
    await expectAccessible(page, 'secrets-tree')
    await page.goto(`${site.url}/acme/harbor/blob/main/train.py`)
    await page.getByText('2 secrets in this file').click()
    await page.getByText('Line 3: GitHub token').waitFor()
    await page.getByText('Line 4: password in an address').waitFor()
    await expectAccessible(page, 'secrets-file')
  })

  test.each([true, false])('an administrator blocks pushes that hold secrets; JavaScript: %s', async (hasScript) => {
    const page = await signedIn(hasScript)
    await page.goto(`${site.url}/organizations/acme/settings/scanning`)
    await page.getByText('This hub asks every organization for more.').waitFor()
    await page.getByRole('radio', { name: /^Block The push is refused/ }).check()
    await page.getByRole('radio', { name: /^Revoke and refuse/ }).check()
    await page.getByRole('button', { name: 'Save policies' }).click()
    await page.getByText('The policies are saved.').waitFor()
    expect(await page.getByText('This hub asks every organization for more.').count()).toBe(0)
    if (hasScript) await expectAccessible(page, 'secrets-policy')
    expect((await commit(`key = "ghp_${randomBytes(18).toString('hex')}"\n`)).status).toBe(422)
    await page.getByRole('radio', { name: /^Off Pushes are not searched/ }).check()
    await page.getByRole('radio', { name: /^Revoke and record/ }).check()
    await page.getByRole('button', { name: 'Save policies' }).click()
    await page.getByText('The policies are saved.').waitFor()
  })
})
