/**
 * Idea 1: for each code of a refusal, a real request that is refused with it, and what "Why was I denied?" says of the same caller, action and resource.
 * A code that is new stands in neither table, and fails: it is sorted in by who adds it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { gitClient } from '../../../tests/support/git-client.ts'
import { type Answer, type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { contentOf } from '../../domain/quarantine.ts'
import { denialReasons, type ReasonCode } from '../../domain/reasons.ts'

const password = 'a long enough sentence'

/** Real: the code of the refusal. Asked: by which credential, and what. */
interface Said {
  status: number
  assumes?: string[]
  rows: { check: string; pass: boolean; have: string | null; code?: string | null; remedy?: string | null }[]
}

interface Case {
  readonly real: () => Promise<string | null>
  readonly by: () => string
  readonly question: () => Promise<object> | object
}

const signIn = 'a matter of signing in, where nobody is known who could ask'
const service = 'judged by the service on what the request would change, which a question does not tell'
const alias = 'the name of an error of the catalogue, whose refusals carry the narrower code'
const noId = 'a value without a token has no id to ask about, and a question with it is refused just so'
const transfer = 'of an address that was given for one transfer, not of an action on a resource'

const notAskedFor = {
  invalid_credentials: noId,
  token_revoked: noId,
  oauth_client_refused: signIn,
  organization_token_off: 'nobody can name such a token by its id, and a question with it is refused just so',
  wrong_password: signIn,
  wrong_current_password: signIn,
  wrong_code: signIn,
  passkey_refused: signIn,
  fresh_sign_in_needed: alias,
  xet_token_invalid: transfer,
  xet_token_mode: transfer,
  xet_scope: transfer,
  xet_range_needed: transfer,
  address_not_valid: transfer,
  cross_site: 'of the browser that sends it',
  former_value: service,
  own_temporary_role: service,
  break_glass_off: service,
  fine_grained_needed: alias,
  token_lives_too_long: alias,
  token_approval_pending: alias,
  token_approval_denied: alias,
  classic_token_administers: alias,
  access_ask_rejected: service,
  forbidden: alias,
  instance_admin_needed: alias,
  create_forbidden: alias,
  service_account_namespace: service,
  service_account_disabled: service,
  service_account_expired: service,
  account_deactivated: signIn,
  email_not_verified: service,
  company_sign_in_denied: signIn,
  company_sign_in_refused: signIn,
  company_account_unknown: signIn,
  company_email_needed: signIn,
  company_identity_other: signIn,
  company_not_recent: signIn,
  password_sign_in_off: signIn,
  join_closed: signIn,
  join_by_invitation: signIn,
  invitation_for_another: service,
  lock_of_another: service,
  child_token: service,
  publisher_token: service,
  token_needed: service,
  beyond_minter: service,
  second_factor_required: alias,
  commit_not_signed: 'a line below signature_required, of one commit of the push',
  commit_not_signed_there: 'of the commit that a branch is made at, which a question does not name',
} as const satisfies Partial<Record<ReasonCode, string>>

type AskedCode = Exclude<ReasonCode, keyof typeof notAskedFor>

