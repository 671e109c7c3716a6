/* An administrator reads the audit log in a real browser: filters it, opens an entry, goes on to older ones, exports it; without scripts too.
   HOLDFAST_TEST_SCREENSHOTS names a folder that pictures of the pages are put into. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealNow } from '../../src/features/audit/service.ts'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../support/accounts.ts'
import { writeEvents } from '../support/audit-events.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()
const pictures = process.env.HOLDFAST_TEST_SCREENSHOTS
const here = '/organizations/acme/settings/audit-log'

describe.skipIf(chromium === null)('the page of the audit log', () => {
  const password = 'a long and quiet word'
  let hub: TestHub
  let mara: TestUser
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const said: string[] = []

  beforeAll(async () => {
    hub = await startHub()
    mara = await makeUser(hub, 'mara', { password })
    await makeUser(hub, 'jonas', { password })
    const acme = await makeOrganization(hub, 'acme', mara, { jonas: 'write' })
    const asMachine = {
      ownerId: acme.id,
      actorKind: 'service-account',
      actorName: 'ci-publish',
      actorId: hub.hub.clock.id(),
      action: 'repo.push',
      resourceName: 'acme/harbor-7b',
      data: JSON.stringify({ ref: 'refs/heads/main', old: '4'.repeat(40), new: '8'.repeat(40), via: 'git' }),
      userAgent: 'git/2.39.5',
    } as const
    await writeEvents(hub.hub, 60, asMachine)
    await sealNow(hub.hub)
    const token = await makeToken(hub, mara, { role: 'write', name: 'laptop' })
    await fetch(`${hub.url}/api/organizations/acme/members/jonas/role`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ role: 'read' }),
    })
    browser = await openBrowser(chromium ?? '')
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true })
    context.setDefaultTimeout(10_000)
    page = await context.newPage()
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    await signIn(page, 'mara')
  })

  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
  })

  async function signIn(on: Page, name: string): Promise<void> {
    await on.goto(`${hub.url}/login`)
    await on.getByLabel('Username or e-mail').fill(name)
    await on.getByLabel('Password', { exact: true }).fill(password)
    await on.getByRole('button', { name: 'Sign in' }).click()
    await on.waitForURL(`${hub.url}/`)
  }

  const rows = (on: Page = page) => on.locator('tbody tr')

  test('ROL-b: reads who did what, opens an entry, filters, goes to older entries and exports', async () => {
    await page.goto(`${hub.url}${here}`)
    await page.getByText(/Sealed up to seal \d+\./).waitFor()
    expect(await rows().count()).toBe(50)
    const newest = rows().first()
    await newest.getByText('Changed the role of jonas from write to read').click()
    expect(await newest.textContent()).toMatch(
      /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*mara.*org\.change_role.*laptop.*hf_….{4}.*127\.0\.0\.1/,
    )
    await newest.getByText(/sealed in seal|waits for the next seal/).waitFor()
    expect(await rows().nth(1).textContent()).toContain('deleted service account')

    await page.getByRole('link', { name: 'Older' }).click()
    await page.getByRole('link', { name: 'First' }).waitFor()
    expect(await rows().last().textContent()).toContain('Created the organization acme')

    await page.getByLabel('Event').selectOption('org.*')
    await page.getByLabel('Actor').fill('MARA')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.waitForURL(/event=org\./)
    expect(await rows().count()).toBe(1)
    expect(await page.getByLabel('Actor').inputValue()).toBe('MARA')
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export these' }).click(),
    ])
    expect(file.suggestedFilename()).toMatch(/^audit-log-acme-\d{4}-\d\d-\d\d\.json$/)
    const exported = JSON.parse(await readFile(await file.path(), 'utf8')) as { type: string }[]
    expect(exported.map(({ type }) => type)).toEqual(['org.audit_log.export', 'org.change_role'])

    await page.getByLabel('From (UTC)').fill('2020-01-01')
    await page.getByLabel('To (UTC)').fill('2020-01-02')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('heading', { name: 'No entry matches' }).waitFor()
    await page.getByRole('link', { name: 'Show all' }).first().click()
    await page.waitForURL(`${hub.url}${here}`)
    const wrong = await page.goto(`${hub.url}${here}?event=repo.cre%25`)
    expect(wrong?.status()).toBe(422)
    await page.getByText('is no event').waitFor()
    said.length = 0
  })

  test('works without scripts, and who is no administrator has neither the page nor the way to it', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    const reader = await plain.newPage()
    await signIn(reader, 'mara')
    await reader.goto(`${hub.url}${here}`)
    await reader.getByLabel('Event').selectOption('org.create')
    await reader.getByRole('button', { name: 'Filter' }).click()
    await reader.getByText('Created the organization acme').waitFor()
    expect(await rows(reader).count()).toBe(1)
    await plain.clearCookies()
    await signIn(reader, 'jonas')
    expect((await reader.goto(`${hub.url}${here}`))?.status()).toBe(403)
    await reader.goto(`${hub.url}/organizations/acme/settings/members`)
    expect(await reader.getByRole('link', { name: 'Audit log' }).count()).toBe(0)
    await plain.close()
  })

  test('axe finds nothing, nothing scrolls sideways, and the browser has nothing to say', {
    timeout: 120_000,
  }, async () => {
    for (const [name, address] of [
      ['audit-log', here],
      ['audit-log-none', `${here}?event=repo.delete`],
      ['audit-log-wrong', `${here}?from=yesterday`],
    ] as const) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const [size, width] of [
          ['desktop', 1280],
          ['phone', 390],
        ] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.goto(`${hub.url}${address}`)
          if (name === 'audit-log') await page.locator('tbody details').first().locator('summary').click()
          const found = (await new AxeBuilder({ page }).analyze()).violations
          expect(
            found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
            `${name} ${size} ${colorScheme}`,
          ).toEqual([])
          const sideways = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
          expect(sideways, `${name} ${size}`).toBeLessThanOrEqual(0)
          if (pictures !== undefined) {
            await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`) })
          }
        }
      }
    }
    expect(said.filter((line) => !line.includes('422'))).toEqual([])
  })
})
