/* Limits of inference as an administrator sets them in a browser, with and without scripts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { type InferenceWorld, password, startInference } from '../support/inference.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { makeServiceAccount } from '../support/service-accounts.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('limits of inference in a browser', { timeout: 60_000 }, () => {
  let world: InferenceWorld
  let server: ModelServer
  let browser: Browser
  let model: string

  beforeAll(async () => {
    world = await startInference('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    browser = await openBrowser(chromium ?? '')
    server = await startModelServer()
    model = await world.serve([server.url])
    await makeServiceAccount(world.site, world.acme, 'nightly build', 'read')
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await world?.site.stop()
  })

  const call = () =>
    world.ask('POST', '/v1/chat/completions', {
      token: world.carl.token,
      body: { model, messages: [{ role: 'user', content: 'Hello?' }] },
      headers: { 'x-hf-bill-to': 'acme' },
    })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('they are set for all and for one, used up, and taken away: %s', async (_title, scripts) => {
    const page = await signInOn(browser, world.site.url, 'Ada', password, { javaScriptEnabled: scripts })
    await page.goto(`${world.site.url}/organizations/acme/settings/members`)
    await page
      .getByRole('navigation', { name: 'acme settings' })
      .getByRole('link', { name: 'Inference limits' })
      .click()
    await page.getByText('Nobody has limits of their own').waitFor()
    if (scripts) await expectAccessible(page, 'inference-limits-empty')
    const together = page.getByRole('group', { name: 'All together' })
    await together.getByLabel('Requests a month').fill('5,000')
    await page.getByRole('group', { name: 'Each member' }).getByLabel('Tokens a month').fill('many')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('A whole number from 0 to').waitFor()
    expect(await together.getByLabel('Requests a month').inputValue()).toBe('5,000')
    await page.getByRole('group', { name: 'Each member' }).getByLabel('Tokens a month').fill('1 000 000')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits are saved.').waitFor()
    await page.getByText('of 5,000').waitFor()

    await page.getByRole('link', { name: 'Add a limit' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('bob')
    await dialog.getByLabel('Requests a minute').fill('0')
    if (scripts) await expectAccessible(page, 'inference-limits-add')
    await dialog.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('"bob" is no member of this organization.').waitFor()
    await page.getByRole('dialog').getByLabel('Name').fill('Carl')
    await page.getByRole('dialog').getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits of Carl are saved.').waitFor()
    expect((await call()).status).toBe(429)
    await page.getByRole('link', { name: 'Add a limit' }).click()
    await page.getByRole('dialog').getByLabel('Of a').selectOption('service-account')
    await page.getByRole('dialog').getByLabel('Name').fill('nightly build')
    await page.getByRole('dialog').getByLabel('Tokens a month').fill('2000000')
    await page.getByRole('dialog').getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits of nightly build are saved.').waitFor()
    if (scripts) await expectAccessible(page, 'inference-limits')

    await page.getByRole('link', { name: 'Change limits of carl' }).click()
    await page.getByRole('dialog').getByText('Limits of carl').waitFor()
    if (scripts) await expectAccessible(page, 'inference-limits-change')
    await page.getByRole('dialog').getByRole('button', { name: 'Take away' }).click()
    await page.getByText('The limits of carl are taken away').waitFor()
    expect((await call()).status).toBe(200)
    await page.getByRole('link', { name: 'Change limits of nightly build' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take away' }).click()
    await page.getByText('Nobody has limits of their own').waitFor()
    await page.context().close()
  })

  // The story: two administrators have the page open; the second one sends what the first one changed a moment ago, without having seen it.
  test('what somebody else changed meanwhile is not overwritten', async () => {
    const page = await signInOn(browser, world.site.url, 'Ada', password, { javaScriptEnabled: false })
    await page.goto(`${world.site.url}/organizations/acme/settings/inference-limits`)
    const path = '/api/organizations/acme/inference-limits'
    const set = await world.ask('PUT', path, { token: world.ada.token, body: { everyToken: { requestsPerMinute: 7 } } })
    expect(set.status).toBe(200)
    await page.getByRole('group', { name: 'Each member' }).getByLabel('Tokens a month').fill('5')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('Somebody changed these limits since you read them').waitFor()
    expect((await world.ask('GET', path, { token: world.ada.token })).json()).toMatchObject({
      everyToken: { requestsPerMinute: 7 },
      everyMember: { tokensPerMonth: null },
    })
    await page.context().close()
  })
})
