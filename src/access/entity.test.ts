/** What a refusal is about stands in its header and in its JSON, for those who see it, and for nobody else (idea 1, AUTH-7). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../tests/support/accounts.ts'
import { type Ask, jsonClient } from '../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../tests/support/service-accounts.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { HoldfastError } from '../domain/errors.ts'
import { deniedHeader } from './error-reply.ts'

describe('the thing that a refusal names', () => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let carl: TestUser
  let acme: Awaited<ReturnType<typeof makeOrganization>>

  beforeAll(async () => {
    site = await startHub({ env: { HOLDFAST_RATE_LIMIT_API: '0' } })
    ask = jsonClient(site.url)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password: 'correct horse battery' })
    bob = await makeUser(site, 'bob', { tokenRole: 'write' })
    carl = await makeUser(site, 'carl', { tokenRole: 'write' })
    acme = await makeOrganization(site, 'Acme', ada, { bob: 'read' })
    for (const [name, isPrivate] of [
      ['secret', true],
      ['open', false],
    ] as const) {
      const made = await ask('POST', '/api/repos/create', ada.token, { name, organization: 'acme', private: isPrivate })
      expect(made.status).toBe(200)
    }
  })
  afterAll(() => site.stop())

  const settings = (repo: string, token: string) =>
    ask('PUT', `/api/models/${repo}/settings`, token, { description: 'x' })

  it('idea 1: is the repo, as it is written, in the header and in denied{}', async () => {
    const answer = await settings('acme/SECRET', bob.token)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-hub-denied')).toBe('role; need=write; have=read; entity=model:Acme/secret')
    const { denied } = answer.json<{ denied: object }>()
    const requestId = answer.headers.get('x-request-id')
    expect(denied).toEqual({ code: 'role', need: 'write', have: 'read', entity: 'model:Acme/secret', requestId })
  })

  it('is the organization, or the second thing where that one refused', async () => {
    const members = await ask('POST', '/api/organizations/acme/members', bob.token, { user: 'carl', role: 'read' })
    expect(members.headers.get('x-hub-denied')).toBe('role; need=admin; have=read; entity=organization:Acme')
    // The repo may be moved; into somebody else's namespace it may not.
    const moved = await ask('POST', '/api/repos/move', ada.token, {
      fromRepo: 'acme/open',
      toRepo: 'carl/open',
      type: 'model',
    })
    expect(moved.headers.get('x-hub-denied')).toMatch(/; entity=namespace:carl$/)
  })

  // Mallory has a token for nothing and a list of names that a competitor's models may have. A header that names the repo in its own spelling
  // would confirm each guess.
  it('AUTH-7: is never what the caller does not see', async () => {
    const nothing = await makeToken(site, bob, { role: 'fineGrained' })
    for (const token of [carl.token, nothing, '']) {
      const [hidden, missing] = [await settings('acme/SECRET', token), await settings('acme/MISSING', token)]
      expect(hidden.headers.get('x-hub-denied')).toBeNull()
      expect(hidden.text).toBe(missing.text)
      expect(hidden.text).not.toContain('secret')
    }
    // A public one is named to everybody.
    const open = await settings('acme/open', carl.token)
    expect(open.headers.get('x-hub-denied')).toBe('role; need=write; have=none; entity=model:Acme/open')
    const stranger = await settings('acme/open', '')
    expect([stranger.status, stranger.headers.get('x-hub-denied')]).toEqual([
      401,
      'unauthenticated; need=write; entity=model:Acme/open',
    ])
  })

  // Mallory stole a classic token of bob, which the organization takes no longer, and a token of a service account that sees no private
  // repo. Both are refused before anybody looks whether the repo is there, and the page that says so had its name in the title where it was.
  it('AUTH-7: is not in the title of the page either, where what is refused is the credential', async () => {
    const page = async (path: string, init: RequestInit) => {
      const answer = await fetch(`${site.url}${path}`, { redirect: 'manual', ...init })
      const title = /<title>([^<]*)/.exec(await answer.text())?.[1]
      return [answer.status, answer.headers.get('x-hub-denied')?.split(';')[0], title]
    }
    const account = await makeServiceAccount(site, acme, 'robot', 'no_access')
    const machine = await makeAccountToken(site, acme, account)
    const asks = { method: 'POST', headers: { authorization: `Bearer ${machine}` } }
    for (const repo of ['SECRET', 'MISSING']) {
      const title = 'You cannot do this on this model · Holdfast'
      expect(await page(`/acme/${repo}/ask-access`, asks)).toEqual([403, 'person_needed', title])
    }
    expect((await page('/acme/OPEN/ask-access', asks))[2]).toBe('You cannot do this on model Acme/open · Holdfast')

    const cookie = await signInAs(site, ada)
    const policy = await fetch(`${site.url}/api/organizations/acme/token-policy`, {
      method: 'PUT',
      headers: { cookie, origin: site.url, 'content-type': 'application/json' },
      body: JSON.stringify({ policy: 'fine_grained' }),
    })
    expect(policy.status).toBe(200)
    const reads = { headers: { authorization: `Bearer ${bob.token}`, accept: 'text/html' } }
    for (const repo of ['SECRET', 'MISSING']) {
      const title = 'You cannot do this on this model · Holdfast'
      expect(await page(`/acme/${repo}`, reads)).toEqual([403, 'token_policy', title])
    }
  })

  // Mallory names a thing so that its name ends the header and begins another one, or is no Latin-1 at all.
  it('is one line of Latin-1, whatever it says', () => {
    const header = deniedHeader({ code: 'role', have: 'a\r\nSet-Cookie: token=x', entity: 'model:ä/漢字\n' })
    expect(header).toBe('role; have=a?Set-Cookie: token=x; entity=model:?/?')
  })

  it('stays as it was said first', () => {
    const error = new HoldfastError('forbidden', { need: 'write', have: 'read', resource: 'x' })
    expect(error.about('model:a/b').about('model:c/d').denied?.entity).toBe('model:a/b')
    expect(error.about(null).about('model:c/d').denied?.entity).toBeUndefined()
    expect(new HoldfastError('repo_not_found').about('model:a/b').denied).toBeNull()
  })
})
