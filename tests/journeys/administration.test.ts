/* The administration of a hub as whoever runs it uses it: from the menu to people, organizations, jobs, scanners, storage, settings and announcements. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const chromium = findChromium()

describe.skipIf(chromium === null)('administration in a browser', { timeout: 240_000 }, () => {
  let site: TestHub
  let browser: Browser

  beforeAll(async () => {
    site = await startHub()
    browser = await openBrowser(chromium ?? '')
    await makeUser(site, 'ada', { password, isAdmin: true })
    const bob = await makeUser(site, 'bob', { password })
    for (const name of ['carol', 'dan']) await makeUser(site, name, { password })
    await makeOrganization(site, 'acme', bob)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })

  async function addFailedJob(): Promise<void> {
    await site.hub.transaction((tx) =>
      tx
        .insertInto('job')
        .values({
          id: '1'.repeat(24),
          queue: 'mail',
          payload: '{}',
          state: 'dead',
          runAt: 1,
          attempts: 12,
          maxAttempts: 12,
          leaseUntil: null,
          worker: null,
          dedupKey: null,
          lastError: 'Error: connect ECONNREFUSED 10.0.0.25:587',
          createdAt: Date.now() - 86_400_000,
        })
        .execute(),
    )
  }

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('an administrator looks after the hub: %s', async (_title, scripts) => {
    await addFailedJob()
    const page = await signInOn(browser, site.url, 'ada', password, { javaScriptEnabled: scripts })
    const check = async (name: string) => {
      if (scripts) await expectAccessible(page, `admin-${name}`)
    }
    const go = async (link: string) => {
      await page.getByRole('navigation', { name: 'This hub' }).getByRole('link', { name: link, exact: true }).click()
    }
    await page.goto(site.url)
    await page.getByRole('button', { name: /your menu/ }).click()
    await page.getByRole('link', { name: 'Administration' }).click()
    await page.getByRole('heading', { name: 'This hub', level: 1 }).waitFor()
    await check('overview')

    await go('Users')
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
    await check('users')
    await page.getByRole('button', { name: 'Actions on carol' }).click()
    await page.getByRole('link', { name: 'Make administrator of this hub' }).filter({ visible: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Type carol to confirm').fill('carol')
    await check('users-make-admin')
    await dialog.getByRole('button', { name: 'Make administrator' }).click()
    await page.getByText('carol is an administrator of this hub.').waitFor()
    await page.getByRole('button', { name: 'Actions on carol' }).click()
    await page.getByRole('link', { name: 'Take administration away' }).filter({ visible: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take administration away' }).click()
    await page.getByText('carol is no longer an administrator of this hub.').waitFor()
    await page.goto(`${site.url}/admin/users`)
    await page.getByRole('button', { name: 'Make an invitation link' }).click()
    await page.getByRole('heading', { name: /Copy your link/ }).waitFor()
    await check('users-invited')

    await go('Organizations')
    await page.getByRole('button', { name: 'Actions on acme' }).click()
    await page.getByRole('link', { name: 'Limit its seats' }).filter({ visible: true }).click()
    await page.getByRole('dialog').getByLabel('How many people it may have').fill('12')
    await check('organizations-seats')
    await page.getByRole('dialog').getByRole('button', { name: 'Save limit' }).click()
    await page.getByText('The seats of acme are limited.').waitFor()
    await check('organizations')

    await go('Jobs and queues')
    await page.getByText('ECONNREFUSED').waitFor()
    await check('jobs')
    await page.getByRole('button', { name: 'Drop the job mail' }).click()
    await page.getByText('The job is dropped.').waitFor()
    await page.getByText('Nothing failed').waitFor()

    await go('Scanners')
    await page.getByRole('heading', { name: 'Scanners', level: 1 }).waitFor()
    await check('scanners')

    await go('Storage')
    await page.getByRole('button', { name: 'Count what is stored' }).click()
    await page.getByRole('row', { name: /Xorbs/ }).waitFor()
    await page.getByRole('button', { name: 'See what would go' }).click()
    await page.getByRole('button', { name: 'Remove it now' }).waitFor()
    await check('storage')
    await page.getByRole('button', { name: 'Remove it now' }).click()
    await page.getByText('The collection begins.').waitFor()

    await go('Settings')
    await page.getByRole('link', { name: 'Only what was set' }).click()
    await page.getByText('HOLDFAST_DATA').waitFor()
    await check('settings')

    await go('Announcements')
    await check('announcements-none')
    await page.getByLabel('What to say').fill('On Friday from 18:00 UTC this hub is read-only for an hour.')
    await page.getByLabel('How it looks').selectOption('warning')
    await page.getByRole('button', { name: 'Announce' }).click()
    await page.getByText('It is announced.').waitFor()
    await check('announcements')
    await page.goto(`${site.url}/models`)
    const announcements = page.getByRole('region', { name: 'Announcements' })
    await announcements.getByText('On Friday from 18:00 UTC').waitFor()
    await check('announced')
    await announcements.getByRole('button').click()
    await announcements.waitFor({ state: 'detached' })
    expect(new URL(page.url()).pathname).toBe('/models')
    await page.goto(`${site.url}/admin/announcements`)
    await page.getByRole('button', { name: /Take back/ }).click()
    await page.getByText('Nothing is announced').waitFor()
    await page.context().close()
  })
})
