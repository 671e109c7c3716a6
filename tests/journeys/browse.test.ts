/* Looking for something: from the first page over the search and the lists with their filters to a person and an organization; with and without scripts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { asking } from '../support/asking.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

const cards = [
  { name: 'tone', card: 'pipeline_tag: text-classification\nlibrary_name: transformers\nlanguage: de\nlicense: mit' },
  { name: 'tone-large', card: 'pipeline_tag: text-classification\nlibrary_name: transformers\nlicense: apache-2.0' },
  {
    name: 'quay-images',
    card: 'pipeline_tag: image-classification\nlibrary_name: timm\nlicense: mit\ntags: [harbour]',
  },
] as const

describe.skipIf(chromium === null)('browsing, in a browser', { timeout: 240_000 }, () => {
  let site: TestHub
  let browser: Browser
  let ada: TestUser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    await makeOrganization(site, 'tonelab', ada)
    const ask = asking(site)
    const token = ada.token ?? ''
    for (const { name, card } of cards) {
      const body = { name }
      expect((await ask('POST', '/api/repos/create', { token, body })).status).toBe(200)
      const readme = Buffer.from(`---\n${card}\n---\n# ${name}\n\nReads ${name}.\n`).toString('base64')
      const lines = [
        { key: 'header', value: { summary: 'A card' } },
        { key: 'file', value: { path: 'README.md', content: readme, encoding: 'base64' } },
      ]
      const committed = await fetch(`${site.url}/api/models/ada/${name}/commit/main`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
        body: lines.map((line) => JSON.stringify(line)).join('\n'),
      })
      expect(committed.status).toBe(200)
    }
    // Cards are read by a job.
    await vi.waitFor(
      async () => expect((await ask('GET', '/api/models?filter=harbour')).text).toContain('quay-images'),
      { timeout: 20_000, interval: 100 },
    )
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('search, lists, filters, sort, people: %s', async (_title, scripts) => {
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    const check = async (name: string) => {
      if (scripts) await expectAccessible(page, `browse-${name}`)
    }
    await page.goto(site.url)
    await check('home')
    await page.getByRole('searchbox', { name: 'Search' }).first().fill('tone')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Search for “tone”' }).waitFor()
    await page.getByRole('link', { name: 'ada/tone', exact: true }).waitFor()
    await page.getByRole('link', { name: 'tonelab' }).waitFor()
    await check('search')

    await page.goto(`${site.url}/models`)
    await check('models')
    await page.getByText('Filters', { exact: true }).click()
    await page.getByLabel('Task').selectOption('image-classification')
    await page.getByRole('button', { name: 'Apply filters' }).click()
    await page.getByRole('link', { name: 'ada/quay-images' }).waitFor()
    expect(await page.getByRole('link', { name: 'ada/tone', exact: true }).count()).toBe(0)
    // A filter that stands is chosen in its list; another one of the same list takes its place, one of another list comes beside it.
    await page.getByLabel('Task').selectOption('text-classification')
    await page.getByLabel('Licence').selectOption('license:mit')
    await page.getByLabel('Language').selectOption('de')
    await page.getByRole('button', { name: 'Apply filters' }).click()
    await page.getByRole('link', { name: 'ada/tone', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'ada/tone-large' }).count()).toBe(0)
    expect(new URL(page.url()).searchParams.getAll('filter').filter((filter) => filter !== '')).toEqual([
      'text-classification',
      'de',
      'license:mit',
    ])
    await check('filtered')
    await page.getByLabel('Tag').fill('no-such-tag')
    await page.getByRole('button', { name: 'Apply filters' }).click()
    await page.getByRole('link', { name: 'Clear filters' }).click()
    await page.getByLabel('Order').selectOption('createdAt')
    await page.getByRole('button', { name: 'Search', exact: true }).last().click()
    const names = await page.getByRole('rowheader').allTextContents()
    expect(names.map((name) => name.replace(/Reads.*/s, '').trim())).toEqual([
      'ada/quay-images',
      'ada/tone-large',
      'ada/tone',
    ])
    await page.goto(`${site.url}/ada`)
    await page.getByRole('heading', { name: 'ada' }).waitFor()
    await check('person')
    await page.goto(`${site.url}/tonelab`)
    await check('organization')
    await page.context().close()
  })
})
