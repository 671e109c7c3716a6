/* Quarantine in a real browser: an administrator of an organization finds what is held and who has it, one of the hub releases it and holds it again. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eicar } from '../scanning/samples.ts'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('quarantine in a browser', { timeout: 60_000 }, () => {
  let site: TestHub
  let browser: Browser
  let ada: TestUser
  let bob: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    bob = await makeUser(site, 'bob', { tokenRole: 'read', password })
    await makeUser(site, 'rita', { isAdmin: true, password })
    const acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    await makeRepo(site.hub, acme, 'harbor', { visibility: 'public' })
    const lines = [
      { key: 'header', value: { summary: 'weights' } },
      {
        key: 'file',
        value: { path: 'eval/loader.com', content: Buffer.from(eicar).toString('base64'), encoding: 'base64' },
      },
      {
        key: 'file',
        value: { path: 'notes.txt', content: Buffer.from('hello').toString('base64'), encoding: 'base64' },
      },
    ]
    await fetch(`${site.url}/api/models/acme/harbor/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
    })
    await vi.waitFor(
      async () => {
        const row = await site.hub.db.read
          .selectFrom('contentScan')
          .select('content')
          .where('level', '=', 'unsafe')
          .executeTakeFirst()
        expect(row).toBeDefined()
      },
      { timeout: 20_000, interval: 50 },
    )
    for (let times = 0; times < 3; times++) {
      const got = await fetch(`${site.url}/acme/harbor/resolve/main/eval/loader.com`, {
        headers: { authorization: `Bearer ${bob.token}`, 'user-agent': 'huggingface_hub/1.20; python/3.12' },
      })
      expect(got.status).toBe(200)
      await got.arrayBuffer()
    }
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test('an administrator of the organization: the policy, what is held by it, and who already downloaded it', async () => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: true })
    await page.goto(`${site.url}/organizations/acme/settings/scanning`)
    await page.getByLabel('Block infected files').check()
    await page.getByRole('button', { name: 'Save policies' }).click()
    await page.getByText('The policies are saved.').waitFor()
    await expectAccessible(page, 'policy')
    await page.getByRole('link', { name: 'Unsafe files of acme' }).click()
    await page.getByText('acme/harbor').waitFor()
    await expectAccessible(page, 'organization-unsafe')
    await page.getByRole('link', { name: 'Downloads of eval/loader.com' }).click()
    await page.getByText('eval/loader.com, download').click()
    await page.getByText('huggingface_hub/1.20; python/3.12').waitFor()
    await page.getByText('3 requests').waitFor()
    await expectAccessible(page, 'organization-downloads')
    await page.goto(`${site.url}/acme/harbor/blob/main/eval/loader.com`)
    await page.getByRole('heading', { name: 'Who downloaded it' }).waitFor()
    await expectAccessible(page, 'file')
    await page.goto(`${site.url}/acme/harbor/settings`)
    await page.getByRole('link', { name: 'Downloads', exact: true }).click()
    await page.getByText('Who took what from this repository').waitFor()
    await expectAccessible(page, 'repo-downloads')
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'an administrator of the hub releases a held file with a reason, and holds it again: %s',
    async (_title, scripts) => {
      const page = await signInOn(browser, site.url, 'rita', password, { javaScriptEnabled: scripts })
      const state = async () => (await fetch(`${site.url}/acme/harbor/resolve/main/eval/loader.com`)).status
      await page.goto(`${site.url}/acme/harbor/blob/main/eval/loader.com`)
      expect(await state()).toBe(403)
      await page.getByRole('link', { name: 'Release file' }).click()
      await page.getByRole('heading', { name: 'Release this file' }).waitFor()
      await page.getByRole('button', { name: 'Release file' }).click()
      await page.getByText('Say why').first().waitFor()
      if (scripts) await expectAccessible(page, 'release')
      await page.getByLabel('Reason').fill('A sample that we train with')
      await page.getByRole('button', { name: 'Release file' }).click()
      await page.getByText('The file is released.').waitFor()
      await page.getByText('A sample that we train with').waitFor()
      expect(await state()).toBe(200)
      if (scripts) await expectAccessible(page, 'releases')
      await page.goto(`${site.url}/admin/held`)
      await page.getByText('released', { exact: true }).waitFor()
      if (scripts) await expectAccessible(page, 'hub-unsafe')
      await page.goto(`${site.url}/admin/releases`)
      await page.getByRole('button', { name: 'Hold again: eval/loader.com' }).click()
      await page.getByText('The release is taken back.').waitFor()
      expect(await state()).toBe(403)
      await page.goto(`${site.url}/admin/held`)
      await page.getByText('held', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'Downloads of eval/loader.com' }).click()
      await page.getByText('bob').waitFor()
      if (scripts) await expectAccessible(page, 'hub-downloads')
    },
  )
})
