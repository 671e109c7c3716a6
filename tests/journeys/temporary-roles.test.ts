/** Roles for a while and emergency administration in a real browser (idea 16), and the deprecated token of an organization (OAT-2, OAT-4). */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemOrigin } from '../../src/domain/event.ts'
import { plainOrganization } from '../../src/domain/facts.ts'
import { systemGrant } from '../../src/domain/policy.ts'
import { createLegacyToken } from '../../src/features/legacy-tokens/service.ts'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('roles for a while in a browser', { timeout: 90_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub({ env: { HOLDFAST_LEGACY_ORG_TOKENS: 'true' } })
    browser = await openBrowser(chromium ?? '')
    const ada = await makeUser(site, 'ada', { password })
    await makeUser(site, 'hubert', { password, isAdmin: true })
    for (const name of ['bob', 'carla']) await makeUser(site, name, { password })
    for (const name of ['acme', 'beta']) {
      const made = await makeOrganization(site, name, ada, { bob: 'contributor' })
      const target = { on: 'organization', name, organization: plainOrganization(made) } as const
      await createLegacyToken(site.hub, systemGrant('org.rotate_token', target, 'tests'), systemOrigin, 'read')
    }
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  describe.each([
    ['with scripts', true, 'acme'],
    ['without scripts', false, 'beta'],
  ])('%s', (_title, scripts, organization) => {
    let looks = 0
    const check = async (page: Page, name: string) => {
      if (scripts) await expectAccessible(page, `temporary-${name}-${++looks}`)
    }
    const as = (name: string) => signInOn(browser, site.url, name, password, { javaScriptEnabled: scripts })
    const settings = (place: string) => `${site.url}/organizations/${organization}/settings/${place}`

    test('idea 16: an administrator raises a member for an hour, changes the end, and ends it', async () => {
      const page = await as('ada')
      await page.goto(settings('members'))
      await page.getByRole('link', { name: 'Give bob a role for a while' }).click()
      await page.getByRole('heading', { name: 'Role of bob for a while' }).waitFor()
      await check(page, 'dialog')
      await page.getByLabel('Role', { exact: true }).last().selectOption('admin')
      await page.getByLabel('Why for a while').last().fill('Incident 7')
      await page.getByRole('button', { name: 'Give role' }).click()
      await page.getByText(/^bob has the role admin until/).waitFor()
      await page.getByText(', then contributor').waitFor()
      await page.getByText('Incident 7').waitFor()
      await check(page, 'members')
      await page.getByRole('link', { name: 'Change end of the role of bob' }).click()
      await page.getByRole('dialog').getByLabel('For how long').selectOption('date')
      await page.getByLabel('Last day (UTC)').last().fill('2001-01-01')
      expect(await page.getByLabel('Role', { exact: true }).last().inputValue()).toBe('admin')
      await page.getByLabel('Why for a while').last().fill('Still incident 7')
      await page.getByRole('button', { name: 'Give role' }).click()
      await page.getByText('A temporary role ends in the future').first().waitFor()
      await check(page, 'refused')
      await page.getByRole('dialog').getByLabel('For how long').selectOption('7d')
      await page.getByRole('button', { name: 'Give role' }).click()
      await page.getByText('Still incident 7').waitFor()
      await page.getByRole('button', { name: 'End now the temporary role of bob' }).click()
      await page.getByText('The temporary role of bob has ended.').waitFor()
      expect(await page.getByLabel('Role of bob', { exact: true }).inputValue()).toBe('contributor')

      await page.getByText('Only for a while').first().click()
      await page.getByLabel('Username').fill('carla')
      await page.getByLabel('For how long').selectOption('8h')
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText('Say in one line').first().waitFor()
      await check(page, 'add-refused')
      await page.getByLabel('Why for a while').fill('Visits for a day')
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText(', then nothing').waitFor()
      await page.context().close()
    })

    test('idea 16: in a workspace, for a person', async () => {
      const page = await as('ada')
      await page.goto(settings('workspaces'))
      await page.getByRole('link', { name: 'New workspace' }).first().click()
      await page.getByLabel('Name').fill('robotics')
      await page
        .getByRole('button', { name: 'Make workspace' })
        .or(page.getByRole('button', { name: /workspace$/ }))
        .first()
        .click()
      await page.getByRole('heading', { name: 'People and service accounts' }).waitFor()
      await page.getByText('Only for a while').first().click()
      await page.getByLabel('User name').fill('bob')
      await page.getByLabel('For how long').first().selectOption('1d')
      await page.getByLabel('Why for a while').first().fill('Moves the data')
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText(', then nothing').waitFor()
      await check(page, 'workspace')
      await page.getByRole('link', { name: /^Change end of the role of bob/ }).click()
      await check(page, 'workspace-dialog')
      await page.getByLabel('Why for a while').last().fill('Takes longer')
      await page.getByRole('button', { name: 'Give role' }).click()
      await page.getByText('Takes longer').waitFor()
      await page.getByRole('button', { name: /^End now the temporary role of bob/ }).click()
      await page.getByText('The temporary role has ended.').waitFor()
      await page.context().close()
    })

    test('idea 16: emergency administration is taken, seen by everybody, and ended by an administrator', async () => {
      const hub = await as('hubert')
      await hub.goto(`${site.url}/${organization}`)
      await hub.getByRole('link', { name: `Administer ${organization} in an emergency` }).click()
      await check(hub, 'take')
      await hub.getByLabel('Reason').fill('CI is broken and nobody answers')
      await hub.getByRole('button', { name: `Administer ${organization} now` }).click()
      await hub.getByText(/^You administer .* until/).waitFor()
      await check(hub, 'taken')

      const bob = await as('bob')
      await bob.goto(`${site.url}/${organization}`)
      await bob.getByText(`administers ${organization} in an emergency, until`).waitFor()
      await check(bob, 'banner')
      await bob.context().close()

      const ada = await as('ada')
      await ada.goto(settings('emergency'))
      await ada.getByRole('button', { name: 'End now the emergency administration of hubert' }).waitFor()
      await check(ada, 'running')
      await ada.getByRole('button', { name: 'End now the emergency administration of hubert' }).click()
      await ada.getByText('The temporary role of hubert has ended.').waitFor()
      await ada.goto(settings('emergency'))
      await ada.getByText(`Nobody administers ${organization} in an emergency.`).waitFor()
      await ada.getByLabel('Not allowed').check()
      await ada.getByRole('button', { name: 'Save' }).click()
      await ada.getByText('It is saved.').waitFor()
      await ada.context().close()

      await hub.goto(settings('members'))
      expect(await hub.content()).not.toContain('Add member')
      await hub.goto(`${site.url}/organizations/${organization}/break-glass`)
      await hub.getByLabel('Reason').fill('Once more')
      await hub.getByRole('button', { name: `Administer ${organization} now` }).click()
      await hub.getByText('takes no emergency administration').waitFor()
      await hub.context().close()
    })

    test('OAT-2, OAT-4: the page of the organization token', async () => {
      const bob = await as('bob')
      await bob.goto(settings('organization-token'))
      await bob.getByText('This kind of token is deprecated').waitFor()
      expect(await bob.getByRole('link', { name: 'Refresh token' }).count()).toBe(0)
      await check(bob, 'token-read')
      await bob.context().close()
      const ada = await as('ada')
      await ada.goto(settings('members'))
      await ada.getByRole('link', { name: 'Organization token' }).first().click()
      await ada.getByRole('link', { name: 'Refresh token' }).click()
      await ada.getByRole('button', { name: 'Refresh token' }).click()
      await ada.getByText('This is the only time it is shown').waitFor()
      expect(await ada.content()).toMatch(/api_org_[0-9A-Za-z]{34}/)
      await check(ada, 'token-new')
      await ada.getByRole('link', { name: 'I have stored it, close' }).click()
      await ada.getByRole('link', { name: 'Delete token' }).click()
      await check(ada, 'token-delete')
      await ada.getByRole('button', { name: 'Delete token' }).click()
      await ada.getByText('The organization token is deleted.').waitFor()
      await ada.context().close()
    })
  })
})
