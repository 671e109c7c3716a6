/* An administrator runs an organization with the mouse alone: from the menu with the initials to its settings, a member, an invitation, the
   profile, a new name, the end. Once with scripts and once without; on each page axe finds nothing and the browser has nothing to say. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()
const password = 'a long and quiet word'

describe.skipIf(chromium === null)('the settings of an organization', () => {
  let hub: TestHub
  let browser: Browser
  beforeAll(async () => {
    hub = await startHub()
    for (const name of ['mara', 'jonas', 'grace']) await makeUser(hub, name, { password })
    browser = await openBrowser(chromium ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
  })

  async function signedIn(name: string, javaScriptEnabled: boolean): Promise<[BrowserContext, Page, string[]]> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled })
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    await page.goto(`${hub.url}/login`)
    await page.getByLabel('Username or e-mail').fill(name)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(`${hub.url}/`)
    return [context, page, said]
  }

  async function isSound(page: Page): Promise<void> {
    const found = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      .analyze()
    expect(found.violations.map((each) => `${page.url()}: ${each.id} ${each.nodes[0]?.html}`)).toEqual([])
  }

  test.each([
    { scripts: true, name: 'with-scripts' },
    { scripts: false, name: 'without-scripts' },
  ])('$name: from the menu to the end of the organization', { timeout: 120_000 }, async ({ scripts, name }) => {
    const [context, page, said] = await signedIn('mara', scripts)
    await page.getByRole('button', { name: 'New', exact: true }).click()
    await page.getByRole('link', { name: 'Organization', exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByRole('button', { name: 'Create organization' }).click()
    await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor()

    // By the way that the documents describe: the menu with the initials, Settings, the organization.
    await page.goto(`${hub.url}/`)
    await page.getByRole('button', { name: 'MA, your menu' }).click()
    await page.getByRole('link', { name: 'Settings', exact: true }).click()
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name }).click()
    await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor()
    if (scripts) await isSound(page)

    await page.getByLabel('Username').fill('jonas')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('jonas is a member now, with the role read.').waitFor()
    await page.getByLabel('Role of jonas', { exact: true }).selectOption('write')
    await page.getByRole('button', { name: 'Save the role of jonas' }).click()
    await page.getByText('jonas has the role write now.').waitFor()

    await page.getByRole('link', { name: 'Invite by e-mail' }).click()
    await page.getByRole('dialog').getByLabel('E-mail').fill('grace@example.org')
    await page.getByRole('dialog').getByLabel('Role', { exact: true }).selectOption('contributor')
    if (scripts) await isSound(page)
    await page.getByRole('button', { name: 'Make invitation' }).click()
    const link = await page.locator('.secret code').textContent()
    expect(link).toMatch(/\/invitations\/[\w-]{43}$/)
    await page.getByRole('link', { name: 'I have stored it, close' }).click()
    await page.getByText('link handed over').waitFor()

    const [guest, theirs] = await signedIn('grace', scripts)
    await theirs.goto(link ?? '')
    if (scripts) await isSound(theirs)
    await theirs.getByRole('button', { name: 'Accept' }).click()
    await theirs.getByText(`You are a member of ${name} now, with the role contributor.`).waitFor()
    // A member sees the settings, and nothing there that would then say no.
    await theirs.getByRole('link', { name: 'Settings', exact: true }).last().click()
    await theirs.getByText(`An admin of ${name} can change this.`).waitFor()
    expect(await theirs.getByRole('link', { name: 'Service accounts' }).count()).toBe(0)
    expect(await theirs.getByRole('button', { name: 'Save profile' }).count()).toBe(0)
    await guest.close()

    const side = page.getByRole('navigation', { name: `${name} settings` })
    await side.getByRole('link', { name: 'Profile' }).click()
    await page.getByLabel('Full name').fill('Harbor Works')
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.getByText('The profile is saved.').waitFor()
    await side.getByRole('link', { name: 'Seats and storage' }).click()
    await page.getByText('People, each once, whatever their role. There is no limit.').waitFor()
    if (scripts) await isSound(page)

    await side.getByRole('link', { name: 'Rename or delete' }).click()
    await page.getByRole('link', { name: 'Rename', exact: true }).click()
    await page.getByLabel('New name').fill('mara')
    await page.getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('button', { name: 'Rename organization' }).click()
    // Refused with the form still there, and what was typed in it.
    await page.getByText('The name "mara" is taken.').waitFor()
    expect(await page.getByLabel('New name').inputValue()).toBe('mara')
    await page.getByLabel('New name').fill(`${name}-two`)
    await page.getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('button', { name: 'Rename organization' }).click()
    await page.getByText(`${name} is called ${name}-two now. Old addresses lead here.`).waitFor()
    await page.goto(`${hub.url}/${name}`)
    expect(new URL(page.url()).pathname).toBe(`/${name}-two`)

    await page.goto(`${hub.url}/organizations/${name}/settings/account?dialog=delete`)
    await page.getByLabel(`Type ${name}-two to confirm`).fill(`${name}-two`)
    await page.getByRole('button', { name: 'Delete organization' }).click()
    await page.getByText(`${name}-two is deleted.`).waitFor()
    // What the browser itself reports of refused forms is none of ours.
    expect(said.filter((line) => !line.includes('the server responded with a status of'))).toEqual([])
    await context.close()
  })
})
