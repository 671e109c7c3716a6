/* An administrator makes a group and a workspace, gives the one a role in the other, and moves a repository in and out, with the mouse alone,
   in a real browser; then the same without scripts, and as somebody who may only look. axe finds nothing, and nothing scrolls sideways.
   HOLDFAST_TEST_SCREENSHOTS names a folder that pictures of the pages are put into. */
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../support/accounts.ts'
import { type Ask, asker } from '../support/ask.ts'
import { findChromium, openBrowser } from '../support/browser.ts'
import { insertServiceAccount, type TestMachine } from '../support/service-account-rows.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const chromium = findChromium()
const pictures = process.env.HOLDFAST_TEST_SCREENSHOTS

describe.skipIf(chromium === null)('the pages of groups and workspaces', () => {
  const password = 'a long and quiet word'
  const settings = '/organizations/acme/settings'
  let hub: TestHub
  let ask: Ask
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let ada: TestUser
  let mara: TestUser
  let rae: TestUser
  let ci: TestMachine
  const said: string[] = []

  beforeAll(async () => {
    hub = await startHub()
    ask = asker(hub)
    ada = await makeUser(hub, 'ada', { password, tokenRole: 'write' })
    mara = await makeUser(hub, 'mara', { tokenRole: 'write' })
    rae = await makeUser(hub, 'rae', { password, tokenRole: 'read' })
    for (const name of ['jonas', 'ines']) await makeUser(hub, name)
    const acme = await makeOrganization(hub, 'acme', ada, {
      mara: 'write',
      jonas: 'read',
      ines: 'no_access',
      rae: 'read',
    })
    ci = await insertServiceAccount(hub, acme.id, 'ci-publish', 'read')
    for (const name of ['harbor-7b', 'quay-13b']) {
      await ask('POST', '/api/repos/create', ada.token, { name, organization: 'acme', private: true })
    }
    browser = await openBrowser(chromium ?? '')
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    context.setDefaultTimeout(10_000)
    page = await context.newPage()
    page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    await signIn(page, 'ada')
  })

  afterAll(async () => {
    await browser?.close()
    await hub?.stop()
  })

  const open = (address: string, on = page) => on.goto(`${hub.url}${address}`)
  const press = (name: string, on = page) => on.getByRole('button', { name, exact: true }).click()
  const sees = async (user: { token: string }, name = 'harbor-7b') =>
    (await ask('GET', `/api/models/acme/${name}`, user.token)).status

  async function signIn(on: Page, name: string): Promise<void> {
    await open('/login', on)
    await on.getByLabel('Username or e-mail').fill(name)
    await on.getByLabel('Password', { exact: true }).fill(password)
    await press('Sign in', on)
    await on.waitForURL(`${hub.url}/`)
  }

  async function picture(name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true })
  }

  test('GRP-2, GRP-1: make a group, and put a person and a service account into it', async () => {
    await open(`${settings}/members`)
    await page
      .getByRole('navigation', { name: 'acme settings' })
      .getByRole('link', { name: 'Groups', exact: true })
      .click()
    await page.getByText('No groups yet').waitFor()
    await picture('groups-empty')
    await page.getByRole('link', { name: 'New group' }).click()
    await page.getByLabel('Name').fill('Release crew')
    await page.getByLabel('Description').fill('Whoever ships on Fridays')
    await press('Create group')
    await page.getByText('Release crew is made.').waitFor()
    for (const name of ['jonas', 'ines', ci.name]) {
      await page.getByLabel('User name').fill(name)
      await press('Add')
      await page.getByText('is in Release crew now').waitFor()
    }
    await page.getByLabel('User name').fill('nobody-here')
    await press('Add')
    await page.getByText('acme has no member and no service account called nobody-here.').waitFor()
    expect(await page.getByLabel('User name').inputValue()).toBe('nobody-here')
    const machine = page.getByRole('row').filter({ hasText: 'ci-publish' })
    await machine.getByText('service account', { exact: true }).waitFor()
    await page.getByLabel('Role of jonas in the group').selectOption('manager')
    await press('Save the role of jonas')
    await page.getByText('jonas is manager of Release crew now.').waitFor()
  })

  test('WS-6, WS-10, GRP-5: make a workspace, and give a person and the group a role there', async () => {
    await page.getByRole('navigation', { name: 'acme settings' }).getByRole('link', { name: 'Workspaces' }).click()
    await page.getByRole('link', { name: 'New workspace' }).click()
    await page.getByLabel('Name').fill('Robotics')
    await press('Create workspace')
    await page.getByText('Robotics is made.').waitFor()
    const people = page.getByRole('region', { name: 'People and service accounts' })
    // Whoever makes it administers it.
    expect(await people.getByLabel('Role of ada', { exact: true }).inputValue()).toBe('admin')
    await people.getByLabel('User name').fill('jonas')
    await people.getByLabel('Role', { exact: true }).selectOption('write')
    await press('Add')
    await page.getByText('jonas has the role write here now.').waitFor()
    await page.getByLabel('Group', { exact: true }).selectOption({ label: 'Release crew' })
    await press('Add group')
    await page.getByText('Everybody in the group has the role read here now.').waitFor()
    await page.getByRole('cell', { name: '2 people and 1 service account' }).waitFor()
  })

  test('WS-1, WS-4: moving a repository in says who loses it before it moves', async () => {
    expect([await sees(mara), await sees(ci)]).toEqual([200, 200])
    await page.getByLabel('Repository').fill('harbor-7b')
    await press('Move here')
    const dialog = page.getByRole('dialog', { name: 'Move acme/harbor-7b into Robotics' })
    await dialog.getByText('2 people lose access to it').waitFor()
    await dialog.getByText('1 person sees it from then on').waitFor()
    await picture('workspace-place')
    // Asking moves nothing.
    expect(await sees(mara)).toBe(200)
    await press('Move into workspace')
    await page.getByText('acme/harbor-7b lies in the workspace now.').waitFor()
    expect([await sees(mara), await sees(rae), await sees(ci)]).toEqual([404, 404, 200])
    await page.getByLabel('Repository').fill('no-such-model')
    await press('Move here')
    await page.getByRole('region', { name: 'Repositories' }).getByText('Repository not found').waitFor()
  })

  test('GRP-6, GRP-7: what a removal takes from whom is said, and it is what happens', async () => {
    await page.getByRole('link', { name: 'Remove Release crew from the workspace' }).click()
    // jonas has a role of his own.
    await page.getByText('1 person and 1 service account lose access to 1 private repository').waitFor()
    await picture('workspace-remove-group')
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('link', { name: 'Release crew', exact: true }).click()
    await page.getByRole('link', { name: 'Remove jonas from the group' }).click()
    await page.getByText('Nobody loses access to a private repository.').waitFor()
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('link', { name: 'Remove ci-publish from the group' }).click()
    await page.getByText('1 service account loses access to 1 private repository').waitFor()
    await press('Remove')
    await page.getByText(`${ci.name} is no longer in Release crew.`).waitFor()
    expect(await sees(ci)).toBe(404)
    await page.getByLabel('User name').fill(ci.name)
    await press('Add')
    await page.getByText('is in Release crew now').waitFor()
    expect(await sees(ci)).toBe(200)
  })

  test('WS-7: auto-join says how many join at once', async () => {
    await open(`${settings}/workspaces`)
    await page.getByRole('link', { name: 'Robotics' }).click()
    const joining = page.getByRole('region', { name: 'Auto-join' })
    await joining.getByText('2 people join at once.', { exact: true }).waitFor()
    await joining.getByRole('radio', { name: 'read and more' }).check()
    await press('Save auto-join')
    await page.getByText('Auto-join is on.').waitFor()
    expect([await sees(mara), await sees(rae)]).toEqual([200, 200])
    await joining.getByRole('radio', { name: 'nobody' }).check()
    await press('Save auto-join')
    await page.getByText('Nobody joins by themselves now.').waitFor()
    expect(await sees(mara)).toBe(200)
    await page.getByRole('link', { name: 'Remove mara from the workspace' }).click()
    await page.getByText('mara loses access to 1 private repository on the next request').waitFor()
    await press('Remove')
    await page.getByText('The role is taken away.').waitFor()
    expect(await sees(mara)).toBe(404)
  })

  test('WS-9: a new repository is made in the workspace, from its page', async () => {
    await page.getByRole('link', { name: 'New model here' }).click()
    await page.getByLabel('Name', { exact: true }).fill('arm-1b')
    expect(await page.getByLabel('Workspace').locator('option:checked').textContent()).toBe('acme: Robotics')
    await picture('repo-new-in-workspace')
    await page.getByLabel('Owner').selectOption('ada')
    await press('Create model')
    await page.getByText('The owner has no such workspace. Choose one of the owner, or none.').waitFor()
    await page.getByLabel('Owner').selectOption('acme')
    await press('Create model')
    await page.getByText('acme/arm-1b is created.').waitFor()
    expect([await sees(mara, 'arm-1b'), await sees(rae, 'arm-1b')]).toEqual([404, 200])
  })

  test('WS-1: the settings of a repository move it too, with the same question', async () => {
    await open('/acme/quay-13b/settings')
    await page.getByLabel('Lies in').selectOption({ label: 'Robotics' })
    await press('Move')
    await page.getByRole('dialog', { name: 'Move acme/quay-13b into Robotics' }).waitFor()
    await press('Move into workspace')
    await page.getByText('acme/quay-13b lies in the workspace now.').waitFor()
    expect(await sees(mara, 'quay-13b')).toBe(404)
    await ask('POST', '/api/organizations/acme/resource-groups', ada.token, { name: 'Berth' })
    await open('/acme/quay-13b/settings')
    await page.getByLabel('Lies in').selectOption({ label: 'Berth' })
    await press('Move')
    await page.getByText('It lies in the workspace “Robotics” and is taken from there').waitFor()
    await picture('repo-place')
    await press('Move into workspace')
    await page.getByText('acme/quay-13b lies in the workspace now.').waitFor()
    expect([await sees(rae, 'quay-13b'), await sees(ada, 'quay-13b')]).toEqual([404, 200])
  })

  async function pages(): Promise<[name: string, address: string][]> {
    const [group] = (await ask('GET', '/api/organizations/acme/groups', ada.token)).json<{ id: string }[]>()
    const workspaces = (await ask('GET', '/api/organizations/acme/resource-groups', ada.token)).json<
      { id: string; name: string }[]
    >()
    const place = `${settings}/workspaces/${workspaces.find(({ name }) => name === 'Robotics')?.id}`
    const one = `${settings}/groups/${group?.id}`
    return [
      ['groups', `${settings}/groups`],
      ['group-new', `${settings}/groups?dialog=new`],
      ['group', one],
      ['group-edit', `${one}?dialog=edit`],
      ['group-delete', `${one}?dialog=delete`],
      ['group-remove', `${one}?dialog=remove&member=ines`],
      ['workspaces', `${settings}/workspaces`],
      ['workspace-new', `${settings}/workspaces?dialog=new`],
      ['workspace', place],
      ['workspace-edit', `${place}?dialog=edit`],
      ['workspace-delete', `${place}?dialog=delete`],
      ['workspace-remove', `${place}?dialog=remove&member=jonas`],
      ['workspace-take-out', `${place}?dialog=take-out&kind=model&repo=harbor-7b`],
      ['repo-settings', '/acme/harbor-7b/settings'],
    ]
  }

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', { timeout: 120_000 }, async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    for (const [name, address] of await pages()) {
      await open(address)
      const axe = new AxeBuilder({ page })
      if (colorScheme === 'dark') axe.withRules(['color-contrast', 'link-in-text-block'])
      else axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      const found = await axe.analyze()
      expect(
        found.violations.map((each) => `${each.id}: ${each.nodes[0]?.html}`),
        name,
      ).toEqual([])
      await picture(`${name}-${colorScheme}`)
    }
    // Refused forms are answered with 404 and 422, which Chromium writes to its console.
    expect(said.filter((line) => !/40[49]|422/.test(line))).toEqual([])
  })

  test('nothing scrolls sideways on a small phone', { timeout: 60_000 }, async () => {
    for (const width of [320, 390]) {
      const phone = await browser.newContext({ viewport: { width, height: 740 }, hasTouch: true })
      await phone.addCookies(await context.cookies())
      const small = await phone.newPage()
      for (const [name, address] of await pages()) {
        await open(address, small)
        const beyond = await small.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect(beyond, name).toBe(0)
        if (pictures !== undefined && width === 390) {
          await small.screenshot({ path: path.join(pictures, `${name}-phone.png`), fullPage: true })
        }
      }
      await phone.close()
    }
  })

  test('GRP-10, 1.2: read and more see all of it read-only, and no workspace that they have no role in', async () => {
    const reader = await browser.newContext()
    const view = await reader.newPage()
    await signIn(view, 'rae')
    await open(`${settings}/groups`, view)
    expect(await view.getByRole('link', { name: 'New group' }).count()).toBe(0)
    await view.getByRole('link', { name: 'Release crew' }).click()
    await view.getByRole('heading', { name: 'Release crew', level: 1 }).waitFor()
    expect(await view.getByRole('button', { name: /Add|Save/ }).count()).toBe(0)
    expect(await view.getByRole('link', { name: /Remove|Edit|Delete/ }).count()).toBe(0)
    // A dialog that one may not answer does not open, whatever the address says.
    await open(`${new URL(view.url()).pathname}?dialog=delete`, view)
    expect(await view.getByRole('dialog').count()).toBe(0)
    await open(`${settings}/workspaces`, view)
    await view.getByRole('link', { name: 'Robotics' }).click()
    await view.getByRole('heading', { name: 'Robotics', level: 1 }).waitFor()
    expect(await view.getByRole('button', { name: /Add|Save|Move/ }).count()).toBe(0)
    expect(await view.getByRole('link', { name: /Remove|Edit|Delete|New model/ }).count()).toBe(0)
    await open(`${settings}/workspaces`, view)
    expect(await view.getByRole('link', { name: 'Berth' }).count()).toBe(0)
    const berth = (await ask('GET', '/api/organizations/acme/resource-groups', ada.token))
      .json<{ id: string; name: string }[]>()
      .find(({ name }) => name === 'Berth')
    const hidden = await open(`${settings}/workspaces/${berth?.id}`, view)
    expect(hidden?.status()).toBe(404)
    expect(await view.getByRole('heading', { level: 1 }).textContent()).toBe('Not found')
    await reader.close()
  })

  test('WS-8: without scripts too, the end of a workspace says who sees its private repositories then', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    await plain.addCookies(await context.cookies())
    const still = await plain.newPage()
    await open(`${settings}/workspaces`, still)
    await still.getByRole('link', { name: 'Robotics' }).click()
    await still.getByRole('link', { name: 'Delete workspace' }).click()
    await still
      .getByText('2 private repositories become visible to everybody with the role read or more in acme.')
      .waitFor()
    // mara sees them then; ines, who has no_access, does not.
    await still.getByText('1 person loses access to 2 private repositories').waitFor()
    await still.getByText('1 person sees 2 private repositories from then on').waitFor()
    await press('Delete workspace', still)
    await still.getByText('Robotics is deleted. Its repositories stay.').waitFor()
    expect([await sees(mara), await sees(rae), await sees(mara, 'arm-1b')]).toEqual([200, 200, 200])
    await open(`${settings}/groups`, still)
    await still.getByRole('link', { name: 'Release crew' }).click()
    await still.getByRole('link', { name: 'Delete group' }).click()
    await still.getByText('2 people and 1 service account are in it.').waitFor()
    await press('Delete group', still)
    await still.getByText('Release crew is deleted.').waitFor()
    await plain.close()
  })
})
