/** What people do to keep their tokens small: end a child, plant a honey token, shrink a token to what it was used for. In a real browser. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { jsonClient } from '../support/json-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()
const password = 'a long enough sentence'

describe.skipIf(chromium === null)('the care of tokens', { timeout: 120_000 }, () => {
  let hub: TestHub
  let browser: Browser

  beforeAll(async () => {
    hub = await startHub()
    browser = await openBrowser(chromium ?? '')
  })
  afterAll(async () => {
    await browser.close()
    await hub.stop()
  })

  it('ideas 5, 14 and 20: children, what was touched, shrink, honey', async () => {
    const ask = jsonClient(hub.url)
    const mara = await makeUser(hub, 'mara', { password, tokenRole: 'write' })
    await makeOrganization(hub, 'acme', mara)
    await ask('POST', '/api/repos/create', mara.token, { name: 'm1', organization: 'acme', private: true })
    const value = await makeToken(hub, mara, { role: 'write', name: 'laptop' })
    await ask('GET', '/api/models/acme/m1', value)
    const derived = await ask('POST', '/api/tokens/derive', value, { name: 'agent', seconds: 3600, uses: 20 })
    const child = derived.json<{ token: string }>().token
    await hub.writeGathered()

    const page = await signInOn(browser, hub.url, 'mara', password)
    await page.goto(`${hub.url}/settings/tokens`)
    await page.getByRole('link', { name: 'laptop', exact: true }).click()
    await expectAccessible(page, 'token-children')
    await page.getByRole('button', { name: 'End agent' }).click()
    expect(await page.getByRole('status').first().textContent()).toContain('refused from now on')
    expect((await ask('GET', '/api/whoami-v2', child)).status).toBe(401)

    await page.getByRole('link', { name: 'What it touched' }).click()
    await expectAccessible(page, 'token-usage')
    expect(await page.getByRole('link', { name: 'acme/m1' }).count()).toBe(1)
    await page.getByRole('button', { name: 'Shrink to what was used' }).click()
    await page.getByText('The token has what it was used for, and nothing else.').waitFor()
    expect((await ask('GET', '/api/models/acme/m1', value)).status).toBe(200)

    await page.goto(`${hub.url}/settings/tokens`)
    await page.getByRole('link', { name: 'Honey tokens' }).click()
    await page.getByLabel('Name').fill('old notebook')
    await page.getByLabel('Where it will lie').fill('notebooks/2019/train.ipynb')
    await page.getByRole('button', { name: 'Make honey token' }).click()
    const bait = (await page.locator('.secret code').textContent()) ?? ''
    expect((await ask('GET', '/api/whoami-v2', bait)).status).toBe(401)
    await expectAccessible(page, 'honey-made')
    await page.goto(`${hub.url}/organizations/acme/settings/tokens/honey`)
    await expectAccessible(page, 'honey-organization')
  })
})
