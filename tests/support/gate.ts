/** A gated model of an organization, those who stand before its gate, and what they ask: for tests of gates on every way. */
import { expect } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from './accounts.ts'
import { type Answer, jsonClient } from './json-client.ts'
import { startHubOn } from './start-hub-on.ts'

export const card = `---
license: mit
extra_gated_heading: Acknowledge the licence
extra_gated_prompt: You agree to do no harm.
extra_gated_fields:
  Company: text
  Country: country
  Born: date_picker
  Use:
    type: select
    options:
      - Research
      - label: Other
        value: other
  I agree: checkbox
---
# Harbor
`
export const said = { Company: 'Okoro Ports', Country: 'NG', Born: '1990-02-28', Use: 'other', 'I agree': 'on' }
export const password = 'a long enough sentence'

export interface Listed {
  requestId: string
  user: { user: string; fullname: string; email?: string; _id: string }
  status: string
  timestamp: string
  fields?: Record<string, string>
  grantedBy?: { user: string }
  reviewedAt?: string
  rejectionReason?: string
  terms?: string
}

export type GateWorld = Awaited<ReturnType<typeof startGateWorld>>

/** acme with Ada (admin), dora (write) and carl (read); bob is of nothing. */
export async function startGateWorld(dialect: 'sqlite' | 'postgres', env: Readonly<Record<string, string>> = {}) {
  const site = await startHubOn(dialect, {
    env: { HOLDFAST_RATE_LIMIT_API: '0', HOLDFAST_RATE_LIMIT_RESOLVERS: '0', HOLDFAST_RATE_LIMIT_PAGES: '0', ...env },
  })
  const ask = jsonClient(site.url)
  const ada = await makeUser(site, 'Ada', { tokenRole: 'write', password })
  const bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
  const carl = await makeUser(site, 'carl', { tokenRole: 'write' })
  const dora = await makeUser(site, 'dora', { tokenRole: 'write', password })
  const acme = await makeOrganization(site, 'acme', ada, { carl: 'read', dora: 'write' })
  // Those who ask share an address that they have proved.
  await site.hub.transaction((tx) => tx.updateTable('email').set({ verifiedAt: 1 }).execute())
  let number = 0

  const put = (path: string, token: string, body: object) => ask('PUT', `/api/models/${path}/settings`, token, body)

  /** The name of a new public, gated model with a card and `weights.txt`. */
  async function makeGated(gated: 'auto' | 'manual' = 'manual'): Promise<string> {
    const name = `m${++number}`
    const made = await ask('POST', '/api/repos/create', ada.token, { name, organization: 'acme', private: false })
    expect(made.status).toBe(200)
    await commit(`acme/${name}`, { 'README.md': card, 'weights.txt': 'secret weights' })
    expect((await put(`acme/${name}`, ada.token, { gated })).status).toBe(200)
    return `acme/${name}`
  }

  async function commit(path: string, files: Readonly<Record<string, string>>, token = ada.token): Promise<void> {
    const lines = [
      { key: 'header', value: { summary: 'files' } },
      ...Object.entries(files).map(([name, text]) => ({
        key: 'file',
        value: { path: name, content: Buffer.from(text).toString('base64'), encoding: 'base64' },
      })),
    ]
    const answer = await fetch(`${site.url}/api/models/${path}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }

  const events = (action: string) =>
    site.hub.db.read.selectFrom('event').selectAll().where('action', '=', action).orderBy('id').execute()

  async function signedIn(user: TestUser) {
    const cookie = await signInAs(site, user)
    const post = async (path: string, body: Readonly<Record<string, string>>) => {
      const response = await fetch(`${site.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, origin: new URL(site.url).origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(body),
      })
      return { status: response.status, text: await response.text() }
    }
    return { cookie, post }
  }

  return {
    site,
    ask,
    ada,
    bob,
    carl,
    dora,
    acme,
    put,
    makeGated,
    commit,
    events,
    signedIn,
    /** Part of names that no other test has. */
    next: () => String(++number),
    eventsOf: async (action: string, name: string) =>
      (await events(action)).filter(({ resourceName }) => resourceName === name),
    /** What is asked about one repo. */
    at: (repo: string) => ({
      file: (token: string, path = repo) => ask('GET', `/${path}/resolve/main/weights.txt`, token),
      askAccess: (token: string, body: object = said, path = repo) => ask('POST', `/${path}/ask-access`, token, body),
      requests: (status: string, token = ada.token, path = repo) =>
        ask('GET', `/api/models/${path}/user-access-request/${status}`, token),
      handle: (body: object, token = ada.token, path = repo) =>
        ask('POST', `/api/models/${path}/user-access-request/handle`, token, body),
      grant: (body: object, token = ada.token, path = repo) =>
        ask('POST', `/api/models/${path}/user-access-request/grant`, token, body),
      cancel: (token: string, path = repo) => ask('POST', `/api/models/${path}/user-access-request/cancel`, token),
    }),
  }
}

export const reasonOf = (answer: Answer): string | undefined => answer.headers.get('x-hub-denied')?.split(';')[0]
