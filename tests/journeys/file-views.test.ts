/* Somebody looks at files of every kind before downloading them, in a real browser: each page is clean to axe in light and dark, scrolls sideways on no
   phone, and no script of a file runs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo, type TestRepo } from '../support/world.ts'
import { fillViewerRepo } from '../viewers/viewer-repo.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('the file view in a browser (issue 7)', { timeout: 60_000 }, () => {
  const password = 'a long and quiet word'
  let site: TestHub
  let browser: Browser
  let page: Page
  let repo: TestRepo
  let folder: string
  const said: string[] = []

  beforeAll(async () => {
    site = await startHub()
    const mara = await makeUser(site, 'mara', { password })
    repo = await makeRepo(site.hub, mara, 'harbor', { visibility: 'private' })
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-viewers-'))
    await fillViewerRepo(site.hub, repo, folder)
    browser = await openBrowser(chromium ?? '')
    page = await signInOn(browser, site.url, 'mara', password)
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    page.on('dialog', (dialog) => {
      said.push(`${page.url()}: a script of a file ran: ${dialog.message()}`)
      void dialog.dismiss()
    })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await site?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const open = (file: string) => page.goto(`${site.url}/${repo.address}/blob/main/${file}`)
  const isSilent = () => expect(said).toEqual([])

  test('markdown is rendered, and its source is one press away', async () => {
    await open('guide.md')
    await page.getByRole('heading', { name: 'Guide', exact: true }).waitFor()
    await page.getByRole('link', { name: 'the plan' }).waitFor()
    await expectAccessible(page, 'markdown')
    await page.getByRole('link', { name: 'Code', exact: true }).click()
    await page.getByText('# Guide').waitFor()
    isSilent()
  })

  test('code has colours, and a range of lines has an address', async () => {
    await open('plan.py#L8-L11')
    await page.locator('.tk', { hasText: 'import' }).first().waitFor()
    await expect.poll(() => page.locator('tr.marked').count()).toBe(4)
    await page.getByRole('link', { name: '2', exact: true }).click()
    await page.getByRole('link', { name: '5', exact: true }).click({ modifiers: ['Shift'] })
    await expect.poll(() => new URL(page.url()).hash).toBe('#L2-L5')
    await expect.poll(() => page.locator('tr.marked').count()).toBe(4)
    await expectAccessible(page, 'code')
    isSilent()
  })

  test('rows of CSV, page by page', async () => {
    await open('calls.csv')
    await page.getByRole('cell', { name: 'port, call 99' }).waitFor()
    await expectAccessible(page, 'csv')
    await page.getByRole('link', { name: 'Next', exact: true }).click()
    await page.getByRole('cell', { name: 'port, call 199' }).waitFor()
    isSilent()
  })

  test.each([
    ['ragged.csv', 'A quote is not closed'],
    ['calls.jsonl', 'Not JSON: not json'],
    ['records.json?view=preview', 'Rows 1 to 2 of 2'],
    ['snappy.parquet', 'port call 99 <b>'],
    ['zstd.parquet?from=200', 'port call 249 <b>'],
    ['model.safetensors', 'model.layers.0.self_attn.q_proj.weight'],
    ['model.safetensors.index.json', 'one.safetensors'],
    ['model.gguf', 'token_embd.weight'],
    ['book.ipynb', 'HTML in this output is not shown here'],
    ['horn.wav', 'horn.wav'],
  ])('%s', async (file, words) => {
    await open(file)
    await page.getByText(words).first().waitFor()
    await expectAccessible(page, file.replace(/\W/g, '-'))
    isSilent()
  })

  test('a drawing is a picture, and its scripts are text', async () => {
    await open('drawing.svg')
    await expect.poll(() => page.evaluate('document.querySelector("main img").naturalWidth')).toBe(120)
    await expectAccessible(page, 'drawing')
    await open('drawing.svg?view=code')
    await page.getByText('alert(4)').waitFor()
    isSilent()
  })
})
