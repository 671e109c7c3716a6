/* A person signs in, makes a repository and looks through one that is full, in a real browser against a real hub. On each page axe finds
   nothing in light and in dark, the browser has nothing to say, and nothing scrolls sideways on a small phone.
   HOLDFAST_TEST_SCREENSHOTS names a folder that pictures of the pages are put into. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { fillDemoRepo, largeFile } from '../support/demo-repo.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo, type TestRepo } from '../support/world.ts'

const chromium = findChromium()
const pictures = process.env.HOLDFAST_TEST_SCREENSHOTS

describe.skipIf(chromium === null)('the pages of a repository', () => {
  const password = 'a long and quiet word'
  let hub: TestHub
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let demo: TestRepo
  let head: string
  const said: string[] = []

  beforeAll(async () => {
    hub = await startHub()
    const mara = await makeUser(hub, 'mara', { password })
    demo = await makeRepo(hub.hub, mara, 'harbor-7b', { visibility: 'private' })
    head = await fillDemoRepo(hub.hub, demo)
    browser = await openBrowser(chromium ?? '')
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true })
    context.setDefaultTimeout(10_000)
    page = await context.newPage()
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
  })

  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
  })

  const open = (address: string) => page.goto(`${hub.url}${address}`)

  test('sign in, through the page', async () => {
    await open(`/${demo.address}`)
    // To a stranger a private repository is not there.
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Not found')
    said.length = 0
    await open('/login')
    await page.getByLabel('Username or e-mail').fill('mara')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${hub.url}/`)
  })

  test('make a repository, and read how to fill it', async () => {
    await open('/new')
    await page.getByLabel('Name').fill('first-model')
    await page.getByRole('radio', { name: 'Private' }).check()
    await page.getByRole('button', { name: 'Create model' }).click()
    await page.waitForURL(`${hub.url}/mara/first-model`)
    await page.getByText(`git clone ${hub.url}/mara/first-model`).first().waitFor()
    await page.getByText('hf upload mara/first-model .').waitFor()
  })

  test('from the card through files and commits to a changed line', async () => {
    await open(`/${demo.address}`)
    await page.getByRole('heading', { name: 'Harbor 7B' }).waitFor()
    await page.getByRole('img', { name: 'A quay, drawn' }).scrollIntoViewIfNeeded()
    await expect.poll(() => page.evaluate('document.querySelector("article img").naturalWidth')).toBe(120)
    await page.getByRole('link', { name: 'the list of sources' }).waitFor()

    await page.getByRole('link', { name: 'Files', exact: true }).click()
    await page.getByRole('link', { name: 'config.json', exact: true }).click()
    await page.getByText('"torch_dtype": "bfloat16"').waitFor()
    await page.getByRole('link', { name: '3', exact: true }).click()
    expect(new URL(page.url()).hash).toBe('#L3')
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByRole('link', { name: 'Retrain on October port calls, bf16' }).click()
    await page.waitForURL(`${hub.url}/${demo.address}/commit/${head}`)
    expect(await page.locator('ins').allTextContents()).toContain('bfloat16')
    await page.getByText('docs/sources.md → docs/data-sources.md').waitFor()

    await page.getByRole('link', { name: 'Files at this commit' }).click()
    await page.getByRole('button', { name: 'switch revision' }).click()
    await page.getByRole('link', { name: 'v1.1' }).click()
    await page.waitForURL(`${hub.url}/${demo.address}/tree/v1.1`)
    await page.getByRole('link', { name: 'docs' }).click()
    await page.getByRole('link', { name: 'sources.md', exact: true }).waitFor()
  })

  test('a large file comes down whole', async () => {
    await open(`/${demo.address}/blob/main/model-00001-of-00002.safetensors`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download model-00001-of-00002.safetensors' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('model-00001-of-00002.safetensors')
    expect(largeFile.equals(await readFile(await download.path()))).toBe(true)
  })

  test('a branch is made and deleted in dialogs, by its name', async () => {
    await open(`/${demo.address}/refs`)
    await page.getByRole('link', { name: 'New branch' }).click()
    const making = page.getByRole('dialog', { name: 'New branch' })
    await making.getByLabel('Name').fill('team/quay')
    await making.getByRole('button', { name: 'Create branch' }).click()
    await page.getByText('The branch team/quay is made.').waitFor()
    await page.getByRole('link', { name: 'Delete branch team/quay' }).click()
    const deleting = page.getByRole('dialog', { name: 'Delete branch team/quay' })
    await deleting.getByLabel('to confirm').fill('team')
    await deleting.getByRole('button', { name: 'Delete branch' }).click()
    await page.getByText('Type team/quay to delete it.').waitFor()
    await deleting.getByLabel('to confirm').fill('team/quay')
    await deleting.getByRole('button', { name: 'Delete branch' }).click()
    await page.getByText('The branch team/quay is deleted.').waitFor()
    expect(await page.getByRole('link', { name: 'team/quay' }).count()).toBe(0)
    // The refused form is an answer of 422, which Chromium writes to its console.
    expect(said.filter((line) => !line.includes('422'))).toEqual([])
    said.length = 0
  })

  const pages = () => [
    ['card', `/${demo.address}`],
    ['tree', `/${demo.address}/tree/main`],
    ['folder', `/${demo.address}/tree/main/docs`],
    ['text', `/${demo.address}/blob/main/config.json`],
    ['picture', `/${demo.address}/blob/main/images/quay.png`],
    ['large', `/${demo.address}/blob/main/model-00001-of-00002.safetensors`],
    ['commits', `/${demo.address}/commits/main`],
    ['commit', `/${demo.address}/commit/${head}`],
    ['refs', `/${demo.address}/refs`],
    ['refs-new', `/${demo.address}/refs?dialog=new-tag`],
    ['refs-delete', `/${demo.address}/refs?dialog=delete-branch&name=next`],
    ['empty', '/mara/first-model'],
    ['missing', '/mara/nothing-here'],
  ]

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', { timeout: 120_000 }, async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    for (const [name = '', address = ''] of pages()) {
      await open(address)
      const axe = new AxeBuilder({ page })
      // The other colours change nothing but what one sees.
      if (colorScheme === 'dark') axe.withRules(['color-contrast', 'link-in-text-block'])
      else axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      const found = await axe.analyze()
      expect(
        found.violations.map((each) => `${each.id}: ${each.nodes[0]?.html}`),
        name,
      ).toEqual([])
      if (pictures !== undefined)
        await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`), fullPage: true })
    }
    // The page that is not there is answered with 404, which Chromium writes to its console.
    expect(said.filter((line) => !line.includes('404'))).toEqual([])
  })

  test('nothing scrolls sideways on a small phone, and no cell is a name without a value', {
    timeout: 60_000,
  }, async () => {
    const phone = await browser.newContext({ viewport: { width: 320, height: 640 }, hasTouch: true })
    await phone.addCookies(await context.cookies())
    const small = await phone.newPage()
    for (const [name = '', address = ''] of [...pages(), ['list', '/models'], ['home', '/']]) {
      await small.goto(`${hub.url}${address}`)
      const beyond = await small.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(beyond, name).toBe(0)
      expect(await small.locator('td[data-l]:empty').filter({ visible: true }).count(), name).toBe(0)
      if (pictures !== undefined)
        await small.screenshot({ path: path.join(pictures, `${name}-phone.png`), fullPage: true })
    }
    await phone.close()
  })

  test('without scripts everything is there', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    await plain.addCookies(await context.cookies())
    const still = await plain.newPage()
    await still.goto(`${hub.url}/${demo.address}/refs`)
    await still.getByRole('link', { name: 'New tag' }).click()
    await still.getByLabel('Name', { exact: true }).fill('v1.2')
    await still.getByRole('button', { name: 'Create tag' }).click()
    await still.getByText('The tag v1.2 is made.').waitFor()
    await plain.close()
  })
})
