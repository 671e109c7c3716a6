/* Idea 4 in a real browser, without scripts: automation is trusted, gets a token, and is no longer trusted. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { makeRepo, type PublisherWorld, startPublisherWorld } from '../support/publishers.ts'
import { makeServiceAccount } from '../support/service-accounts.ts'

const chromium = findChromium()
const password = 'correct horse battery staple'

describe.skipIf(chromium === null)('trusted publishers in a browser', { timeout: 120_000 }, () => {
  let world: PublisherWorld
  let browser: Browser
  let mara: Page
  let account: { id: string; name: string }

  beforeAll(async () => {
    world = await startPublisherWorld('sqlite')
    browser = await openBrowser(chromium ?? '')
    await makeRepo(world, 'harbor')
    const person = await makeUser(world.running, 'mara', { password })
    const lab = await makeOrganization(world.running, 'northsea', person)
    account = await makeServiceAccount(world.running, lab, 'Nightly')
    mara = await signInOn(browser, world.running.url, 'mara', password, { javaScriptEnabled: false })
    await open(mara, '/new')
    await mara.getByLabel('Name', { exact: true }).fill('tides')
    await mara.getByRole('button', { name: /Create/ }).click()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })

  const open = (page: Page, path: string) => page.goto(`${world.running.url}${path}`)
  /** Axe needs scripts: the same page again, for one who has them. */
  async function expectFine(name: string, path: string): Promise<void> {
    const page = await signInOn(browser, world.running.url, 'mara', password)
    await open(page, path)
    await expectAccessible(page, name)
    await page.context().close()
  }

  test('a repository trusts a GitHub workflow, told first what would trust everybody', async () => {
    await open(mara, '/mara/tides/settings')
    await mara.getByRole('link', { name: 'Trusted publishers' }).click()
    await mara.getByRole('heading', { name: 'No trusted publishers' }).waitFor()
    await expectFine('publishers-empty', '/mara/tides/settings/trusted-publishers')
    await mara.getByLabel('Repository', { exact: true }).fill('mara/*')
    await mara.getByRole('button', { name: 'Add publisher' }).click()
    await mara.getByText('"mara/*" is not a pattern').waitFor()
    expect(await mara.getByLabel('Repository', { exact: true }).inputValue()).toBe('mara/*')
    await mara.getByLabel('Repository', { exact: true }).fill('mara/train')
    await mara.getByLabel('Environment').fill('release')
    await mara.getByRole('button', { name: 'Add publisher' }).click()
    await mara.getByText('Trusted from now on: repository mara/train at GitHub Actions.').waitFor()
    await mara.getByText('A name can pass to somebody else: repository_id would resist that.').waitFor()
  })

  test('another issuer, with claims as lines; the list shows which run last got a token; deleted, it gives none', async () => {
    const here = '/mara/tides/settings/trusted-publishers'
    await open(mara, `${here}?from=other`)
    await mara.getByLabel('Issuer').fill('http://10.0.0.1')
    await mara.getByLabel('Claims').fill('repository = acme/train\nrepository_id = 7\nrepository_id = 8')
    await mara.getByRole('button', { name: 'Add publisher' }).click()
    await mara.getByText('is not on the public internet').waitFor()
    await expectFine('publishers-form', `${here}?from=other`)
    await mara.getByLabel('Issuer').fill(world.issuer.url)
    await mara.getByRole('button', { name: 'Add publisher' }).click()
    await mara.getByText('Trusted from now on: repository acme/train at localhost').waitFor()
    const first = await world.exchange(await world.idToken({ run_id: '4711' }), 'mara/tides')
    expect(first.status).toBe(200)
    await open(mara, here)
    await mara.getByText('acme/train, run 4711').waitFor()
    await expectFine('publishers', here)
    await mara.getByRole('link', { name: 'Delete repository acme/train at localhost' }).click()
    await expectFine('publishers-delete', mara.url().slice(world.running.url.length))
    await mara.getByRole('button', { name: 'Delete publisher' }).click()
    await mara.getByText('The trusted publisher is deleted, with the tokens that it got.').waitFor()
    expect((await world.exchange(await world.idToken(), 'mara/tides')).status).toBe(400)
    const token = first.json<{ access_token: string }>().access_token
    expect((await world.ask('GET', '/api/whoami-v2', token)).status).toBe(401)
  })

  test('a service account trusts a service account of a cluster', async () => {
    const place = `/organizations/northsea/settings/service-accounts/${account.id}`
    await open(mara, place)
    await mara.getByRole('link', { name: 'Trusted publishers' }).click()
    await mara.getByRole('heading', { name: 'Trusted publishers of Nightly' }).waitFor()
    await mara.getByRole('link', { name: 'Kubernetes' }).click()
    await mara.getByLabel('Issuer').fill(world.issuer.url)
    await mara.getByLabel('Namespace').fill('training')
    await mara.getByLabel('Service account', { exact: true }).fill('uploader')
    await mara.getByLabel('UID of the service account').fill('0f9d')
    await mara.getByRole('button', { name: 'Add publisher' }).click()
    await mara.getByText('Trusted from now on: sub system:serviceaccount:training:uploader').waitFor()
    const pod = {
      sub: 'system:serviceaccount:training:uploader',
      'kubernetes.io': {
        namespace: 'training',
        pod: { name: 'job-1' },
        serviceaccount: { name: 'uploader', uid: '0f9d' },
      },
    }
    const answer = await world.exchange(await world.idToken(pod), 'service-accounts/northsea/Nightly')
    expect(answer.status).toBe(200)
    const again = {
      ...pod,
      'kubernetes.io': { ...pod['kubernetes.io'], serviceaccount: { name: 'uploader', uid: '1' } },
    }
    expect((await world.exchange(await world.idToken(again), 'service-accounts/northsea/Nightly')).status).toBe(400)
    await expectFine('publishers-account', `${place}/trusted-publishers?from=kubernetes`)
    await expectFine('publishers-account-page', place)
  })
})
