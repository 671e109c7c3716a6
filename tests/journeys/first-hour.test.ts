/* A new user on an empty hub, by the pages alone: from the printed link to a private organization whose service account pushes a model. Each step is what the
   page itself offers next; nothing is read elsewhere. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureSetupLink } from '../../src/features/accounts/service.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const run = promisify(execFile)
const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('the first hour, in a browser', { timeout: 120_000 }, () => {
  let site: TestHub
  let browser: Browser
  let folder: string

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-first-hour-'))
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('from an empty data folder to a service account that pushes a model', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    const link = await ensureSetupLink(site.hub)
    await page.goto(new URL(new URL(link ?? '').pathname, site.url).href)
    await page.getByLabel('Username').fill('ada')
    await page.getByLabel('E-mail').fill('ada@example.org')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.waitForURL(`${site.url}/`)

    await page.getByRole('link', { name: 'New organization' }).click()
    await page.getByLabel('Name', { exact: true }).fill('acme')
    await page.getByRole('button', { name: 'Create organization' }).click()
    await page.waitForURL(/acme/)
    await page.goto(`${site.url}/acme`)
    await page.getByRole('link', { name: 'Members' }).first().click()
    await page.getByRole('link', { name: 'Service accounts' }).first().click()
    await page.getByRole('link', { name: 'Add service account' }).first().click()
    const adding = page.getByRole('dialog', { name: 'Add service account' })
    await adding.getByLabel('Display name').fill('release-bot')
    await adding.getByLabel('Role in acme').selectOption('write')
    await adding.getByRole('button', { name: 'Create' }).click()
    // The page offers its first token by itself.
    await page.getByRole('heading', { name: 'First token of release-bot' }).waitFor()
    await page.getByLabel('Name', { exact: true }).fill('ci')
    await page.getByRole('radio', { name: /inherit/ }).check()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const value = (await page.locator('.secret code').textContent()) ?? ''
    expect(value).toMatch(/^hf_/)

    await page.goto(`${site.url}/acme`)
    await page.getByRole('link', { name: 'New model' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('harbor-7b')
    await page.getByRole('button', { name: 'Create model' }).click()
    await page.getByText(`git clone ${site.url}/acme/harbor-7b`).first().waitFor()

    const clone = path.join(folder, 'harbor-7b')
    const address = new URL(site.url)
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=ci', '-c', 'user.email=ci@example.org', ...args], {
        env: { PATH: process.env.PATH, HOME: folder, GIT_TERMINAL_PROMPT: '0' },
      })
    await git('clone', '-q', `http://release-bot:${value}@${address.host}/acme/harbor-7b`, clone)
    await writeFile(path.join(clone, 'config.json'), '{"hidden_size": 8}\n')
    await git('-C', clone, 'add', '.')
    await git('-C', clone, 'commit', '-qm', 'First weights')
    await git('-C', clone, 'push', '-q', 'origin', 'HEAD:main')
    await page.goto(`${site.url}/acme/harbor-7b/tree/main`)
    await page.getByRole('link', { name: 'config.json', exact: true }).waitFor()
    // To a stranger nothing of it is there.
    const stranger = await browser.newPage()
    expect((await stranger.goto(`${site.url}/acme/harbor-7b`))?.status()).toBe(404)
    await stranger.close()
    await context.close()
  })
})
