/**
 * AUTH-10. The story: somebody reads the audit log, an export of it, or the server's log, and looks for something to sign in with. So a world
 * of actions is run that make and use every kind of secret there is, and all of them are looked for in everything that was written.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { inviteSomebody } from '../accounts/service.ts'
import { toldActions } from './sentences.ts'
import { exportLog, sealNow } from './service.ts'

const password = 'a sentence that nobody guesses'
const newPassword = 'another sentence that nobody guesses'
const secrets = new Map<string, string>([
  [password, 'a password'],
  [newPassword, 'a new password'],
])
let test: TestHub
let ada: TestUser
let logged = ''

function keep<T extends string>(what: string, value: T): T {
  if (value.length < 10) throw new Error(`${what} is no secret: "${value}"`)
  secrets.set(value, what)
  return value
}

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    logged += String(chunk)
    return true
  })
  test = await startHub({ env: { HOLDFAST_LOG_LEVEL: 'debug', HOLDFAST_SIGN_UP: 'open' } })
  ada = await makeUser(test, 'ada', { password })
  await makeOrganization(test, 'acme', ada)
  await act()
}, 60_000)
afterAll(async () => {
  await test?.stop()
  vi.restoreAllMocks()
})

async function ask(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
  const isForm = options.body instanceof URLSearchParams
  const response = await fetch(`${test.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(options.body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: isForm ? (options.body as URLSearchParams) : JSON.stringify(options.body) }),
  })
  const text = await response.text()
  for (const cookie of response.headers.getSetCookie()) {
    const value = /^token=([^;]{10,})/.exec(cookie)?.[1]
    if (value !== undefined) keep('a session', value)
  }
  return { status: response.status, text, json: <T>() => JSON.parse(text) as T }
}

async function act(): Promise<void> {
  const done = (answer: { status: number; text: string }, status: number) => {
    if (answer.status !== status)
      throw new Error(`${answer.status} in place of ${status}: ${answer.text.slice(0, 300)}`)
  }
  const cookie = keep('a session', await signInAs(test, ada)) as string
  keep('a session', cookie.slice('token='.length))
  const inSession = { headers: { cookie, origin: test.url } }
  await ask('POST', '/login', {
    body: new URLSearchParams({ username: 'ada', password: keep('a wrong one', 'wrong horse battery') }),
  })

  const made = await ask('POST', '/api/settings/tokens', { ...inSession, body: { name: 'ci', role: 'write' } })
  done(made, 201)
  const first = keep('a token', /hf_\w{34}/.exec(made.text)?.[0] ?? '')
  const id = made.json<{ tokenInfo: { id: string } }>().tokenInfo.id
  const rotated = await ask('POST', `/api/settings/tokens/${id}/rotate`, { ...inSession, body: {} })
  done(rotated, 200)
  const token = keep('a refreshed token', /hf_\w{34}/.exec(rotated.text)?.[0] ?? '')
  const shown = await ask('POST', '/settings/tokens', {
    ...inSession,
    body: new URLSearchParams({ name: 'by the page', role: 'read', expiry: 'never' }),
  })
  keep('a token of the page', /hf_\w{34}/.exec(shown.text)?.[0] ?? '')

  // Where tokens do not belong, and get all the same.
  const stray = await makeToken(test, ada, { role: 'write', name: `my ${keep('a token as a name', first)}` })
  keep('a token in a header', stray)
  const bearer = { authorization: `Bearer ${token}`, 'user-agent': `script ${stray}`, 'x-request-id': stray }
  await makeUser(test, 'jonas')
  done(
    await ask('POST', '/api/organizations/acme/members', { headers: bearer, body: { user: 'jonas', role: 'read' } }),
    201,
  )
  done(await ask('POST', '/api/repos/create', { headers: bearer, body: { name: 'm1', organization: 'acme' } }), 200)
  // A live one is revoked and refused, a dead one is taken.
  const leaking = keep('a leaked token', await makeToken(test, ada, { role: 'read' }))
  for (const [value, status] of [
    [leaking, 422],
    [first, 200],
  ] as const) {
    const lines = [
      { key: 'header', value: { summary: `use ${value}`, description: value } },
      { key: 'file', value: { path: 'a.txt', content: 'YQ==', encoding: 'base64' } },
    ]
    const commit = await fetch(`${test.url}/api/models/acme/m1/commit/main`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    done({ status: commit.status, text: await commit.text() }, status)
  }
  done(await ask('PUT', '/api/models/acme/m1/settings', { headers: bearer, body: { private: true } }), 200)
  await ask('GET', `/api/models/acme/m1?token=${token}`, { headers: { referer: `${test.url}/?token=${stray}` } })
  await ask('GET', '/api/whoami-v2', { headers: { authorization: `Bearer ${first}` } })
  const basic = Buffer.from(`ada:${token}`).toString('base64')
  await ask('GET', '/acme/m1.git/info/refs?service=git-upload-pack', {
    headers: { authorization: keep('a Basic header', `Basic ${basic}`) },
  })

  const grant = systemGrant('user.create', { on: 'instance' }, 'tests')
  const link = await inviteSomebody(test.hub, grant, systemOrigin)
  const secret = keep('an invitation', link.slice(link.lastIndexOf('/') + 1))
  await ask('GET', `/join/${secret}`)
  await ask('POST', '/join', {
    body: new URLSearchParams({ username: 'new-one', email: 'new@example.org', password, link: secret }),
  })
  await ask('POST', '/settings/authentication', {
    ...inSession,
    body: new URLSearchParams({ current: password, password: newPassword, repeat: newPassword }),
  })
  done(await ask('DELETE', `/api/settings/tokens/${id}`, inSession), 204)
  await sealNow(test.hub)
}

function look(text: string, where: string): void {
  expect(text.length, where).toBeGreaterThan(100)
  const found = [...secrets].filter(([value]) => text.includes(value)).map(([, what]) => what)
  expect(found, where).toEqual([])
  expect(text.match(/hf_[0-9A-Za-z]{20,}/g), where).toBeNull()
}

it('AUTH-10, SA-34: no secret stands in any event, list, export or line of the log', async () => {
  expect(secrets.size).toBeGreaterThan(10)
  const events = await test.hub.db.read.selectFrom('event').selectAll().execute()
  const actions = new Set(events.map(({ action }) => action))
  for (const action of [
    'token.create',
    'token.rotate',
    'token.leaked',
    'repo.leaked_token',
    'token.delete',
    'session.create',
    'repo.push',
    'user.invite',
  ]) {
    expect([...actions]).toContain(action)
  }
  expect([...actions].filter((action) => !toldActions.includes(action))).toEqual([])
  look(JSON.stringify(events), 'the events')
  const reading = await makeToken(test, ada, { role: 'write' })
  const headers = { authorization: `Bearer ${reading}` }
  const entries = await ask('GET', '/api/organizations/acme/audit-log', { headers })
  expect(entries.text).toContain(`use hf_…`)
  look(entries.text, 'the list')
  look((await ask('GET', '/api/organizations/acme/audit-log/export', { headers })).text, 'the export')
  const cookie = await signInAs(test, { name: 'ada', password: newPassword })
  const page = await ask('GET', '/organizations/acme/settings/audit-log', { headers: { cookie } })
  expect(page.status).toBe(200)
  look(page.text, 'the page')
  let file = ''
  await exportLog(test.hub, {
    since: null,
    write: async (line) => {
      file += line
    },
  })
  look(file, 'the sealed file')
  look(logged, "the server's log")
})
