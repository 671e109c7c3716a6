/** The page that tests access, for administrators: whom it offers, and to whom it offers nobody; over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

const password = 'a long enough sentence'

describe.each(dialects)('choosing whom to ask about on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let session: string
  const page = async (cookie: string, query: Record<string, string> = {}) =>
    await ask('GET', `/settings/tokens/test?${new URLSearchParams(query)}`, cookie)

  beforeAll(async () => {
    site = await startHubOn(dialect)
    ask = jsonClient(site.url)
    ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    bob = await makeUser(site, 'bob', { password })
    const members: Record<string, 'read'> = { bob: 'read' }
    for (let n = 10; n < 34; n++) {
      await makeUser(site, `member-${n}`)
      members[`member-${n}`] = 'read'
    }
    const acme = await makeOrganization(site, 'acme', ada, members)
    await makeOrganization(site, 'other', bob)
    await makeAccountToken(site, acme, await makeServiceAccount(site, acme, 'night build', 'read'), 'inherit', {
      name: 'runner',
    })
    await ask('POST', '/api/repos/create', ada.token, { name: 'x', organization: 'acme', private: true })
    session = await signInAs(site, ada)
  })
  afterAll(() => site.stop())

  // An administrator was asked why the build could not push. To find out she had to look for the id of its token in the page's address.
  it('story: an administrator finds the token of a service account, and a member, and asks about them by a link', async () => {
    const kept = { action: 'repo.push', resource: 'model:acme/x' }
    const first = await page(session, { ...kept, in: 'acme' })
    expect(first.text).toContain('Service accounts and their tokens')
    expect(first.text.match(/principal=member-\d+/g)).toHaveLength(18)
    const more = /href="([^"]*afterMember=[^"]*)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const second = await ask('GET', more, session)
    expect(second.text).toContain('principal=member-33')
    expect(second.text).not.toContain('principal=member-10')
    expect(second.text).not.toMatch(/href="[^"]*afterMember=/)
    const link = /href="([^"]*token=[0-9a-f]{24}[^"]*)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const answered = await ask('GET', link, session)
    expect(answered.text).toMatch(/<h2 id="answer">Refused/)
    expect(answered.text).toContain('runner of night build')
    const found = await page(session, { ...kept, in: 'acme', find: 'MEMBER-2' })
    expect(found.text.match(/principal=member-\d+/g)).toHaveLength(10)
    // Without a resource nothing is asked yet, and the name stands in the form.
    const open = await page(session, { in: 'acme', principal: 'bob' })
    expect([open.status, open.text.includes('id="answer"')]).toEqual([200, false])
    expect(open.text).toContain('value="bob"')
  })

  // Mallory is a member of acme, and administers an organization of her own. She asks the page for the lists of acme.
  it('attack: who does not administer an organization is offered nobody of it, whether it is there or not', async () => {
    const cookie = await signInAs(site, bob)
    const [theirs, missing] = await Promise.all(['acme', 'nope'].map((name) => page(cookie, { in: name })))
    expect(theirs?.text).not.toContain('member-10')
    expect(theirs?.text).not.toContain('night build')
    const plain = (text = '') => text.replaceAll('acme', 'nope').replaceAll(/[0-9a-f-]{36}/g, '')
    expect(plain(theirs?.text)).toBe(plain(missing?.text))
    const nobody = await makeUser(site, `nobody-${dialect}`, { password })
    expect((await page(await signInAs(site, nobody), { in: 'acme' })).text).not.toContain('Somebody of an organization')
  })
})
