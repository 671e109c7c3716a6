/**
 * `hf auth login` as it comes, by a code that a person answers in a real browser; then whoami, an upload, and the refresh that the client does by
 * itself. And @huggingface/hub's own functions for signing in to a site.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { oauthHandleRedirect, oauthLoginUrl } from '@huggingface/hub'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, signInAs } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { dialects } from '../support/databases.ts'
import { getPage, registerApplication } from '../support/oauth.ts'
import type { TestHub } from '../support/start-hub.ts'
import { startHubOn } from '../support/start-hub-on.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const password = 'a long enough sentence'
const python = findPython('newest')
const chromium = findChromium()

describe.each(dialects)('signing in clients by OAuth on %s', { timeout: 120_000 }, (dialect) => {
  let hub: TestHub
  let browser: Browser | null = null
  let home: string

  beforeAll(async () => {
    hub = await startHubOn(dialect)
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-home-'))
    const ada = await makeUser(hub, 'ada', { password })
    await makeOrganization(hub, 'acme', ada)
    if (chromium !== null) browser = await openBrowser(chromium)
  })
  afterAll(async () => {
    await browser?.close()
    await hub.stop()
    await rm(home, { recursive: true, force: true })
  })

  const hf = (...args: string[]) =>
    runClient(path.join(path.dirname(python ?? ''), 'hf'), args, { home, env: { HF_ENDPOINT: hub.url } })
  const stored = () => readFile(path.join(home, 'hf', 'stored_tokens'), 'utf8')

  /** Runs `hf auth login` and gives the page that it names; `done` is its end, with all that it printed. */
  function login(): { address: Promise<string>; done: Promise<{ code: number | null; text: string }> } {
    const { NODE_OPTIONS: _, HF_TOKEN: __, ...inherited } = process.env
    const child = spawn(path.join(path.dirname(python ?? ''), 'hf'), ['auth', 'login', '--force'], {
      env: {
        ...inherited,
        HOME: home,
        HF_HOME: path.join(home, 'hf'),
        HF_ENDPOINT: hub.url,
        HF_HUB_DISABLE_UPDATE_CHECK: '1',
        PYTHONUNBUFFERED: '1',
        BROWSER: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    const address = new Promise<string>((resolve, reject) => {
      const look = (chunk: Buffer) => {
        text += chunk.toString('utf8')
        const found = /http:\/\/localhost:\d+\/device\?user_code=[A-Z-]+/.exec(text)
        if (found !== null) resolve(found[0])
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.once('exit', () => reject(new Error(`hf auth login ended early:\n${text}`)))
    })
    const done = new Promise<{ code: number | null; text: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, text }))
    })
    return { address, done }
  }

  it.skipIf(python === null || chromium === null)(
    'hf auth login, whoami, upload, refresh, and the end of it',
    async () => {
      if (browser === null) throw new Error('There is no browser.')
      const page: Page = await signInOn(browser, hub.url, 'ada', password)
      const { address, done } = login()
      await page.goto(await address)
      if (dialect === 'sqlite') await expectAccessible(page, 'oauth-device')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByText('Go on only if you started this yourself').waitFor()
      await page
        .getByText(/hf_hub|huggingface|python/i)
        .first()
        .waitFor()
      expect(await page.getByRole('checkbox', { name: 'acme' }).isChecked()).toBe(true)
      if (dialect === 'sqlite') await expectAccessible(page, 'oauth-device-consent')
      await page.getByRole('button', { name: 'Sign in this device' }).click()
      await page.getByText('is signed in. Go back to your device').waitFor()
      if (dialect === 'sqlite') await expectAccessible(page, 'oauth-connected')
      const ended = await done
      expect([ended.code, ended.text]).toEqual([0, expect.stringContaining('Login successful.')])
      expect(ended.text).toContain('The current active token is: `oauth-hugging-face-command-line-')
      expect(ended.text).toContain('This token will be refreshed automatically')

      const who = await hf('auth', 'whoami')
      expectSuccess(who)
      expect(who.stdout).toContain('ada')
      await writeFile(path.join(home, 'weights.bin'), 'x'.repeat(100_000))
      for (const repo of ['ada/m1', 'acme/m1']) expectSuccess(await hf('upload', repo, 'weights.bin'))
      expect((await hf('download', 'acme/m1', 'weights.bin')).code).toBe(0)

      // Less than a day is left: the client refreshes by itself, and goes on with the new value.
      const before = await stored()
      const token = /hf_token = (\S+)/.exec(before)?.[1] ?? ''
      expect(/expires_at = (\d+)/.exec(before)?.[1]).toBeDefined()
      const soon = String(Math.floor(Date.now() / 1_000) + 3_600)
      await writeFile(
        path.join(home, 'hf', 'stored_tokens'),
        before.replace(/expires_at = \d+/, `expires_at = ${soon}`),
      )
      expectSuccess(await hf('auth', 'whoami'))
      const after = await stored()
      const renewed = /hf_token = (\S+)/.exec(after)?.[1] ?? ''
      expect(renewed).not.toBe(token)
      expect(/refresh_token = (\S+)/.exec(after)?.[1]).not.toBe(/refresh_token = (\S+)/.exec(before)?.[1])
      expect(Number(/expires_at = (\d+)/.exec(after)?.[1])).toBeGreaterThan(Date.now() / 1_000 + 29 * 86_400)
      expect((await readFile(path.join(home, 'hf', 'token'), 'utf8')).trim()).toBe(renewed)

      // Disconnected on the page: the next command says so.
      await page.goto(`${hub.url}/settings/connected-applications`)
      await page.getByRole('link', { name: 'Disconnect Hugging Face command line' }).click()
      await page.getByRole('button', { name: 'Disconnect Hugging Face command line' }).click()
      await page.getByText('is disconnected').waitFor()
      const refused = await hf('auth', 'whoami')
      expect(refused.code).not.toBe(0)
      await page.context().close()
    },
  )

  it.skipIf(python === null || chromium === null)('hf auth login that is denied says so', async () => {
    if (browser === null) throw new Error('There is no browser.')
    const page = await signInOn(browser, hub.url, 'ada', password, { javaScriptEnabled: false })
    const { address, done } = login()
    await page.goto(await address)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByText('The device was denied').waitFor()
    const ended = await done
    expect(ended.code).not.toBe(0)
    expect(ended.text).toContain('Authorization was denied')
    await page.context().close()
  })

  it.skipIf(chromium === null)('@huggingface/hub: oauthLoginUrl, a browser, oauthHandleRedirect', async () => {
    if (browser === null) throw new Error('There is no browser.')
    const cookie = await signInAs(hub, { name: 'ada', password })
    const redirectUrl = 'https://garden.example/callback'
    const scopes = ['openid', 'profile', 'email', 'read-repos']
    const app = await registerApplication(hub.url, cookie, {
      name: 'Model garden',
      redirectUris: [redirectUrl],
      scopes,
    })
    const kept: { nonce?: string; codeVerifier?: string } = {}
    const start = await oauthLoginUrl({
      clientId: app.id,
      redirectUrl,
      hubUrl: hub.url,
      scopes: scopes.join(' '),
      state: 'mine',
      localStorage: kept,
    })
    // Not signed in: the way leads through the sign-in form to the page that asks, and on to the application.
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const page = await context.newPage()
    await context.route('https://garden.example/**', (route) => route.fulfill({ body: 'welcome' }))
    const signInThere = async () => {
      await page.goto(start)
      await page.getByLabel('Username or e-mail').fill('ada')
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'Sign in to Model garden?' }).waitFor()
    }
    await signInThere()
    if (dialect === 'sqlite') await expectAccessible(page, 'oauth-consent')
    await page.getByRole('button', { name: 'Sign in to Model garden' }).click()
    await page.waitForURL('https://garden.example/**')
    const result = await oauthHandleRedirect({
      redirectedUrl: page.url(),
      hubUrl: hub.url,
      nonce: kept.nonce ?? '',
      codeVerifier: kept.codeVerifier ?? '',
    })
    expect(result).toMatchObject({
      accessToken: expect.stringMatching(/^hf_/),
      state: 'mine',
      scope: 'openid profile email read-repos',
      userInfo: { preferred_username: 'ada', email: 'ada@example.org', email_verified: true, isPro: false },
    })
    expect(result.accessTokenExpiresAt.getTime()).toBeGreaterThan(Date.now())
    // Signed in and allowed before: straight through.
    const again = await context.request.get(start, { maxRedirects: 0 })
    expect([again.status(), again.headers().location]).toEqual([303, expect.stringContaining(`${redirectUrl}?code=`)])
    // Signed out: the sign-in form cannot lead elsewhere, so the page stands between.
    await context.clearCookies()
    await signInThere()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(/error=access_denied/)
    const strange = await getPage(start.replace(encodeURIComponent(redirectUrl), 'https%3A%2F%2Fevil.example'), cookie)
    expect(strange.status).toBe(400)
    await context.close()
  })
})
