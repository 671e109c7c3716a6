/* Signed models in a real browser, as somebody new meets them: trust a key, see what a signature says, hand out nothing else. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { makeModelSigner, signModel } from '../support/model-signer.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('signed models in a browser', { timeout: 240_000 }, () => {
  let site: TestHub
  let browser: Browser
  let ada: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    for (const name of ['acme', 'beta']) await makeOrganization(site, name, ada)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  async function commit(repo: string, files: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${site.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: [
        { key: 'header', value: { summary: 'change' } },
        ...Object.entries(files).map(([path, content]) => ({ key: 'file', value: { path, content } })),
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    })
    expect(answer.status).toBe(200)
  }

  /** Reloads until the signature is no longer being checked. */
  async function settle(page: Page): Promise<void> {
    await vi.waitFor(
      async () => {
        await page.reload()
        expect(await page.content()).not.toContain('being checked')
      },
      { timeout: 60_000, interval: 100 },
    )
  }

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'idea 13: trust a key, see a model signed and then changed, hand out signed models alone: %s',
    async (_, scripts) => {
      const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
      const organization = scripts ? 'acme' : 'beta'
      let looks = 0
      const check = async () => {
        if (scripts) await expectAccessible(page, `model-signatures-${++looks}`)
      }
      const signer = makeModelSigner()
      const settings = `${site.url}/organizations/${organization}/settings/model-signatures`
      await page.goto(`${site.url}/organizations/${organization}/settings/members`)
      if (scripts) await page.getByRole('link', { name: 'Model signatures' }).filter({ visible: true }).click()
      else await page.goto(settings)
      await page.getByText('Nobody is trusted yet').waitFor()
      await check()
      await page.getByLabel('Name', { exact: true }).fill('Release key')
      await page
        .getByLabel('Public key or certificate')
        .fill(signer.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())
      await page.getByRole('button', { name: 'Trust it' }).click()
      await page.getByText('you exposed a secret').waitFor()
      expect(await page.content()).not.toContain('PRIVATE KEY-----\n')
      expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Release key')
      await check()
      await page.getByLabel('Public key or certificate').fill(signer.publicKey)
      await page.getByRole('button', { name: 'Trust it' }).click()
      await page.getByText('Release key is trusted to sign models.').waitFor()
      await page.getByText(signer.hint).waitFor()
      await check()

      const repo = `${organization}/first`
      const made = await fetch(`${site.url}/api/repos/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'first', organization }),
      })
      expect(made.status).toBe(200)
      const files = { 'config.json': '{}', 'README.md': '# A model that somebody vouches for\n' }
      await commit(repo, files)
      await page.goto(`${site.url}/${repo}/model-signature/main`)
      await page.getByText('This revision has no model signature').waitFor()
      await check()
      await commit(repo, { 'model.sig': signModel(signer, files) })
      await page.goto(`${site.url}/${repo}`)
      await settle(page)
      await check()
      await page.getByRole('link', { name: 'signed model' }).click()
      await page.getByText(`Somebody whom ${organization} trusts signed exactly these files.`).waitFor()
      await check()

      await page.goto(settings)
      await page.getByLabel('Signed models only').check()
      await page.getByRole('button', { name: 'Save policy' }).click()
      await page.getByText('The policy is saved.').waitFor()
      await check()
      await commit(repo, { 'config.json': '{"evil": true}', 'evil.py': 'import os' })
      await page.goto(`${site.url}/${repo}/tree/main`)
      await settle(page)
      await page.getByText('This revision is held.').waitFor()
      await check()
      await page.goto(`${site.url}/${repo}`)
      expect(await page.content()).not.toContain('A model that somebody vouches for')
      await check()
      await page.getByRole('link', { name: 'What was found' }).click()
      await page.getByText('signed other files than these').waitFor()
      await page.getByText('evil.py').waitFor()
      await check()
      await page.goto(`${site.url}/${repo}/blob/main/config.json`)
      await page.getByText('only signed models are handed out here, and this revision is not verified').waitFor()
      await check()

      const workspace = await fetch(`${site.url}/api/organizations/${organization}/resource-groups`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Production' }),
      })
      const { id } = (await workspace.json()) as { id: string }
      await page.goto(`${site.url}/organizations/${organization}/settings/workspaces/${id}`)
      await page.getByLabel('signed models only').check()
      await check()
      await page.getByRole('region', { name: 'Signed models' }).getByRole('button', { name: 'Save policy' }).click()
      await page.getByText('Only signed models are handed out now.').waitFor()
      expect(await page.getByLabel('signed models only').isChecked()).toBe(true)

      await page.goto(settings)
      await page.getByRole('link', { name: 'Remove Release key' }).click()
      await page.getByRole('button', { name: 'Trust it no longer' }).waitFor()
      await check()
      await page.getByRole('button', { name: 'Trust it no longer' }).click()
      await page.getByText('Release key is no longer trusted.').waitFor()
    },
  )
})
