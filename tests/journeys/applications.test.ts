/* Registering an application in a real browser: with a secret that is shown once, changed, given a new secret, deleted. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser, signInAs } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { approve, getPage, makePkce, postForm } from '../support/oauth.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('developer applications in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    await makeUser(site, 'ada', { password })
    await makeUser(site, 'mallory', { password })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('register, copy the secret once, change, new secret, delete: %s', async (title, scripts) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    let looks = 0
    const check = async () => {
      if (scripts) await expectAccessible(page, `applications-${++looks}`)
    }
    const name = `Garden ${title}`
    await page.goto(`${site.url}/settings/connected-applications`)
    await page.getByRole('link', { name: 'New application' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.getByLabel('Redirect addresses').fill('javascript:alert(1)')
    await page.getByRole('checkbox', { name: 'email' }).check()
    await page.getByRole('radio', { name: 'Yes: with a secret' }).check()
    await page.getByRole('button', { name: 'Register application' }).click()
    // What was typed and ticked is still there, beside what is wrong with it.
    await page.getByText('has a scheme that no application may have').first().waitFor()
    expect(await page.getByRole('checkbox', { name: 'email' }).isChecked()).toBe(true)
    expect(await page.getByRole('radio', { name: 'Yes: with a secret' }).isChecked()).toBe(true)
    await check()
    await page.getByLabel('Redirect addresses').fill('https://garden.example/cb\nhttp://127.0.0.1/cb')
    await page.getByRole('button', { name: 'Register application' }).click()
    await page.getByText(`Copy the secret of “${name}” now`).waitFor()
    const secret = (await page.locator('.secret code').textContent()) ?? ''
    expect(secret).toMatch(/^[\w-]{43}$/)
    const id = (await page.locator('dl code').first().textContent()) ?? ''
    await check()
    await page.getByRole('link', { name: 'I have stored it, close' }).click()
    await page.getByText(`…${secret.slice(-4)}`).waitFor()
    expect(await page.content()).not.toContain(secret)

    await page.getByRole('checkbox', { name: 'read-repos' }).check()
    await page.getByRole('button', { name: 'Save application' }).click()
    await page.getByText('is saved').waitFor()

    const cookie = await signInAs(site, { name: 'ada', password })
    const { challenge, verifier } = makePkce()
    const redirect_uri = 'https://garden.example/cb'
    const asked = { client_id: id, redirect_uri, code_challenge: challenge, code_challenge_method: 'S256' }
    const code = (await approve(site.url, cookie, asked)).searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier, client_id: id }

    await page.getByRole('link', { name: 'New secret' }).click()
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.getByText(`Copy the secret of “${name}” now`).waitFor()
    const renewed = (await page.locator('.secret code').textContent()) ?? ''
    const old = await postForm(`${site.url}/oauth/token`, { ...form, client_secret: secret })
    expect([old.status, old.json().error]).toEqual([401, 'invalid_client'])
    const got = await postForm(`${site.url}/oauth/token`, { ...form, client_secret: renewed })
    const { access_token } = got.json<{ access_token: string }>()

    // Somebody else's is not there.
    const his = await signInAs(site, { name: 'mallory', password })
    expect((await getPage(`${site.url}/settings/applications/${id}`, his)).status).toBe(404)
    for (const what of ['secret', 'delete']) {
      const at = `${site.url}/settings/applications/${id}/${what}`
      expect((await postForm(at, { confirm: name }, { cookie: his })).status).toBe(404)
    }

    await page.goto(`${site.url}/settings/connected-applications`)
    await page.getByRole('link', { name: `Disconnect ${name}` }).waitFor()
    await check()
    await page.getByRole('link', { name: `Edit ${name}` }).click()
    await page.getByRole('link', { name: 'Delete application' }).click()
    await page.getByRole('button', { name: 'Delete application' }).waitFor()
    await check()
    await page.getByRole('dialog').getByRole('textbox').fill(name)
    await page.getByRole('button', { name: 'Delete application' }).click()
    await page.getByText('is deleted').waitFor()
    const who = await fetch(`${site.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(who.status).toBe(401)
    await page.context().close()
  })
})
