/* Keys and the signing policy in a real browser, as somebody new meets them: add a key, see commits Verified and not, ask for more. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { makeSigners, type Signers } from '../support/signers.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('signing in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let signers: Signers
  let ada: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    signers = await makeSigners()
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    for (const name of ['acme', 'beta']) await makeOrganization(site, name, ada)
  })
  afterAll(async () => {
    await browser?.close()
    await signers?.[Symbol.asyncDispose]()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'GPG-1, GPG-6, SIG-2: a key is added, commits are told apart, unsigned pushes are refused: %s',
    async (title, scripts) => {
      const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
      const organization = scripts ? 'acme' : 'beta'
      let looks = 0
      const check = async () => {
        if (scripts) await expectAccessible(page, `signing-${++looks}`)
      }
      const key = await signers.gpgKey(`Ada ${title} <${ada.email}>`, 'ed25519')
      await page.goto(`${site.url}/settings/keys`)
      await check()
      await page.getByRole('link', { name: 'Add GPG Key' }).click()
      await page.getByText('gpg --armor --export').waitFor()
      await check()
      await page.getByLabel('GPG public key').fill(await signers.sh(`gpg --batch --armor --export-secret-keys ${key}`))
      await page.getByRole('button', { name: 'Add Key' }).click()
      await page.getByText('you exposed a secret').waitFor()
      expect(await page.content()).not.toContain('PRIVATE KEY')
      await check()
      await page.getByLabel('GPG public key').fill(await signers.exportGpg(key))
      await page.getByRole('button', { name: 'Add Key' }).click()
      await page.getByText(`The GPG key Ada ${title}`).waitFor()
      await page.getByText(key).waitFor()
      await check()

      const name = scripts ? 'first' : 'second'
      const made = await fetch(`${site.url}/api/repos/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, organization }),
      })
      expect(made.status).toBe(200)
      const address = `${site.url.replace('://', `://x:${ada.token}@`)}/${organization}/${name}`
      await signers.sh(`git checkout -q --orphan ${name}`)
      await signers.commit({ email: ada.email, message: 'Nobody vouches for this' })
      await signers.commit({ gpg: key, email: ada.email, message: 'Ada vouches for this' })
      await signers.sh(`git push -q -f ${address} HEAD:main`)
      await page.goto(`${site.url}/${organization}/${name}/commits/main`)
      const row = (words: string) => page.getByRole('listitem').filter({ hasText: words })
      await row('Ada vouches for this').getByText('Verified', { exact: true }).waitFor()
      expect(
        await row('Nobody vouches for this')
          .getByText(/erified/)
          .count(),
      ).toBe(0)
      await check()
      await page.getByRole('link', { name: 'Ada vouches for this' }).click()
      await page.getByText('Signed by ada.').waitFor()
      await check()

      await page.goto(`${site.url}/organizations/${organization}/settings/signing`)
      await check()
      await page.getByText('Require verified').click()
      await page.getByRole('button', { name: 'Save policy' }).click()
      await page.getByText(/of \d+ branch heads? would fail\./).waitFor()
      await check()
      await page.locator('dialog').getByRole('button', { name: 'Save policy' }).click()
      await page.getByText('The signing policy is saved: Require verified.').waitFor()
      await signers.commit({ email: ada.email, message: 'not signed either' })
      const told = await signers.sh(`git push ${address} HEAD:main 2>&1 || true`)
      expect(told).toContain('"not signed either": it is not signed')
      await page.goto(`${site.url}/${organization}/${name}/settings/signing`)
      await page.getByText(`${organization} asks for at least: Require verified.`).waitFor()
      await check()
      await page.goto(`${site.url}/organizations/${organization}/settings/signing?dialog=bypass`)
      await page.getByLabel('Why').fill('the key server is down')
      await check()
      await page.getByRole('button', { name: 'Let pushes through' }).click()
      await page.getByText('pushes are taken whatever they bring').waitFor()
      await page.getByRole('button', { name: 'End the bypass' }).click()
      await page.getByText('The signing policy holds again.').waitFor()

      await page.goto(`${site.url}/settings/keys`)
      await page.getByRole('link', { name: `Delete the key Ada ${title}` }).click()
      await page.getByText('1 commit that is shown as Verified').waitFor()
      await check()
      await page.getByRole('button', { name: 'Delete GPG key' }).click()
      await page.getByText('The key is deleted.').waitFor()
      await page.goto(`${site.url}/${organization}/${name}/commits/main`)
      await row('Ada vouches for this').getByText('Unverified', { exact: true }).waitFor()
      await page.context().close()
    },
  )
})