describe.each(dialects)('each refusal and its explanation on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let carl: TestUser
  let acme: { id: string; name: string }
  let strict: { id: string; name: string }
  let session: string
  let machineToken: string
  let made = 0

  beforeAll(async () => {
    site = await startHubOn(dialect, {
      env: {
        HOLDFAST_RATE_LIMIT_API: '0',
        HOLDFAST_RATE_LIMIT_RESOLVERS: '0',
        HOLDFAST_RATE_LIMIT_PAGES: '0',
        HOLDFAST_LEGACY_ORG_TOKENS: 'true',
      },
    })
    ask = jsonClient(site.url)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
    carl = await makeUser(site, 'carl', { tokenRole: 'write', password })
    acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    strict = await makeOrganization(site, 'strict', ada, { bob: 'write' })
    session = await signInAs(site, ada)
    for (const name of ['open', 'shut', 'signed', 'machine']) await makeRepo(`acme/${name}`, name !== 'shut')
    await makeRepo('acme/gate', false)
    await makeRepo('strict/x', true)
    await change('repo', (await repoOf('gate')).id, { gated: 'manual' })
    machineToken = await makeAccountToken(site, acme, await makeServiceAccount(site, acme, 'ci', 'write'))
  }, 60_000)
  afterAll(() => site.stop())

  async function makeRepo(id: string, isPrivate: boolean): Promise<void> {
    const [organization = '', name = ''] = id.split('/')
    const repo = await ask('POST', '/api/repos/create', ada.token, { name, organization, private: isPrivate })
    expect(repo.status, repo.text).toBe(200)
    expect((await commit(ada.token, id)).status).toBe(200)
  }

  async function commit(token: string, id: string): Promise<Response> {
    const content = Buffer.from(`bytes of ${id}`).toString('base64')
    const lines = [
      { key: 'header', value: { summary: 'files' } },
      { key: 'file', value: { path: 'a.bin', content, encoding: 'base64' } },
    ]
    return await fetch(`${site.url}/api/models/${id}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
  }

  async function change(table: 'repo' | 'organization' | 'accessToken', id: string, values: object): Promise<void> {
    await site.hub.transaction((tx) => tx.updateTable(table).set(values).where('id', '=', id).execute())
  }
  const repoOf = (name: string) =>
    site.hub.db.read.selectFrom('repo').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
  const codeOf = (answer: Pick<Answer, 'headers'>) => answer.headers.get('x-hub-denied')?.split(';')[0] ?? null
  async function idOf(value: string): Promise<string> {
    const rows = site.hub.db.read.selectFrom('accessToken').select('id').where('last4', '=', value.slice(-4))
    return (await rows.orderBy('id', 'desc').executeTakeFirstOrThrow()).id
  }
  async function adasToken(values: object, options: { role?: 'read' | 'write'; of?: TestUser } = {}) {
    const owner = options.of ?? ada
    const value = await makeToken(site, owner, { role: options.role ?? 'write', name: `case-${++made}` })
    if (Object.keys(values).length > 0) await change('accessToken', await idOf(value), values)
    return value
  }

  /** A request with a token of ada's, and a question about it in a session. */
  function ofToken(values: object, limits: object | null = null, more: object = {}): Case {
    let value = ''
    return {
      real: async () => {
        value = await adasToken(limits === null ? values : { limits: JSON.stringify(limits) })
        return codeOf(await ask('GET', '/api/models/acme/open', value))
      },
      by: () => session,
      question: async () => ({ action: 'repo.read', resource: 'model:acme/open', token: await idOf(value), ...more }),
    }
  }

  /** A request with a credential that asks about itself. */
  function itself(
    credential: () => Promise<string> | string,
    [method, path, body]: [string, string, object?],
    question: object,
  ): Case {
    let value = ''
    return {
      real: async () => {
        value = await credential()
        return codeOf(await ask(method, path, value, body))
      },
      by: () => value,
      question: () => question,
    }
  }
  const settings = (id: string): [string, string, object] => ['PUT', `/api/models/${id}/settings`, { description: 'x' }]
  const update = (id: string) => ({ action: 'repo.update_settings', resource: `model:${id}` })
  const read: [string, string] = ['GET', '/acme/gate/resolve/main/a.bin']
  const readGate = { action: 'repo.content.read', resource: 'model:acme/gate', path: 'a.bin' }
  const file = (id: string): [string, string] => ['GET', `/${id}/resolve/main/a.bin`]
  const readFile = (id: string) => ({ action: 'repo.content.read', resource: `model:${id}`, path: 'a.bin' })

  async function access(status: 'pending' | 'accepted' | 'rejected'): Promise<TestUser> {
    const user = await makeUser(site, `asker-${++made}`, { tokenRole: 'write' })
    const { id } = await repoOf('gate')
    await site.hub.transaction((tx) =>
      tx
        .insertInto('accessRequest')
        .values({
          id: (++made).toString(16).padStart(24, '0'),
          repoId: id,
          principalId: user.id,
          principalKind: 'user',
          status,
          reason: null,
          fields: null,
          email: null,
          termsHash: null,
          askedAt: 1,
          askedBy: user.id,
          grantedBy: null,
          reviewedAt: null,
          reviewedBy: null,
        })
        .execute(),
    )
    return user
  }

  /** A member's token in an organization that asks for more. */
  function inStrict(
    demand: object,
    verdict: 'denied' | 'revoked' | null = null,
    role: 'write' | 'fineGrained' = 'write',
  ) {
    return itself(
      async () => {
        await change('organization', strict.id, {
          tokenPolicy: 'any',
          mostTokenDays: null,
          secondFactorRequired: 0,
          ...demand,
        })
        const scoped = role === 'fineGrained' ? ['org:strict=repo.write'] : undefined
        const value = await makeToken(site, bob, { role, scoped, name: `case-${++made}` })
        if (verdict !== null) {
          const row = { tokenId: await idOf(value), organizationId: strict.id, verdict, decidedBy: null, decidedAt: 1 }
          await site.hub.transaction((tx) => tx.insertInto('organizationToken').values(row).execute())
        }
        return value
      },
      ['GET', '/api/models/strict/x'],
      { action: 'repo.read', resource: 'model:strict/x' },
    )
  }

  async function organizationToken(on: TestHub, owner: { id: string }): Promise<string> {
    const value = await makeToken(on, ada, { role: 'write', name: `case-${++made}` })
    const last4 = value.slice(-4)
    await on.hub.transaction((tx) =>
      tx
        .updateTable('accessToken')
        .set({ ownerId: owner.id })
        .where('last4', '=', last4)
        .where('name', '=', `case-${made}`)
        .execute(),
    )
    return value
  }

  const cases = (): Readonly<Record<AskedCode, Case>> => ({
    token_expired: ofToken({ expiresAt: 1 }),
    // An agent had made all its requests. Each one more was refused, and the explanation said that everything was allowed.
    token_used_up: ofToken({ usesLeft: 0 }),
    owner_inactive: {
      real: async () => {
        const machine = await makeServiceAccount(site, acme, 'gone', 'write')
        const value = await makeAccountToken(site, acme, machine)
        await site.hub.transaction((tx) =>
          tx.updateTable('serviceAccount').set({ disabledAt: 1 }).where('id', '=', machine.id).execute(),
        )
        return codeOf(await ask('GET', '/api/models/acme/open', value))
      },
      by: () => session,
      question: () => ({ action: 'repo.read', resource: 'model:acme/open', principal: 'gone' }),
    },
    unauthenticated: itself(() => '', settings('acme/shut'), update('acme/shut')),
    fresh_sign_in: itself(
      async () => {
        const cookie = await signInAs(site, carl)
        const old = { createdAt: 1, freshAt: 1 }
        await site.hub.transaction((tx) => tx.updateTable('session').set(old).where('userId', '=', carl.id).execute())
        return cookie
      },
      ['POST', '/api/settings/tokens', { name: 'another', role: 'read' }],
      { action: 'token.create', resource: 'self' },
    ),
    token_outside_network: ofToken({ networks: '["10.0.0.0/8"]' }),
    token_not_yet: ofToken({ notBefore: Date.now() + 3_600_000 }),
    token_outside_program: ofToken({}, { programs: ['git'] }, { program: 'node' }),
    token_outside_paths: itself(
      () => adasToken({ limits: '{"paths":["*.safetensors"]}' }),
      file('acme/open'),
      readFile('acme/open'),
    ),
    token_bytes_used_up: itself(
      () => adasToken({ limits: '{"bytesPerDay":3}' }),
      file('acme/open'),
      readFile('acme/open'),
    ),
    token_not_by_git: itself(
      () => adasToken({ limits: '{"bytesPerDay":3}' }),
      ['GET', '/acme/open.git/info/refs?service=git-upload-pack'],
      { action: 'repo.content.read', resource: 'model:acme/open' },
    ),
    organization_token: itself(
      () => organizationToken(site, acme),
      ['GET', '/api/organizations/acme/settings/tokens'],
      { action: 'org.token.read', resource: 'organization:acme' },
    ),
    token_policy: inStrict({ tokenPolicy: 'fine_grained' }),
    token_lifetime: inStrict({ mostTokenDays: 1 }),
    token_pending: inStrict({ tokenPolicy: 'approval' }, null, 'fineGrained'),
    token_denied: inStrict({ tokenPolicy: 'approval' }, 'denied', 'fineGrained'),
    token_revoked_here: inStrict({}, 'revoked'),
    second_factor: inStrict({ secondFactorRequired: 1 }),
    token_administration: itself(
      async () => {
        await change('organization', strict.id, {
          tokenPolicy: 'any',
          mostTokenDays: null,
          secondFactorRequired: 0,
          classicTokensAdminister: 0,
        })
        return ada.token
      },
      ['PATCH', '/api/organizations/strict/settings', {}],
      { action: 'org.update_settings', resource: 'organization:strict' },
    ),
    gated_sign_in: itself(() => '', read, readGate),
    gated_not_asked: itself(() => carl.token, read, readGate),
    gated_pending: itself(async () => (await access('pending')).token, read, readGate),
    gated_rejected: itself(async () => (await access('rejected')).token, read, readGate),
    gated_token: itself(
      async () => await makeToken(site, await access('accepted'), { role: 'fineGrained', name: 'narrow' }),
      read,
      readGate,
    ),
    role: itself(() => bob.token, settings('acme/open'), update('acme/open')),
    person_needed: itself(() => machineToken, ['POST', '/api/settings/tokens', { name: 'x', role: 'read' }], {
      action: 'token.create',
      resource: 'self',
    }),
    token_role: itself(() => adasToken({}, { role: 'read' }), settings('acme/open'), update('acme/open')),
    token_permission: itself(
      () => makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=repo.content.read'], name: 'reads' }),
      settings('acme/open'),
      update('acme/open'),
    ),
    session_needed: itself(() => ada.token, ['POST', '/api/settings/tokens', { name: 'x', role: 'read' }], {
      action: 'token.create',
      resource: 'self',
    }),
    content_held: itself(
      async () => {
        const oid = (await ask('GET', '/api/models/acme/machine/tree/main', ada.token)).json<
          { oid: string; path: string }[]
        >()
        const content = contentOf({ oid: oid.find(({ path }) => path === 'a.bin')?.oid ?? '', lfs: null })
        await change('organization', acme.id, { scanPolicy: 'block_infected' })
        const row = {
          content,
          size: 1,
          state: 'done',
          level: 'unsafe',
          scanners: 'x',
          reason: null,
          attempts: 0,
        } as const
        await site.hub.transaction(async (tx) => {
          await tx.deleteFrom('contentScan').where('content', '=', content).execute()
          await tx
            .insertInto('contentScan')
            .values({ ...row, dueAt: 0, claim: null, queuedAt: 1, scannedAt: 1, foundAt: 1, importSet: null })
            .execute()
        })
        return ada.token
      },
      file('acme/machine'),
      readFile('acme/machine'),
    ),
    model_not_signed: itself(
      async () => {
        await change('organization', strict.id, { signedModelsSince: 1, secondFactorRequired: 0 })
        return ada.token
      },
      file('strict/x'),
      readFile('strict/x'),
    ),
    human_signature_only: {
      real: async () => {
        await sign({ humanSignatureOnly: 1, level: 'off' })
        return codeOf(await commit(ada.token, 'acme/signed'))
      },
      by: () => ada.token,
      question: () => ({ action: 'repo.push', resource: 'model:acme/signed', commits: 'api' }),
    },
    // Git has the reason in its own report on the push, in words.
    signature_required: {
      real: async () => {
        await sign({ humanSignatureOnly: 0, level: 'verified' })
        await using git = await gitClient(site.url, ada.token)
        const make = 'git -c user.name=a -c user.email=ada@example.org commit --allow-empty -m x'
        const said = await git.fails(`git clone ${site.url}/acme/signed . && ${make} && git push`)
        return said.includes('takes only commits that are verified') ? 'signature_required' : said
      },
      by: () => ada.token,
      question: () => ({ action: 'repo.push', resource: 'model:acme/signed', commits: 'unsigned' }),
    },
    repo_disabled: itself(
      async () => {
        await change('repo', (await repoOf('shut')).id, { disabledAt: 1 })
        return ada.token
      },
      settings('acme/shut'),
      update('acme/shut'),
    ),
  })

  async function sign(values: { humanSignatureOnly: 0 | 1; level: 'off' | 'verified' }): Promise<void> {
    const { id: targetId } = await repoOf('signed')
    await site.hub.transaction(async (tx) => {
      await tx.deleteFrom('signingPolicy').where('targetId', '=', targetId).execute()
      const row = { targetId, ...values, bypassUntil: null, bypassReason: null, updatedAt: 1 }
      await tx.insertInto('signingPolicy').values(row).execute()
    })
  }

  // A token makes five requests a minute for a job that polls. The sixth is refused with 429 and no code of a refusal; nobody found out which limit it was.
  it('story: the pace of a token is told, with the seconds to wait, and asking takes nothing of it', async () => {
    const value = await adasToken({ limits: '{"requestsPerMinute":2}' })
    const body = { action: 'repo.read', resource: 'model:acme/open', token: await idOf(value) }
    const row = async () => {
      const said = (await ask('POST', '/api/access/explain', session, body)).json<Said>()
      return { status: said.status, ...said.rows.find(({ check }) => check === 'pace') }
    }
    expect(await row()).toMatchObject({ status: 200, pass: true, have: '0 made in this minute' })
    for (let count = 0; count < 2; count++) await ask('GET', '/api/models/acme/open', value)
    for (let count = 0; count < 3; count++) {
      expect(await row()).toMatchObject({
        status: 429,
        pass: false,
        code: null,
        remedy: expect.stringContaining('seconds'),
      })
    }
    expect((await ask('GET', '/api/models/acme/open', value)).status).toBe(429)
  })

  // Mallory administers acme. She names tokens of its members that reach it, to watch when they work and how much, and asks about files of which
  // she sees the repo but not the content.
  it('attack: the use of a member’s token is told to its owner alone; that of a service account to its organization', async () => {
    const limits = '{"requestsPerMinute":2,"bytesPerDay":100,"programs":["git"]}'
    const member = await adasToken({ limits }, { of: bob })
    for (let count = 0; count < 3; count++) await ask('GET', '/api/models/acme/open', member)
    const body = { action: 'repo.content.read', resource: 'model:acme/open', path: 'a.bin' }
    const said = async (by: string, value: string) =>
      (await ask('POST', '/api/access/explain', by, { ...body, token: await idOf(value) })).json<Said>()
    const theirs = await said(session, member)
    expect(theirs.rows.map(({ check }) => check)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/pace|bytes|program/)]),
    )
    expect(theirs.assumes).toEqual([
      'inside its networks',
      'from one of its programs',
      'within its requests a minute',
      'within its bytes a day',
    ])
    const own = await said(await signInAs(site, bob), member)
    expect(own.rows.map(({ check }) => check)).toEqual(expect.arrayContaining(['pace', 'bytes']))
    await change('accessToken', await idOf(machineToken), { limits })
    const ours = await said(session, machineToken)
    expect(ours.rows.map(({ check }) => check)).toEqual(expect.arrayContaining(['pace', 'bytes']))
    await change('accessToken', await idOf(machineToken), { limits: null })
  })

  // Mallory has a token that administers acme and gets behind no gate. She asks what the service account gets, file by file, to learn which files lie
  // behind the gate and which of them are held.
  it('attack: what is judged on the content is told to who gets there with the same question', async () => {
    const scoped = ['org:acme=org.write']
    const blind = await makeToken(site, ada, { role: 'fineGrained', scoped, name: 'blind' })
    const body = { action: 'repo.content.read', resource: 'model:acme/gate', principal: 'ci' }
    const [there, missing] = await Promise.all(
      ['a.bin', 'b.bin'].map((path) => ask('POST', '/api/access/explain', blind, { ...body, path })),
    )
    expect([there?.status, there?.text]).toEqual([200, missing?.text])
    expect(there?.json<Said>().assumes).toEqual(['content that is handed out'])
    const seen = (await ask('POST', '/api/access/explain', session, { ...body, path: 'b.bin' })).json<Said>()
    expect([seen.status, seen.rows.at(-1)?.check]).toEqual([404, 'file'])
  })

  it('idea 1: every code is asked for, or it says why it cannot be', () => {
    const both = [...Object.keys(cases()), ...Object.keys(notAskedFor)]
    expect([...both].sort()).toEqual(Object.keys(denialReasons).sort())
  })

  const codes = Object.keys(denialReasons).filter((code) => !Object.hasOwn(notAskedFor, code)) as AskedCode[]
  it.each(codes)('idea 1: %s is what the request gets and what the explanation says', async (code) => {
    const { real, by, question } = cases()[code]
    expect(await real()).toBe(code)
    const said = await ask('POST', '/api/access/explain', by(), await question())
    expect(said.status, said.text).toBe(200)
    const { allowed, rows, ...rest } = said.json<{
      allowed: boolean
      code: string
      rows: { pass: boolean; code?: string }[]
    }>()
    expect([allowed, rest.code, rows.find(({ pass }) => !pass)?.code], said.text).toEqual([false, code, code])
  })
})
