/* INF-6 and INF-7 in a real browser: an administrator names servers for a model, tries it, sees what was called, and ends it. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { type InferenceWorld, password, startInference } from '../support/inference.ts'
import { answer, type ModelServer, sayHello, startModelServer } from '../support/model-server.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('inference in a browser', { timeout: 180_000 }, () => {
  let world: InferenceWorld
  let browser: Browser
  let first: ModelServer
  let second: ModelServer
  let model: string
  /** One with scripts, one without. */
  let ada: Page
  let plain: Page

  beforeAll(async () => {
    world = await startInference('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    browser = await openBrowser(chromium ?? '')
    first = await startModelServer()
    second = await startModelServer()
    model = await world.makeModel(true)
    ada = await signInOn(browser, world.site.url, 'Ada', password)
    plain = await signInOn(browser, world.site.url, 'Ada', password, { javaScriptEnabled: false })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await first?.stop()
    await second?.stop()
    await world?.site.stop()
  })

  const open = (page: Page, path: string) => page.goto(`${world.site.url}${path}`)
  const here = () => `/${model}/settings/inference`
  async function expectFine(name: string, path: string): Promise<void> {
    await open(ada, path)
    await expectAccessible(ada, `inference-${name}`)
  }

  test('INF-7: without scripts: from no server to two, what is wrong told at its field, and the model answers', async () => {
    await open(plain, `/${model}/settings`)
    await plain.getByRole('link', { name: 'Inference', exact: true }).click()
    await plain.getByRole('heading', { name: 'No server answers for it' }).waitFor()
    await expectFine('none', here())
    await plain.getByLabel('Address').fill('http://10.99.0.1:8000')
    await plain.getByLabel('Key of the server').fill('sk-harbour')
    await plain.getByRole('button', { name: 'Add server' }).click()
    await plain.locator('#field-url-error').waitFor()
    expect(await plain.getByLabel('Address').inputValue()).toBe('http://10.99.0.1:8000')
    expect(await plain.getByLabel('Key of the server').inputValue()).toBe('')
    await plain.getByLabel('Address').fill(first.url)
    await plain.getByLabel('Key of the server').fill('sk-harbour')
    await plain.getByLabel('Weight').fill('3')
    await plain.getByRole('button', { name: 'Add server' }).click()
    await plain.getByText(`${first.url} answers for this model from now on.`).waitFor()
    await plain.getByLabel('Address').fill(second.url)
    await plain.getByLabel('What runs there').selectOption('llama.cpp')
    await plain.getByLabel('Called there as').fill('chat-v2')
    await plain.getByRole('button', { name: 'Add server' }).click()
    await plain.getByRole('row', { name: /llama\.cpp, called as chat-v2/ }).waitFor()
    await plain.getByText('75 %').waitFor()
    await plain.getByLabel('Text', { exact: true }).fill('Is anybody there?')
    await plain.getByRole('button', { name: 'Call the model' }).click()
    await plain.getByRole('heading', { name: 'It answers' }).waitFor()
    await plain.getByText('7 tokens in, 3 out.').waitFor()
    const heard = [...first.heard, ...second.heard]
    expect(heard.length).toBe(1)
    expect(heard[0]?.text).toContain('Is anybody there?')
    for (const one of first.heard) expect(one.headers.authorization).toBe('Bearer sk-harbour')
    await expectFine('servers', here())
  })

  test('INF-7: a server that fails is seen to, and the answer of a try is drawn with scripts as well', async () => {
    for (const server of [first, second]) server.play((_heard, response) => answer(response, { error: 'down' }, 500))
    for (let round = 0; round < 3; round++) await world.chat(model, world.ada.token)
    await open(ada, here())
    await ada.getByText('left alone').first().waitFor()
    for (const server of [first, second]) server.play(sayHello)
    await ada.getByRole('button', { name: 'Call the model' }).click()
    await ada.getByRole('heading', { name: 'It answers' }).waitFor()
    await expectAccessible(ada, 'inference-tried')
  })

  test('INF-7: with scripts: a server is changed, and one that somebody else changed meanwhile is not overwritten', async () => {
    await open(ada, here())
    await ada.getByRole('link', { name: `Change ${first.url}` }).click()
    await ada.getByRole('heading', { name: 'Change a server' }).waitFor()
    await expectAccessible(ada, 'inference-change')
    await ada.getByLabel('Weight').fill('1')
    // Somebody else was faster.
    await open(plain, here())
    await plain.getByRole('link', { name: `Remove ${second.url}` }).click()
    await plain.getByText('gets no more calls').waitFor()
    await plain.getByRole('button', { name: 'Remove server' }).click()
    await plain.getByText('To take it back, add it again').waitFor()
    expect(await plain.getByLabel('Address').inputValue()).toBe(second.url)
    expect(await plain.getByLabel('What runs there').inputValue()).toBe('llama.cpp')
    await ada.getByRole('button', { name: 'Save server' }).click()
    await ada.getByText('Somebody changed the servers of this model').waitFor()
    await expectAccessible(ada, 'inference-changed')
    expect(await ada.getByLabel('Weight').inputValue()).toBe('1')
    await ada.getByRole('button', { name: 'Save server' }).click()
    await ada.getByText(`${first.url} is changed.`).waitFor()
    await ada.getByText('100 %').waitFor()
  })

  test('INF-7: the servers run a revision; none that is not there', async () => {
    await open(plain, here())
    await plain.getByLabel('What the servers run').fill('v9')
    await plain.getByRole('button', { name: 'Save revision' }).click()
    await plain.locator('#field-revision-error').waitFor()
    await plain.getByLabel('What the servers run').fill('main')
    await plain.getByRole('button', { name: 'Save revision' }).click()
    await plain.getByText('The servers run main, as far as the hub is told.').waitFor()
    await expectFine('revision', here())
  })

  test('the page of the model says how to call it, and the list of models shows those that answer', async () => {
    await open(plain, `/${model}`)
    await plain.getByRole('heading', { name: 'Call this model' }).waitFor()
    await plain.getByText('answers here').click()
    await plain.getByRole('link', { name: model }).waitFor()
    await expectFine('card', `/${model}`)
    await expectFine('list', '/models?inference=served')
    await plain.getByRole('link', { name: /answers calls/ }).click()
    expect(plain.url()).toBe(`${world.site.url}/models`)
    await plain.getByText('Filters', { exact: true }).click()
    await plain.getByLabel('Answers calls').check()
    await plain.getByRole('button', { name: 'Apply filters' }).click()
    await plain.getByRole('link', { name: model }).waitFor()
  })

  test('INF-6: what was called is summed up for the organization, and for oneself', async () => {
    const other = await world.serve([first.url])
    for (let call = 0; call < 6; call++) await world.chat(other, world.bob.token)
    await open(plain, '/organizations/acme/settings/storage')
    await plain.getByRole('link', { name: 'Usage', exact: true }).click()
    await plain.getByRole('heading', { name: 'Usage', exact: true }).waitFor()
    await plain.getByRole('row', { name: new RegExp(other) }).waitFor()
    await expectFine('usage', '/organizations/acme/settings/usage')
    await plain.getByLabel('By', { exact: true }).selectOption('principal')
    await plain.getByLabel('Time (UTC)').selectOption('month')
    await plain.getByRole('button', { name: 'Show' }).click()
    await plain.getByRole('row', { name: /bob/ }).waitFor()
    await plain.getByLabel('Time (UTC)').selectOption('between')
    await plain.getByLabel('From').fill('2020-05-02')
    await plain.getByLabel('To, with this day').fill('2020-05-01')
    await plain.getByRole('button', { name: 'Show' }).click()
    await plain.getByText('"from" has to be before "to".').waitFor()
    await expectFine('usage-refused', '/organizations/acme/settings/usage?period=between&from=2020-05-02&to=2020-05-01')
    await expectFine('usage-none', '/organizations/acme/settings/usage?period=last-month')
    await expectFine('usage-own', '/settings/usage?group_by=status')
    await ada.getByRole('row', { name: /502/ }).waitFor()
  })

  test('the administration of the hub shows inference at a glance', async () => {
    await makeUser(world.site, 'hugo', { password, isAdmin: true })
    const hugo = await signInOn(browser, world.site.url, 'hugo', password)
    await open(hugo, '/admin')
    await hugo.getByText('Calls in the last 24 hours').waitFor()
    await expectAccessible(hugo, 'inference-admin')
  })

  test('INF-7: it ends after a question', async () => {
    await open(ada, here())
    await ada.getByRole('link', { name: 'End inference' }).click()
    await ada.getByText('the one that is held is forgotten').waitFor()
    await expectAccessible(ada, 'inference-end')
    await ada.getByRole('button', { name: 'End inference' }).click()
    await ada.getByText('Nobody answers for this model any more.').waitFor()
    expect((await world.chat(model, world.ada.token)).status).toBe(404)
  })
})
