/* An administrator decides which downloads are audited, finds out who read what, and has another system told of it, in a real browser; without
   scripts too. HOLDFAST_TEST_SCREENSHOTS names a folder that pictures of the pages are put into. */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditBookOf } from '../../src/features/downloads/audit-book.ts'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'

const chromium = findChromium()
const pictures = process.env.HOLDFAST_TEST_SCREENSHOTS
const downloads = '/organizations/acme/settings/audited-downloads'
const webhooks = '/organizations/acme/settings/security-webhooks'
const password = 'a long and quiet word'

describe.skipIf(chromium === null)('the pages of audited downloads and security webhooks', () => {
  let hub: TestHub
  let mara: TestUser
  let browser: Browser
  let page: Page
  let receiver: Server
  let receiverStatus = 200
  let address = ''
  const said: string[] = []

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(receiverStatus).end())
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
    hub = await startHub({ env: { HOLDFAST_OUTBOUND_ALLOW: '127.0.0.1' } })
    mara = await makeUser(hub, 'mara', { password, tokenRole: 'write' })
    await makeUser(hub, 'jonas', { password, tokenRole: 'read' })
    const acme = await makeOrganization(hub, 'acme', mara, { jonas: 'read' })
    await makeRepo(hub.hub, acme, 'harbor', { visibility: 'private' })
    browser = await openBrowser(chromium ?? '')
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true })
    context.setDefaultTimeout(10_000)
    page = await context.newPage()
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    await signIn(page, 'mara')
  })
  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
    receiver?.closeAllConnections()
    await new Promise((resolve) => receiver.close(resolve))
  })

  async function signIn(on: Page, name: string): Promise<void> {
    await on.goto(`${hub.url}/login`)
    await on.getByLabel('Username or e-mail').fill(name)
    await on.getByLabel('Password', { exact: true }).fill(password)
    await on.getByRole('button', { name: 'Sign in' }).click()
    await on.waitForURL(`${hub.url}/`)
  }

  const asMara = () => ({ authorization: `Bearer ${mara.token}` })

  /** 55 files, so that there is a second page. */
  async function readFiles(): Promise<void> {
    const names = Array.from({ length: 55 }, (_, at) => `shard-${String(at).padStart(2, '0')}.txt`)
    const lines = [
      { key: 'header', value: { summary: 'Files' } },
      ...names.map((name) => ({ key: 'file', value: { path: name, content: btoa(name), encoding: 'base64' } })),
    ]
    const made = await fetch(`${hub.url}/api/models/acme/harbor/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { ...asMara(), 'content-type': 'application/x-ndjson' },
    })
    expect(made.status).toBe(200)
    for (const name of names) {
      const answer = await fetch(`${hub.url}/acme/harbor/resolve/main/${name}`, { headers: asMara() })
      expect(await answer.text()).toBe(name)
    }
    await auditBookOf(hub.hub).flush()
  }

  const rows = (on: Page = page) => on.locator('tbody tr')

  test('idea 10: decides what is audited, sees who read what, filters, goes to older records and exports', async () => {
    await page.goto(`${hub.url}/organizations/acme/settings/audit-log`)
    await page.getByRole('link', { name: 'Audited downloads' }).click()
    await page.getByRole('heading', { name: 'Nothing was downloaded yet' }).waitFor()
    expect(await page.getByLabel('Private, gated and held').isChecked()).toBe(true)
    await readFiles()
    await page.goto(`${hub.url}${downloads}`)
    expect(await rows().count()).toBe(50)
    const newest = rows().first()
    await newest.locator('summary').click()
    expect(await newest.textContent()).toMatch(
      /mara.*acme\/harbor shard-54\.txt, download.*sealed in seal \d+.*hf_….{4}.*127\.0\.0\.1/,
    )
    await page.getByRole('link', { name: 'Older' }).click()
    await page.getByRole('link', { name: 'First' }).waitFor()
    expect(await rows().count()).toBe(5)

    await page.getByLabel('Repository').fill('acme/harbor')
    await page.getByLabel('Person or service account').fill('mara')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.waitForURL(/principal=mara/)
    expect(await rows().count()).toBe(50)
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export these' }).click(),
    ])
    const exported = (await readFile(await file.path(), 'utf8')).trim().split('\n')
    expect(exported).toHaveLength(55)
    expect(JSON.parse(exported[0] ?? '')).toMatchObject({ path: 'shard-54.txt', by: { name: 'mara' } })

    await page.getByLabel('Person or service account').fill('nobody')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('heading', { name: 'No record matches' }).waitFor()
    const wrong = await page.goto(`${hub.url}${downloads}?from=yesterday`)
    expect(wrong?.status()).toBe(422)
    await page.getByText('takes a day').waitFor()

    await page.goto(`${hub.url}${downloads}`)
    await page.getByLabel('All downloads').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('All downloads are audited.').waitFor()
    expect(await page.getByLabel('All downloads').isChecked()).toBe(true)
    said.length = 0
  })

  test('idea 18: adds a webhook, sees its secret once, tests it, edits, rotates, pauses and deletes it', async () => {
    await page.goto(`${hub.url}${webhooks}`)
    await page.getByRole('heading', { name: 'No security webhooks' }).waitFor()
    await page.getByLabel('Address').fill('http://169.254.169.254/latest/meta-data')
    await page.getByRole('button', { name: 'Add webhook' }).click()
    await page.locator('#field-url-error').waitFor()
    await page.getByLabel('Address').fill(address)
    await page.getByLabel(/^Everything/).uncheck()
    await page.getByRole('button', { name: 'Add webhook' }).click()
    await page.getByText('Tick at least one').waitFor()
    await page.getByLabel(/^Access tokens and keys/).check()
    await page.getByRole('button', { name: 'Add webhook' }).click()
    const first = await page.locator('.secret code').textContent()
    expect(first).toMatch(/^whsec_[\w-]{43}$/)
    await page.getByRole('link', { name: 'I have stored it, close' }).click()
    await page.getByRole('heading', { name: 'Nothing was sent yet' }).waitFor()
    expect(await page.content()).not.toContain('whsec_')

    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText(/The test was taken: 200/).waitFor()
    receiverStatus = 500
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The test was not taken. It answered 500.').waitFor()
    receiverStatus = 200
    await page
      .getByRole('button', { name: /^Deliver again/ })
      .last()
      .click()
    await page.getByText(/The delivery was taken: 200/).waitFor()
    expect(await rows().count()).toBe(3)
    expect(await rows().nth(1).textContent()).toContain('500')

    await page.getByLabel(/^Repositories/).check()
    await page.getByRole('button', { name: 'Save webhook' }).click()
    await page.getByText('The webhook is saved.').waitFor()
    expect(await page.getByLabel(/^Repositories/).isChecked()).toBe(true)
    await page.getByRole('link', { name: 'Rotate secret' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click()
    const second = await page.locator('.secret code').textContent()
    expect(second).toMatch(/^whsec_/)
    expect(second).not.toBe(first)
    await page.getByText('the old one signs beside the new one').waitFor()
    await page.getByRole('link', { name: 'I have stored it, close' }).click()
    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByText('The webhook is switched off.').waitFor()
    await page.getByRole('button', { name: 'Switch on' }).click()
    await page.getByText('The webhook is switched on.').waitFor()
  })

  test('works without scripts, and who is no administrator has neither the pages nor the way to them', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    const reader = await plain.newPage()
    reader.setDefaultTimeout(10_000)
    await signIn(reader, 'mara')
    await reader.goto(`${hub.url}${downloads}?repo=acme/harbor`)
    expect(await rows(reader).count()).toBe(50)
    await reader.goto(`${hub.url}${webhooks}`)
    await reader.getByLabel('Address').fill(`${address}/second`)
    await reader.getByRole('button', { name: 'Add webhook' }).click()
    await reader.getByText(/^whsec_/).waitFor()
    await reader.getByRole('link', { name: 'Delete webhook' }).click()
    await reader.getByRole('dialog').getByRole('button', { name: 'Delete webhook' }).click()
    await reader.getByText('The webhook is deleted.').waitFor()
    expect(await rows(reader).count()).toBe(1)
    await plain.clearCookies()
    await signIn(reader, 'jonas')
    for (const there of [downloads, webhooks]) {
      expect((await reader.goto(`${hub.url}${there}`))?.status()).toBe(403)
    }
    await reader.goto(`${hub.url}/organizations/acme/settings/members`)
    expect(await reader.getByRole('link', { name: /Audited downloads|Security webhooks/ }).count()).toBe(0)
    await plain.close()
  })

  test('axe finds nothing, nothing scrolls sideways, and the browser has nothing to say', {
    timeout: 180_000,
  }, async () => {
    said.length = 0
    await page.goto(`${hub.url}${webhooks}`)
    const one = new URL((await page.locator('tbody a').first().getAttribute('href')) ?? '', hub.url).pathname
    for (const [name, there] of [
      ['audited-downloads', downloads],
      ['audited-downloads-none', `${downloads}?repo=acme/none`],
      ['audited-downloads-wrong', `${downloads}?from=yesterday`],
      ['webhooks', webhooks],
      ['webhook', one],
      ['webhook-rotate', `${one}?dialog=rotate`],
      ['webhook-delete', `${one}?dialog=delete`],
    ] as const) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const [size, width] of [
          ['desktop', 1280],
          ['phone', 390],
        ] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.goto(`${hub.url}${there}`)
          const opened = page.locator('tbody details').first().locator('summary')
          if (!there.includes('?') && (await opened.count()) > 0) await opened.click()
          const found = (await new AxeBuilder({ page }).analyze()).violations
          expect(
            found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
            `${name} ${size} ${colorScheme}`,
          ).toEqual([])
          const sideways = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
          expect(sideways, `${name} ${size}`).toBeLessThanOrEqual(0)
          if (pictures !== undefined) {
            const fullPage = !there.includes('dialog')
            await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage })
          }
        }
      }
    }
    expect(said.filter((line) => !line.includes('422'))).toEqual([])
  })
})
