/** What somebody tries at a gate who does not mean well: REP-4, REP-8. What content leaves by is in gate.test.ts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type GateWorld, type Listed, said, startGateWorld } from '../../../tests/support/gate.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'

describe.each(dialects)('attacks on gates on %s', (dialect) => {
  let world: GateWorld
  /** A fresh gated model of acme. */
  let repo: string

  beforeAll(async () => {
    world = await startGateWorld(dialect)
  })
  afterAll(() => world.site.stop())
  beforeEach(async () => {
    repo = await world.makeGated()
  })

  // The story: a member asks in the name of a machine that is not theirs to answer for, or of one whose id they guessed.
  test('REP-8: nobody but an administrator of its organization agrees for a service account', async () => {
    const number = world.next()
    const { bob, signedIn, site } = world
    const { askAccess, requests } = world.at(repo)
    const gail = await makeUser(site, `gale${number}`, { tokenRole: 'write' })
    const labs = await makeOrganization(site, `lab${number}`, gail, { bob: 'write' })
    const machine = await makeServiceAccount(site, labs, 'ci train')
    const { post } = await signedIn(bob)
    const known = await post(`/${repo}/ask-access`, { ...said, _for: machine.id })
    const unknown = await post(`/${repo}/ask-access`, { ...said, _for: '0123456789abcdef01234567' })
    expect([known.status, unknown.status]).toEqual([404, 404])
    expect((await requests('pending')).json<Listed[]>()).toEqual([])
    // A token of the administrator is none: a session has to agree.
    expect((await askAccess(gail.token, { ...said, _for: machine.id })).status).toBe(403)
  })

  // The story: a read token that leaked agrees to terms in its owner's name, and shares their address.
  test('REP-4: a read token agrees to nothing', async () => {
    const { bob, site } = world
    const { askAccess, cancel } = world.at(repo)
    const read = await makeToken(site, bob, { role: 'read' })
    expect((await askAccess(read)).status).toBe(403)
    const lists = await makeToken(site, bob, {
      role: 'fineGrained',
      scoped: [`model:${repo}=repo.content.read`],
      gated: true,
    })
    expect((await askAccess(lists)).status).toBe(403)
    expect((await cancel(read)).status).toBe(403)
    expect((await askAccess('')).status).toBe(401)
  })

  // The story: whoever may push writes a script into the terms, which runs in the session of everybody who opens the page.
  test('REP-4: terms are rendered as a card is, and nothing in them is markup of the page', async () => {
    const { ask, bob, ada, commit, signedIn } = world
    const hostile =
      '<script>alert(1)</script><img src=x onerror=alert(2)>\n\n**No harm**, see [the licence](javascript:alert(3)).'
    const heading = '<b>Heading</b>'
    const yaml = `---\nextra_gated_heading: "${heading}"\nextra_gated_prompt: ${JSON.stringify(hostile)}\nextra_gated_fields:\n  "<i>Name</i>": text\n---\n`
    await commit(repo, { 'README.md': yaml })
    const { cookie } = await signedIn(bob)
    await world.at(repo).askAccess(bob.token, { '<i>Name</i>': '<u>Bob</u>' })
    const [entry] = (await world.at(repo).requests('pending')).json<Listed[]>()
    expect(entry?.fields).toEqual({ '<i>Name</i>': '<u>Bob</u>' })
    const owner = await signedIn(ada)
    const pages = [
      await ask('GET', `/${repo}`, ''),
      await ask('GET', `/${repo}/access`, cookie),
      await ask('GET', `/${repo}/settings/access-requests`, owner.cookie),
      await ask('GET', `/${repo}/settings/access-requests/terms/${entry?.terms}`, owner.cookie),
    ]
    for (const { status, text } of pages) {
      expect(status).toBe(200)
      for (const markup of ['<script>alert', 'onerror', 'javascript:', '<b>Heading', '<i>Name', '<u>Bob']) {
        expect(text).not.toContain(markup)
      }
    }
    expect(pages[0]?.text).toContain('<strong>No harm</strong>')
    expect(pages[3]?.text).toContain('<strong>No harm</strong>')
  })

  // The story: somebody asks and withdraws in a loop, and fills the mailboxes of those who decide.
  test('REP-4: whoever asks and withdraws again and again has to wait', async () => {
    const { bob } = world
    const { askAccess, cancel } = world.at(repo)
    const asked: number[] = []
    for (let times = 0; times < 12; times++) {
      asked.push((await askAccess(bob.token)).status)
      await cancel(bob.token)
    }
    expect(asked.filter((status) => status === 303)).toHaveLength(8)
    expect(asked.slice(8)).toEqual([429, 429, 429, 429])
    // Elsewhere they may still ask.
    const other = await world.makeGated()
    expect((await world.at(other).askAccess(bob.token)).status).toBe(303)
  })

  // The story: another website makes the browser of somebody who is signed in send the form.
  test('REP-4: another website cannot ask, nor decide', async () => {
    const { bob, signedIn, site } = world
    const { requests } = world.at(repo)
    const { cookie } = await signedIn(bob)
    const answer = await fetch(`${site.url}/${repo}/ask-access`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(said),
    })
    expect(answer.status).toBe(403)
    expect((await requests('pending')).json()).toEqual([])
  })
})
