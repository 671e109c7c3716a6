/* INF-1 and INF-7 in a real browser: an administrator has the hub run a small model, tries it, changes to a server and back, and ends it. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../support/embedded.ts'
import { password } from '../support/inference.ts'
import {
  answerModel,
  colourModel,
  embeddingModel,
  entailmentModel,
  type ModelFiles,
  sentimentModel,
} from '../support/tiny-models.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('models that the hub runs, in a browser', { timeout: 180_000 }, () => {
  let world: EmbeddedWorld
  let browser: Browser
  /** One with scripts, one without. */
  let ada: Page
  let plain: Page

  beforeAll(async () => {
    world = await startEmbeddedHub('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    browser = await openBrowser(chromium ?? '')
    ada = await signInOn(browser, world.site.url, 'Ada', password)
    plain = await signInOn(browser, world.site.url, 'Ada', password, { javaScriptEnabled: false })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await world?.host.stop()
    await world?.site.stop()
  })

  const open = (page: Page, path: string) => page.goto(`${world.site.url}${path}`)
  const here = (model: string) => `/${model}/settings/inference`
  async function expectFine(name: string, path: string): Promise<void> {
    await open(ada, path)
    await expectAccessible(ada, `embedded-${name}`)
  }
  async function uploaded(files: ModelFiles, tag: string | null = null): Promise<string> {
    const model = await world.makeModel(true)
    await world.put(model, files, tag)
    return model
  }

  test('INF-1: without scripts: refused with the reason, and with the files mended the hub runs it and it answers', async () => {
    const { 'onnx/model.onnx': graph = Buffer.from(''), ...others } = answerModel()
    const model = await uploaded(others)
    await open(plain, here(model))
    await plain.getByRole('heading', { name: 'No server answers for it' }).waitFor()
    await expectFine('none', here(model))
    await plain.getByRole('button', { name: 'Run it on this hub' }).click()
    await plain.getByText('it has no graph in ONNX').waitFor()
    await world.put(model, { 'onnx/model.onnx': graph }, null)
    await plain.getByRole('button', { name: 'Run it on this hub' }).click()
    await plain.getByText('The hub runs this model from now on.').waitFor()
    await plain.getByText('not loaded', { exact: true }).waitFor()
    await expectFine('not-loaded', here(model))
    await plain.getByLabel('Question').fill('Where is Ada?')
    await plain.getByLabel('Text in which the answer stands').fill('Ada lives in Paris.')
    await plain.getByRole('button', { name: 'Call the model' }).click()
    await plain.getByRole('heading', { name: 'It answers' }).waitFor()
    await plain.getByText(/^Paris \(/).waitFor()
    await plain.getByText('loaded', { exact: true }).waitFor()
    await plain.getByLabel('What the hub runs').fill('main')
    await plain.getByRole('button', { name: 'Save revision' }).click()
    await plain.getByText('The hub runs main.').waitFor()
    await expectFine('loaded', here(model))
    await open(plain, `/${model}`)
    await plain.getByRole('heading', { name: 'Call this model' }).waitFor()
    await expectFine('card', `/${model}`)
  })

  test('INF-7: with scripts: a question before the servers and their keys go, a server takes the place of the hub, and the end', async () => {
    const model = await uploaded(sentimentModel())
    await world.setServers(model, [{ url: 'http://127.0.0.3:1', kind: 'vllm', secret: 'sk-harbour' }])
    await open(ada, here(model))
    await expectAccessible(ada, 'embedded-beside-servers')
    await ada.getByRole('link', { name: 'Run it on this hub' }).click()
    await ada.getByText('The keys cannot be recovered').waitFor()
    await expectAccessible(ada, 'embedded-question')
    await ada.getByRole('button', { name: 'Replace the server' }).click()
    await ada.getByRole('heading', { name: 'This hub runs it' }).waitFor()
    await ada.getByLabel('Text', { exact: true }).fill('a good cat')
    await ada.getByRole('button', { name: 'Call the model' }).click()
    await ada.getByText('98.2 % POSITIVE').waitFor()
    await expectAccessible(ada, 'embedded-tried')
    await ada.getByLabel('Address').fill('http://127.0.0.3:1')
    await ada.getByRole('button', { name: 'Use a server instead' }).click()
    await ada.getByText('http://127.0.0.3:1 answers for this model from now on.').waitFor()
    await ada.getByRole('link', { name: 'Run it on this hub' }).click()
    await ada.getByText('They are forgotten, and can be named again').waitFor()
    await ada.getByRole('button', { name: 'Replace the server' }).click()
    await ada.getByRole('link', { name: 'End inference' }).click()
    await ada.getByText('The hub can run it again at any time.').waitFor()
    await ada.getByRole('button', { name: 'End inference' }).click()
    await ada.getByText('Nobody answers for this model any more.').waitFor()
    await ada.getByRole('heading', { name: 'No server answers for it' }).waitFor()
  })

  test('vectors, labels of their own and images each have a box, or a command', async () => {
    const vectors = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    await open(plain, here(vectors))
    await plain.getByLabel('Send').selectOption('sentence-similarity')
    await plain.getByLabel('Text', { exact: true }).fill('the dog')
    await plain.getByLabel(/^Compared with/).fill('the dog\nparis')
    await plain.getByRole('button', { name: 'Call the model' }).click()
    await plain.getByText('1.0000').waitFor()
    expect(await plain.getByLabel('Send').inputValue()).toBe('sentence-similarity')
    await expectFine('vectors', here(vectors))
    const labels = await world.run(entailmentModel(), { tag: 'zero-shot-classification' })
    await open(plain, here(labels))
    expect(await plain.getByLabel('Labels').inputValue()).toBe('travel, food')
    await expectFine('labels', here(labels))
    const eyes = await world.run(colourModel())
    await open(plain, here(eyes))
    await plain.getByText('--data-binary @photo.jpg').waitFor()
    await expectFine('images', here(eyes))
  })
})
