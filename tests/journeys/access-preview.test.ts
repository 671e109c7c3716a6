/* Idea 9 in a real browser: an administrator previews a workspace move and sees exactly who loses access, then makes it; roles, visibility and the token policy. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { jsonClient } from '../support/json-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('access previews in a browser', { timeout: 120_000 }, () => {
  let site: TestHub
  let browser: Browser
  let inside: string
  let crew: string
  let dan: string

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    const ask = jsonClient(site.url)
    const ada = await makeUser(site, 'ada', { password })
    for (const name of ['bob', 'cleo']) await makeUser(site, name, { tokenRole: 'write' })
    dan = (await makeUser(site, 'dan', { tokenRole: 'write' })).token
    const eva = await makeUser(site, 'eva')
    await makeOrganization(site, 'acme', ada, { bob: 'read', cleo: 'write', dan: 'no_access', eva: 'read' })
    const cookie = await signInAs(site, ada)
    await ask('POST', '/api/repos/create', cookie, {
      type: 'model',
      name: 'plans',
      organization: 'acme',
      private: true,
    })
    const body = {
      name: 'Research',
      users: [
        { user: 'cleo', role: 'read' },
        { user: 'dan', role: 'write' },
      ],
    }
    inside = (await ask('POST', '/api/organizations/acme/resource-groups', cookie, body)).json<{ id: string }>().id
    const made = await ask('POST', '/api/organizations/acme/groups', cookie, { name: 'Crew' })
    crew = made.json<{ id: string }>().id
    const field = await ask('POST', '/api/organizations/acme/resource-groups', cookie, { name: 'Field' })
    const { id: targetId } = field.json<{ id: string }>()
    await site.hub.transaction(async (tx) => {
      const createdAt = site.hub.clock.now()
      await tx
        .insertInto('groupMember')
        .values({ groupId: crew, principalId: eva.id, principalKind: 'user', role: 'member', createdAt })
        .execute()
      await tx
        .insertInto('roleGrant')
        .values({
          targetId,
          targetKind: 'workspace',
          principalId: crew,
          principalKind: 'group',
          role: 'write',
          createdAt,
        })
        .execute()
    })
    await makeToken(site, eva, { role: 'fineGrained', scoped: ['org:acme=repo.content.read'], name: 'nightly job' })
    await site.hub.transaction((tx) =>
      tx.updateTable('accessToken').set({ lastUsedAt: site.hub.clock.now() }).where('ownerId', '=', eva.id).execute(),
    )
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  /** Rows of a table by its caption, as words. */
  const rows = async (page: Page, caption: string): Promise<string[]> => {
    const table = page.getByRole('table', { name: caption, exact: true })
    if ((await table.count()) === 0) return []
    const texts = await table.locator('tbody tr').allInnerTexts()
    return texts.map((text) => text.replace(/\s+/g, ' ').trim())
  }

  test('Done when: an administrator previews a workspace move and sees exactly who loses access', async () => {
    const page = await signInOn(browser, site.url, 'ada', password)
    await page.goto(`${site.url}/acme/plans/settings?dialog=place&workspace=${inside}`)
    await expectAccessible(page, 'access-preview-dialog')
    await page.getByRole('button', { name: 'Preview who is affected' }).last().click()
    await page.getByRole('heading', { name: 'Who is affected', level: 1 }).waitFor()
    // Bob and Eva read it as members, Cleo writes it; Dan has no role but in the workspace.
    expect((await rows(page, 'Lose access')).map((row) => row.replace(/^[A-Z]{1,2} /, ''))).toEqual([
      'bob acme/plans read files nothing',
      'cleo acme/plans read files, write read files',
      'eva acme/plans read files nothing',
    ])
    expect((await rows(page, 'Gain access')).map((row) => row.replace(/^[A-Z]{1,2} /, ''))).toEqual([
      'dan acme/plans nothing read files, write',
    ])
    await page.getByText('acme/plans moves into the workspace Research.').waitFor()
    await page.getByText('Of people and service accounts 3 lose access, 1 gains some.').waitFor()
    await page.getByText('of which one was used this week').waitFor()
    expect(await rows(page, 'Tokens that lose access')).toHaveLength(3)
    await expectAccessible(page, 'access-preview-move')
    await page.setViewportSize({ width: 390, height: 844 })
    await expectAccessible(page, 'access-preview-move-phone')
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.getByRole('button', { name: 'Make the change' }).click()
    await page.getByText('acme/plans lies in the workspace now.').waitFor()
  })

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'idea 9: roles, visibility, gates and the token policy are previewed where they are changed: %s',
    async (_title, scripts) => {
      const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
      await page.goto(`${site.url}/acme/plans/settings`)
      await page.getByLabel('public', { exact: false }).first().check()
      await page.getByRole('button', { name: 'Preview who is affected' }).first().click()
      await page.getByText('Everyone gains access, whether they have an account or not.').waitFor()
      if (scripts) await expectAccessible(page, 'access-preview-visibility')
      await page.getByRole('link', { name: 'Back without changing anything' }).click()

      await page.goto(`${site.url}/organizations/acme/settings/members`)
      await page.getByLabel('Role of dan', { exact: true }).selectOption('admin')
      await page.getByRole('button', { name: 'Preview who is affected by the role of dan' }).click()
      await page.getByText('dan gets the role admin in acme.').waitFor()
      expect((await rows(page, 'Gain access')).some((row) => row.includes('acme, the organization'))).toBe(true)
      if (scripts) await expectAccessible(page, 'access-preview-role')
      await page.getByRole('link', { name: 'Back without changing anything' }).click()

      await page.goto(`${site.url}/acme/plans/settings`)
      await page.getByLabel('Manual', { exact: false }).first().check()
      await page.locator('button[formaction$="/settings/gate/preview"]').click()
      await page.getByText('Access requests of acme/plans: manual.').waitFor()
      await page.getByRole('button', { name: 'Make the change' }).waitFor()
      if (scripts) await expectAccessible(page, 'access-preview-gate')

      await page.goto(`${site.url}/organizations/acme/settings/members?dialog=remove&member=cleo`)
      await page.getByRole('button', { name: 'Preview who is affected', exact: true }).click()
      await page.getByText('cleo is removed from acme.').waitFor()
      expect((await rows(page, 'Lose access')).every((row) => row.includes('cleo'))).toBe(true)
      expect((await rows(page, 'Lose access')).length).toBeGreaterThan(0)
      if (scripts) await expectAccessible(page, 'access-preview-removal')

      await page.goto(`${site.url}/organizations/acme/settings/groups/${crew}`)
      await page.getByRole('textbox', { name: 'User name' }).fill('bob')
      await page.getByRole('button', { name: 'Preview who is affected by adding them' }).click()
      await page.getByText('bob is added to Crew.').waitFor()
      expect((await rows(page, 'Gain access')).some((row) => row.includes('bob'))).toBe(true)
      if (scripts) await expectAccessible(page, 'access-preview-group')
      await page.goto(`${site.url}/organizations/acme/settings/groups/${crew}?dialog=remove&member=eva`)
      await page.getByRole('button', { name: 'Preview who is affected', exact: true }).click()
      await page.getByText('eva is taken out of Crew.').waitFor()
      expect((await rows(page, 'Lose access')).some((row) => row.includes('eva'))).toBe(true)

      await page.goto(`${site.url}/organizations/acme/settings/profile?dialog=second-factor`)
      await page.getByRole('button', { name: 'Preview who is affected', exact: true }).click()
      await page.getByText('acme requires a second factor.').waitFor()
      expect((await rows(page, 'Lose access')).some((row) => row.includes('bob'))).toBe(true)
      if (scripts) await expectAccessible(page, 'access-preview-second-factor')

      await page.goto(`${site.url}/organizations/acme/settings/workspaces/${inside}`)
      await page.getByLabel('Role of dan', { exact: true }).selectOption('no_access')
      await page.getByRole('button', { name: 'Preview who is affected by the role of dan' }).click()
      await page.getByText('dan gets the role no_access in the workspace Research.').waitFor()
      expect(await rows(page, 'Lose access')).not.toEqual([])

      await page.goto(`${site.url}/organizations/acme/settings/tokens/policy`)
      await page.getByLabel('Fine-grained tokens only').check()
      await page.getByRole('button', { name: 'Preview who is affected' }).click()
      await page.getByText('acme gets another token policy.').waitFor()
      expect((await rows(page, 'Tokens that lose access')).length).toBeGreaterThan(0)
      if (scripts) await expectAccessible(page, 'access-preview-policy')
      await page.getByRole('button', { name: 'Make the change' }).click()
      await page.getByText('The token policy is saved.').waitFor()
      await page.goto(`${site.url}/organizations/acme/settings/tokens/policy`)
      await page.getByLabel('Any token').check()
      await page.getByRole('button', { name: 'Save policy' }).click()
      await page.getByText('The token policy is saved.').waitFor()
    },
  )

  test('idea 9: policies of signing, scanning and model signatures are tried where they are set', async () => {
    const content = `sha256:${'5'.repeat(64)}`
    const lines = [
      { key: 'header', value: { summary: 'upload' } },
      { key: 'file', value: { path: 'model.bin', content: 'x' } },
    ]
    const uploaded = await fetch(`${site.url}/api/models/acme/plans/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dan}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(uploaded.status).toBe(200)
    await site.hub.transaction(async (tx) => {
      const { id: repoId } = await tx.selectFrom('repo').select('id').executeTakeFirstOrThrow()
      const scanned = { state: 'done', level: 'unsafe', scanners: 'yara 1', reason: null, attempts: 1 } as const
      const times = { dueAt: 0, claim: null, queuedAt: 1, scannedAt: 1, importSet: null, foundAt: Date.now() }
      await tx
        .insertInto('contentScan')
        .values({ content, size: 4_096, ...scanned, ...times })
        .execute()
      await tx.insertInto('scanPlace').values({ content, repoId, oid: 'o' }).execute()
      const message = 'It runs os.system when it is loaded'
      const result = { content, scanner: 'yara', version: '1', message, details: '{}', scannedAt: 1 }
      await tx
        .insertInto('scanResult')
        .values({ ...result, level: 'unsafe' })
        .execute()
    })
    const page = await signInOn(browser, site.url, 'ada', password)
    const settings = `${site.url}/organizations/acme/settings`
    await page.goto(`${settings}/signing`)
    await page.getByLabel('Require verified').check()
    await page.getByLabel('Only what people sign themselves').check()
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByRole('button', { name: 'Preview who is affected' }).click()
    await page.getByText('acme takes only commits that are verified, and only what people sign themselves.').waitFor()
    const [row] = await rows(page, 'Pushes that would have been refused')
    expect(row).toContain('dan 1 of 1 acme/plans, main')
    await expectAccessible(page, 'access-preview-signing')
    await page.getByRole('button', { name: 'Make the change' }).click()
    await page.getByText('The signing policy is saved: Require verified.').waitFor()

    await page.goto(`${settings}/scanning`)
    await page.locator('input[name="scanPolicy"][value="block_infected"]').check()
    await page.getByRole('button', { name: 'Preview which files are affected' }).click()
    expect((await rows(page, 'Files that would be held'))[0]).toContain('It runs os.system when it is loaded')
    await expectAccessible(page, 'access-preview-scanning')
    await page.getByRole('button', { name: 'Make the change' }).click()
    await page.getByText('The policies are saved.').waitFor()

    await page.goto(`${settings}/model-signatures`)
    await page.getByLabel('Signed models only').check()
    await page.getByRole('button', { name: 'Preview which models are affected' }).click()
    expect((await rows(page, 'Models that would be withheld'))[0]).toContain('acme/plans')
    await expectAccessible(page, 'access-preview-models')
    await page.getByRole('button', { name: 'Make the change' }).click()
    await page.getByText('The policy is saved.').waitFor()
  })
})
