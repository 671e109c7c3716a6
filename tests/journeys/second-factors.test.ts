/* Second factors in a real browser: a passkey that Chromium itself makes and asks (its virtual authenticator), an app by the code under the
   picture, and everything but passkeys without scripts. */
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { encode } from 'uqr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { totpAddress } from '../../src/features/second-factors/totp.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { makeUser, type TestUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { codeAt, codesIn } from '../support/factors.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const hour = 3_600_000
const chromium = findChromium()

describe.skipIf(chromium === null)('second factors in a browser', { timeout: 60_000 }, () => {
  let time = Date.now()
  let site: TestHub
  let browser: Browser
  let people = 0

  beforeAll(async () => {
    site = await startHub({ clock: systemClock(() => time) })
    browser = await openBrowser(chromium ?? '', true)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  interface Visit {
    readonly user: TestUser
    readonly context: BrowserContext
    readonly page: Page
    /** What the console said: a Content-Security-Policy that stops something says so here. */
    readonly said: string[]
  }

  async function visit(options: Parameters<Browser['newContext']>[0] = {}): Promise<Visit> {
    const user = await makeUser(site, `mara-${++people}`, { password })
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
    return { user, context, page, said }
  }

  /** A device with a finger that is always on it. */
  async function authenticator(context: BrowserContext, page: Page): Promise<{ cdp: CDPSession; id: string }> {
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    return { cdp, id: authenticatorId }
  }

  async function typePassword(page: Page, user: TestUser, next = ''): Promise<void> {
    await page.goto(`${site.url}/login${next}`)
    await page.getByLabel('Username or e-mail').fill(user.name)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  const signOut = async (context: BrowserContext) => await context.clearCookies()

  test('a passkey is made, is a second factor, signs in alone, confirms, and goes', async () => {
    const { user, context, page, said } = await visit()
    const device = await authenticator(context, page)
    await typePassword(page, user, '?next=/settings/authentication')
    await page.getByRole('link', { name: 'Add a passkey' }).click()
    await page.getByLabel('Name').fill('Work laptop')
    await page.getByRole('button', { name: 'Add the passkey' }).click()
    await page.getByRole('heading', { name: 'Store these codes now' }).waitFor()
    expect(codesIn(await page.content())).toHaveLength(10)
    await page.getByRole('link', { name: 'I have stored them, go on' }).click()
    await page.getByText('Work laptop').waitFor()
    const { credentials } = await device.cdp.send('WebAuthn.getCredentials', { authenticatorId: device.id })
    expect(credentials).toMatchObject([{ rpId: 'localhost', isResidentCredential: true, userName: user.name }])

    // The same device is not taken twice.
    await page.getByRole('link', { name: 'Add a passkey' }).click()
    await page.getByLabel('Name').fill('Again')
    await page.getByRole('button', { name: 'Add the passkey' }).click()
    await page.getByText('This device has a passkey for your account already.').waitFor()

    await signOut(context)
    await typePassword(page, user, '?next=/settings/tokens')
    await page.getByRole('heading', { name: 'Second factor' }).waitFor()
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL(`${site.url}/settings/tokens`)

    await signOut(context)
    await page.goto(`${site.url}/login?next=/settings/sessions`)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL(`${site.url}/settings/sessions`)

    time += 2 * hour
    await page.goto(`${site.url}/settings/authentication/passkeys/new`)
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL(`${site.url}/settings/authentication/passkeys/new`)

    await page.goto(`${site.url}/settings/authentication`)
    await page.getByRole('link', { name: 'Remove passkey Work laptop' }).click()
    const dialog = page.getByRole('dialog', { name: 'Remove passkey “Work laptop”' })
    await dialog.getByText('It is your last second factor').waitFor()
    await dialog.getByRole('button', { name: 'Remove passkey' }).click()
    await page.getByText('The passkey is removed.').waitFor()

    await signOut(context)
    await page.goto(`${site.url}/login`)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('That passkey was not accepted.').waitFor()
    expect(said).toEqual([])
    await context.close()
  })

  test('whom the device does not know, and whom the hub does not answer, is told on the page that they are on', async () => {
    const { user, context, page } = await visit()
    const device = await authenticator(context, page)
    await typePassword(page, user, '?next=/settings/authentication/passkeys/new')
    await page.route('**/passkeys/options', (route) => route.fulfill({ status: 503, body: 'away' }))
    await page.getByLabel('Name').fill('Laptop')
    await page.getByRole('button', { name: 'Add the passkey' }).click()
    await page.getByText('The hub did not say what to ask. Reload the page.').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Laptop')
    await page.unroute('**/passkeys/options')
    await page.getByRole('button', { name: 'Add the passkey' }).click()
    await page.getByRole('heading', { name: 'Store these codes now' }).waitFor()

    // A finger that is not the owner's.
    await signOut(context)
    await device.cdp.send('WebAuthn.setUserVerified', { authenticatorId: device.id, isUserVerified: false })
    await page.goto(`${site.url}/login`)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('Nothing was chosen, or it took too long. Try again.').waitFor()
    await device.cdp.send('WebAuthn.setUserVerified', { authenticatorId: device.id, isUserVerified: true })
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL(`${site.url}/`)
    await context.close()
  })

  test('a form that was sent in an older session keeps what was typed', async () => {
    const { user, context, page } = await visit()
    await typePassword(page, user)
    await page.waitForURL(`${site.url}/`)
    await page.goto(`${site.url}/settings/account?dialog=delete`)
    const dialog = page.getByRole('dialog', { name: `Delete account “${user.name}”` })
    await dialog.getByLabel(`Type ${user.name} to confirm`).fill(user.name)
    time += 2 * hour
    await dialog.getByRole('button', { name: 'Delete account' }).click()
    await page.getByRole('heading', { name: 'Confirm that it is you first' }).waitFor()
    const [tab] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Confirm in a new tab' }).click(),
    ])
    await tab.getByLabel('Password', { exact: true }).fill(password)
    await tab.getByRole('button', { name: 'Confirm' }).click()
    await tab.getByText('Confirmed. For an hour you are not asked again.').waitFor()
    await tab.close()
    // A page that was kept loads nothing when it is shown again, which `goBack` would wait for.
    await page.evaluate('history.back()')
    await expect.poll(() => dialog.getByLabel(`Type ${user.name} to confirm`).inputValue()).toBe(user.name)
    await dialog.getByRole('button', { name: 'Delete account' }).click()
    await page.getByText('Your account is deleted.').waitFor()
    await context.close()
  })

  test('without scripts: an app, its code, a recovery code, and no passkey buttons', async () => {
    const { user, context, page } = await visit({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } })
    await typePassword(page, user, '?next=/settings/authentication')
    await page.getByRole('button', { name: 'Set up an app' }).click()
    await page.getByRole('img', { name: 'QR code with the key for your authenticator app' }).waitFor()
    const secret = ((await page.locator('.secret code').textContent()) ?? '').replaceAll(' ', '')
    await page.getByLabel('Code that the app shows now').fill(codeAt(secret, time))
    await page.getByRole('button', { name: 'Turn the app on' }).click()
    await page.getByRole('heading', { name: 'Store these codes now' }).waitFor()
    const [code = ''] = codesIn(await page.content())

    await signOut(context)
    await page.goto(`${site.url}/login`)
    expect(await page.getByRole('button', { name: 'Use a passkey' }).isVisible()).toBe(false)
    await typePassword(page, user)
    await page.getByLabel('Code of your authenticator app').fill('000000')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('That code is not right').waitFor()
    time += 30_000
    await page.getByLabel('Code of your authenticator app').fill(codeAt(secret, time))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(`${site.url}/`)

    await signOut(context)
    await typePassword(page, user)
    await page.getByText('Use a recovery code').click()
    await page.getByLabel('Recovery code').fill(code)
    await page.getByRole('button', { name: 'Sign in with a recovery code' }).click()
    await page.getByText('9 of your recovery codes are left').waitFor()
    await context.close()
  })

  test('the picture holds what an app reads: the address with the key, for this hub and this person', async () => {
    const { user, context, page } = await visit()
    await typePassword(page, user, '?next=/settings/authentication')
    await page.getByRole('button', { name: 'Set up an app' }).click()
    const secret = ((await page.locator('.secret code').textContent()) ?? '').replaceAll(' ', '')
    const picture = await page.locator('svg.qr').evaluate((svg) => {
      const path = svg.querySelector('path')?.getAttribute('d') ?? ''
      return { path, size: Number(svg.getAttribute('viewBox')?.split(' ')[2]) }
    })
    const { data, size } = encode(totpAddress(secret, site.hub.config.instanceName, user.name), { ecc: 'M', border: 4 })
    const drawn = Array.from({ length: picture.size }, () => Array<boolean>(picture.size).fill(false))
    for (const bar of picture.path.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g)) {
      for (let x = 0; x < Number(bar[3]); x++) {
        const row = drawn[Number(bar[2])]
        if (row) row[Number(bar[1]) + x] = true
      }
    }
    expect(picture.size).toBe(size)
    expect(drawn).toEqual(data)
    await context.close()
  })
})
