/** Xet tokens over HTTP: both forms of the answer, who gets one, and that one ends with what stands behind it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import {
  fillRepo,
  makeRepo,
  makeToken,
  makeUser,
  type TestRepo,
  type TestToken,
  type TestUser,
} from '../../../tests/support/world.ts'
import { type CasConnection, cas, connect } from '../../../tests/support/xet-upload.ts'
import { systemClock } from '../../platform/clock.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import { setXetEpoch } from '../../platform/db/xet-epoch.ts'

describe.each(dialects)('Xet tokens on %s', (dialect) => {
  let at: TestHub
  let ada: TestUser
  let token: TestToken
  let stranger: TestToken
  let now = Date.now()
  let repos = 0

  beforeAll(async () => {
    at = await startHub({ clock: systemClock(() => now), dialect })
    ada = await makeUser(at.hub, 'ada')
    token = await makeToken(at.hub, ada)
    stranger = await makeToken(at.hub, await makeUser(at.hub, 'eve'))
  })
  afterAll(() => at.stop())

  const newRepo = (visibility: 'public' | 'private' = 'private', owner = ada): Promise<TestRepo> =>
    makeRepo(at.hub, owner, `repo-${++repos}`, { visibility })
  const ask = (repo: TestRepo, path: string, who: string | null): Promise<Response> =>
    fetch(`${at.url}/api/models/${repo.namespace}/${repo.name}/${path}`, {
      headers: who === null ? {} : { authorization: `Bearer ${who}` },
    })
  const absent = '0'.repeat(63)
  /** 404 or 400 for a thing that is not there means that the token was taken. */
  const uses = async (connection: CasConnection): Promise<{ read: number; write: number }> => ({
    read: (await cas(connection, 'GET', `/v2/reconstructions/1${absent}`)).status,
    write: (await cas(connection, 'GET', `/v1/chunks/default/1${absent}`)).status,
  })

  test('JSON and headers say the same, for an hour', async () => {
    const repo = await newRepo()
    const response = await ask(repo, 'xet-write-token/main', token.value)
    expect(response.status).toBe(200)
    const body = (await response.json()) as CasConnection
    expect(body.casUrl).toBe(`${at.url}/cas/${ada.id}`)
    expect(body.exp).toBe(Math.floor((now + 3_600_000) / 1000))
    expect(response.headers.get('x-xet-cas-url')).toBe(body.casUrl)
    expect(response.headers.get('x-xet-access-token')).toBe(body.accessToken)
    expect(response.headers.get('x-xet-token-expiration')).toBe(String(body.exp))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await uses(body)).toEqual({ read: 404, write: 404 })
  })

  test('any form of a revision: a branch with slashes, a commit id, "None"; a read token needs one that is there', async () => {
    const repo = await newRepo()
    const commit = await fillRepo(
      at.hub,
      repo,
      'git commit -q --allow-empty -m one; git branch feature/deep/name; git update-ref refs/pr/1 HEAD',
    )
    for (const revision of [
      'main',
      commit,
      'feature%2Fdeep%2Fname',
      'feature/deep/name',
      'refs%2Fpr%2F1',
      'refs/pr/1',
      'None',
    ]) {
      expect((await ask(repo, `xet-read-token/${revision}`, token.value)).status, revision).toBe(200)
      expect((await ask(repo, `xet-write-token/${revision}`, token.value)).status, revision).toBe(200)
    }
    const missing = await ask(repo, 'xet-read-token/nowhere', token.value)
    expect([missing.status, missing.headers.get('x-error-code')]).toEqual([404, 'RevisionNotFound'])
    expect((await ask(repo, 'xet-write-token/new-branch', token.value)).status).toBe(200)
    expect((await ask(repo, 'xet-write-token/main?create_pr=1', token.value)).status).toBe(501)
  })

  test('only for those who may: reading a public repo needs nobody, writing needs the right', async () => {
    const [open, closed] = [await newRepo('public'), await newRepo()]
    for (const repo of [open, closed]) await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const reader = await makeToken(at.hub, ada, 'read')
    const status = async (repo: TestRepo, mode: string, who: string | null): Promise<number> =>
      (await ask(repo, `xet-${mode}-token/main`, who)).status
    expect(await status(open, 'read', null)).toBe(200)
    expect(await status(open, 'write', null)).toBe(401)
    expect(await status(open, 'write', stranger.value)).toBe(403)
    expect(await status(closed, 'read', null)).toBe(401)
    expect(await status(closed, 'read', stranger.value)).toBe(404)
    expect(await status(closed, 'write', stranger.value)).toBe(404)
    expect(await status(closed, 'read', reader.value)).toBe(200)
    expect(await status(closed, 'write', reader.value)).toBe(403)
    const anonymous = await connect(at.url, `${open.namespace}/${open.name}`, 'read', null)
    expect((await uses(anonymous)).read).toBe(404)
  })

  test('a read token does not write', async () => {
    const repo = await newRepo()
    await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const connection = await connect(at.url, `ada/${repo.name}`, 'read', token.value)
    expect(await uses(connection)).toEqual({ read: 404, write: 403 })
    const refused = await cas(connection, 'POST', `/v1/xorbs/default/1${absent}`, { body: Buffer.alloc(10) })
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'xet_token_mode' })
    expect(refused.headers.get('x-request-id')).toMatch(/.{8}/)
  })

  test('it ends with its hour', async () => {
    const repo = await newRepo()
    const connection = await connect(at.url, `ada/${repo.name}`, 'write', token.value)
    now += 3_599_000
    expect((await uses(connection)).write).toBe(404)
    now += 2_000
    const refused = await cas(connection, 'GET', `/v1/chunks/default/1${absent}`)
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([401, 'xet_token_invalid'])
  })

  test('it ends with the credential: refreshed, deleted, expired, and its owner deactivated', async () => {
    const repo = await newRepo()
    const change = async (what: (id: string) => Promise<unknown>): Promise<number> => {
      const own = await makeToken(at.hub, ada)
      const connection = await connect(at.url, `ada/${repo.name}`, 'write', own.value)
      expect((await uses(connection)).write).toBe(404)
      now += 1000
      await what(own.id)
      return (await uses(connection)).write
    }
    const update = (values: Record<string, unknown>) => (id: string) =>
      at.hub.transaction((tx) => tx.updateTable('accessToken').set(values).where('id', '=', id).execute())
    expect(await change(update({ rotatedAt: now + 1000 }))).toBe(401)
    expect(await change(update({ expiresAt: 1 }))).toBe(401)
    expect(
      await change((id) => at.hub.transaction((tx) => tx.deleteFrom('accessToken').where('id', '=', id).execute())),
    ).toBe(401)
    const state = (value: 'active' | 'deactivated') => () =>
      at.hub.transaction((tx) => tx.updateTable('user').set({ state: value }).where('id', '=', ada.id).execute())
    expect(await change(state('deactivated'))).toBe(401)
    await state('active')()
  })

  test('it ends with the right: a token made weaker, a repo given away, made private, or deleted', async () => {
    const lost = async (repo: TestRepo, who: string | null, set: Record<string, unknown>): Promise<number> => {
      const connection = await connect(at.url, `${repo.namespace}/${repo.name}`, 'read', who)
      expect((await uses(connection)).read).toBe(404)
      await at.hub.transaction((tx) => tx.updateTable('repo').set(set).where('id', '=', repo.id).execute())
      return (await uses(connection)).read
    }
    const filled = async (visibility: 'public' | 'private') => {
      const repo = await newRepo(visibility)
      await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
      return repo
    }
    expect(await lost(await filled('public'), null, { visibility: 'private' })).toBe(401)
    expect(await lost(await filled('public'), stranger.value, { visibility: 'private' })).toBe(404)
    expect(await lost(await filled('private'), token.value, { deletedAt: now })).toBe(404)
    expect(await lost(await filled('private'), token.value, { disabledAt: now })).toBe(403)
    const eve = await makeUser(at.hub, `heir-${dialect}`)
    expect(await lost(await filled('private'), token.value, { ownerId: eve.id })).toBe(404)
  })

  test('it is for the address that it came with: another scope is refused', async () => {
    const repo = await newRepo()
    const connection = await connect(at.url, `ada/${repo.name}`, 'write', token.value)
    const elsewhere = { ...connection, casUrl: `${at.url}/cas/hub` }
    const refused = await cas(elsewhere, 'GET', `/v1/chunks/default/1${absent}`)
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([403, 'xet_scope'])
  })

  test('nothing but a Xet token is one: no access token, no cookie, no forged or shortened one', async () => {
    const repo = await newRepo()
    const connection = await connect(at.url, `ada/${repo.name}`, 'write', token.value)
    const [text = '', mac = ''] = connection.accessToken.slice(4).split('.')
    const payload = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[]
    const other = await newRepo('private', await makeUser(at.hub, `victim-${dialect}`))
    const forged = Buffer.from(JSON.stringify([other.id, ...payload.slice(1)])).toString('base64url')
    for (const accessToken of [token.value, '', 'xet_', `xet_${text}`, `xet_${text}.`, `xet_${forged}.${mac}`]) {
      expect(await uses({ ...connection, accessToken }), accessToken).toEqual({ read: 401, write: 401 })
    }
    const cookie = await fetch(`${connection.casUrl}/v1/chunks/default/1${absent}`, { headers: { cookie: 'token=x' } })
    expect(cookie.status).toBe(401)
    expect(cookie.headers.get('content-type')).toContain('application/json')
  })

  test('a session gets one too, and signing out ends it', async () => {
    const repo = await newRepo()
    await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const secret = `session-${dialect}-${now}`
    const id = at.hub.clock.id()
    await at.hub.transaction((tx) =>
      tx
        .insertInto('session')
        .values({
          id,
          tokenHash: hashSecret(secret),
          userId: ada.id,
          createdAt: now,
          lastUsedAt: now,
          lastIp: null,
          userAgent: null,
          expiresAt: now + 86_400_000,
        })
        .execute(),
    )
    const response = await fetch(`${at.url}/api/models/ada/${repo.name}/xet-read-token/main`, {
      headers: { cookie: `token=${secret}` },
    })
    const connection = (await response.json()) as CasConnection
    expect((await uses(connection)).read).toBe(404)
    await at.hub.transaction((tx) => tx.deleteFrom('session').where('id', '=', id).execute())
    expect((await uses(connection)).read).toBe(401)
  })

  test('what is not there below /cas/ is told as JSON', async () => {
    const response = await fetch(`${at.url}/cas/${ada.id}/v9/none`)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/json')
  })

  // A client remembers for weeks which chunks a store has, by its address. A hub that was restored from an older backup lacks some of them,
  // and uploads that build on those would fail again and again: so it gets another address.
  test('a restored hub has another address for Xet, and the old one is refused', async () => {
    const repo = await newRepo()
    await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const old = await connect(at.url, repo.address, 'read', token.value)
    await at.hub.transaction((tx) => setXetEpoch(tx, 'e1'))
    const { databaseUrl } = at.hub.config
    const env: Record<string, string> = databaseUrl === null ? {} : { HOLDFAST_DATABASE_URL: databaseUrl }
    const restored = await startHub({ folder: at.folder, env, clock: at.hub.clock })
    try {
      const connection = await connect(restored.url, repo.address, 'read', token.value)
      expect(connection.casUrl).toBe(`${restored.url}/cas/${ada.id}-e1`)
      expect((await uses(connection)).read).toBe(404)
      expect((await uses({ ...connection, casUrl: `${restored.url}${new URL(old.casUrl).pathname}` })).read).toBe(403)
    } finally {
      await restored.stop()
      await at.hub.transaction((tx) => tx.deleteFrom('instance').where('key', '=', 'xetEpoch').execute())
    }
  })
})
