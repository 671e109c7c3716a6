/**
 * Every address of the hub, asked by everybody who may not: each 401 and 403 says why with a code of the catalogue, in its header and in its JSON, and
 * no 404 ever does (idea 1, AUTH-7). New routes are walked as they are added.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Method, Route } from '../../src/access/route.ts'
import { expand } from '../../src/access/route-table.ts'
import { isReasonCode } from '../../src/domain/reasons.ts'
import { routes } from '../../src/features/index.ts'
import { makeOrganization, makeToken, makeUser, signInAs } from '../support/accounts.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'a long enough sentence'
const someId = 'f'.repeat(24)
const someHash = createHash('sha256').update('x').digest('hex')

/** What stands for each segment: what is there and hidden where there is such a thing, else what is well formed. */
const segments: Readonly<Record<string, string>> = {
  namespace: 'acme',
  owner: 'acme',
  org: 'acme',
  organization: 'acme',
  repo: 'secret',
  user: 'ada',
  username: 'ada',
  revision: 'main',
  rev: 'main',
  oid: someHash,
  sha256: someHash,
  hash: someHash,
}

/** Addresses after which the session is none. */
const endsSessions = /logout|sessions|deactivate|delete|leave/

interface Caller {
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  /** Whether acme/secret is there for this caller. */
  readonly sees?: true
}

interface Finding {
  readonly at: string
  readonly wrong: string
}

describe('the reason of every refusal', () => {
  let site: TestHub
  let callers: Caller[]

  beforeAll(async () => {
    site = await startHub({
      env: {
        HOLDFAST_RATE_LIMIT_API: '0',
        HOLDFAST_RATE_LIMIT_RESOLVERS: '0',
        HOLDFAST_RATE_LIMIT_PAGES: '0',
        HOLDFAST_LOG_LEVEL: 'silent',
      },
    })
    const ada = await makeUser(site, 'ada', { tokenRole: 'write' })
    const bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
    const eve = await makeUser(site, 'eve', { tokenRole: 'write' })
    const acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    for (const name of ['secret', 'open']) {
      const made = await fetch(`${site.url}/api/repos/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, organization: 'acme', private: name === 'secret' }),
      })
      expect(made.status).toBe(200)
    }
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const expired = await makeToken(site, bob, { role: 'write', expiresAt: Date.now() + 60_000 })
    await site.hub.transaction((tx) =>
      tx.updateTable('accessToken').set({ expiresAt: 1 }).where('last4', '=', expired.slice(-4)).execute(),
    )
    const machine = await makeServiceAccount(site, acme, 'ci', 'read')
    callers = [
      { name: 'anonymous', headers: {} },
      { name: 'wrong token', headers: bearer(`hf_${'x'.repeat(34)}`) },
      { name: 'expired token', headers: bearer(expired) },
      { name: 'no token at all', headers: { authorization: 'Bearer secret' } },
      { name: 'token of an outsider', headers: bearer(eve.token) },
      { name: 'read token', headers: bearer(await makeToken(site, bob, { role: 'read' })), sees: true },
      { name: 'fine-grained token for nothing', headers: bearer(await makeToken(site, ada, { role: 'fineGrained' })) },
      { name: 'service account', headers: bearer(await makeAccountToken(site, acme, machine)), sees: true },
      {
        name: 'session from another site',
        headers: { cookie: await signInAs(site, bob), origin: 'https://evil.example' },
        sees: true,
      },
      {
        name: 'session of a reader',
        headers: { cookie: await signInAs(site, bob), origin: new URL(site.url).origin },
        sees: true,
      },
    ]
  })
  afterAll(() => site.stop())

  function addressOf(route: Route, name: string): string[] {
    return expand(route.path).map(({ path }) =>
      path
        .split('/')
        .map((part, index) => {
          if (part === '*') return 'main/weights.txt'
          if (!part.startsWith(':')) return part
          const key = part.slice(1)
          if (key === 'name') return path.includes(':namespace') ? name : 'acme'
          // In front of ".git" and the like.
          const [, bare = key, suffix = ''] = /^(\w+)(.*)$/.exec(key) ?? []
          if (bare === 'name') return `${name}${suffix}`
          return `${segments[bare] ?? (index > 0 && /id$/i.test(bare) ? someId : 'x')}${suffix}`
        })
        .join('/'),
    )
  }

  async function look(method: Method, address: string, caller: Caller, seen: Map<string, number>): Promise<Finding[]> {
    const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }
    const answer = await fetch(`${site.url}${address}`, {
      method,
      redirect: 'manual',
      headers: { ...caller.headers, ...(body.body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...body,
    })
    const text = await answer.text()
    const header = answer.headers.get('x-hub-denied')
    const at = `${method} ${address} by ${caller.name}: ${answer.status}`
    const findings: Finding[] = []
    if (answer.status !== 401 && answer.status !== 403) {
      if (header !== null || /"denied"/.test(text)) findings.push({ at, wrong: `carries a reason: ${header}` })
      if (answer.status === 500) findings.push({ at, wrong: text.slice(0, 200) })
      return findings
    }
    if (header === null) {
      // The one 401 that hides a repo has none, as a 404 has none.
      const isHiding = answer.status === 401 && answer.headers.get('x-error-code') === 'RepoNotFound'
      if (!isHiding || /denied/i.test(text)) findings.push({ at, wrong: `no X-Hub-Denied: ${text.slice(0, 200)}` })
      return findings
    }
    const code = header.split(';')[0] ?? ''
    seen.set(code, (seen.get(code) ?? 0) + 1)
    if (!isReasonCode(code)) findings.push({ at, wrong: `the code is none: ${code}` })
    if (header.includes('acme/secret') && caller.sees !== true) {
      findings.push({ at, wrong: `names what is hidden: ${header}` })
    }
    if (method !== 'HEAD' && answer.headers.get('content-type')?.startsWith('application/json')) {
      const { denied } = JSON.parse(text) as { denied?: { code?: string; requestId?: string } }
      if (denied?.code !== code) findings.push({ at, wrong: `denied{} says ${denied?.code}, the header ${code}` })
      if (denied?.requestId !== answer.headers.get('x-request-id'))
        findings.push({ at, wrong: 'no request id in denied{}' })
    }
    return findings
  }

  it('idea 1: is told on every route by a known code, and never with a 404', { timeout: 180_000 }, async () => {
    const seen = new Map<string, number>()
    const findings: Finding[] = []
    const walked = new Set<Route>()
    for (const route of routes) {
      for (const name of ['secret', 'open', 'missing']) {
        for (const address of addressOf(route, name)) {
          const asking = endsSessions.test(address)
            ? callers.filter(({ name: who }) => who !== 'session of a reader')
            : callers
          const each = await Promise.all(asking.map((caller) => look(route.method, address, caller, seen)))
          findings.push(...each.flat())
        }
        walked.add(route)
        if (!route.path.includes(':namespace')) break
      }
    }
    expect(findings).toEqual([])
    expect(walked.size).toBe(routes.length)
    // The walk met what it was made to meet.
    for (const code of 'unauthenticated invalid_credentials token_expired role token_role token_permission session_needed person_needed cross_site'.split(
      ' ',
    )) {
      expect(seen.get(code) ?? 0, code).toBeGreaterThan(0)
    }
  })
})
