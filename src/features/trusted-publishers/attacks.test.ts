/** What is tried with ID tokens by those who should not get in, and with the hub that asks their issuers. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeToken, makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startIssuer, type TestIssuer } from '../../../tests/support/issuer.ts'
import { commitFile, makeRepo, type PublisherWorld, startPublisherWorld } from '../../../tests/support/publishers.ts'
import { systemClock } from '../../platform/clock.ts'

interface Said {
  readonly error: string
  readonly error_description: string
  readonly code: string
}

const rules = { repository: 'acme/train', repository_id: '7' }

describe.each(dialects)('attacks on the exchange of ID tokens on %s', (dialect) => {
  let world: PublisherWorld
  let ahead = 0
  const seconds = () => Math.floor((Date.now() + ahead) / 1000)
  const claims = (more: Record<string, unknown> = {}) => ({
    aud: world.running.url,
    sub: 'repo:acme/train',
    ...rules,
    ...more,
  })

  beforeAll(async () => {
    world = await startPublisherWorld(dialect, { clock: systemClock(() => Date.now() + ahead) })
    await makeRepo(world, 'model')
    await makeRepo(world, 'untrusted')
    await world.trust('/api/models/acme/model', rules)
  }, 60_000)
  afterAll(() => world?.stop())
  // Past what is remembered of issuers, so that tests do not lean on each other.
  beforeEach(() => {
    ahead += 400_000
  })

  const sign = (more: Record<string, unknown> = {}, how: Parameters<TestIssuer['sign']>[1] = {}) =>
    world.issuer.sign(claims(more), { now: seconds(), ...how })
  const refusal = async (idToken: string, resource = 'acme/model'): Promise<Said & { status: number }> => {
    const answer = await world.exchange(idToken, resource)
    expect(answer.text).not.toContain('access_token')
    expect(answer.headers.get('x-error-message')).toBe(answer.json<Said>().error_description)
    return { status: answer.status, ...answer.json<Said>() }
  }
  const works = async (idToken: string): Promise<void> => {
    expect((await world.exchange(idToken, 'acme/model')).status).toBe(200)
  }

  test('replay: who reads an ID token in the log of a job sends it a second time, or a hundred times at once', async () => {
    const once = await sign()
    await works(once)
    expect(await refusal(once)).toMatchObject({ status: 400, error: 'invalid_grant', code: 'id_token_used' })
    // Signed again by the issuer under the same id, it is the same.
    await works(await sign({ jti: 'same' }))
    expect((await refusal(await sign({ jti: 'same', run_id: '2' }))).code).toBe('id_token_used')
    // Without an id, its signed bytes count: another signature over them makes it no other.
    const bare = await sign({ jti: undefined })
    await works(bare)
    expect((await refusal(bare)).code).toBe('id_token_used')
    const raced = await sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.exchange(raced, 'acme/model')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    // One that was refused is not used up: who mends the publisher tries again.
    const early = await sign({ environment: 'mended' })
    await refusal(early, 'acme/untrusted')
    await works(early)
  })

  test('algorithm confusion: "none", and HMAC with the public key, which everybody has', async () => {
    const { issuer } = world
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const body = { iss: issuer.url, iat: seconds(), exp: seconds() + 300, ...claims() }
    for (const alg of ['none', 'None', 'NONE', '', undefined]) {
      const said = await refusal(`${encode({ alg, typ: 'JWT' })}.${encode(body)}.`)
      expect(said).toMatchObject({ status: 400, error: 'invalid_grant', code: 'id_token_invalid' })
    }
    const shown = (await (await fetch(`${issuer.url}/jwks`)).json()) as { keys: [{ kid: string }] }
    const { kid } = shown.keys[0]
    const forged = await new SignJWT(body)
      .setProtectedHeader({ alg: 'HS256', kid })
      .sign(Buffer.from(await issuer.publicPem()))
    expect((await refusal(forged)).code).toBe('id_token_invalid')
    // The header names an algorithm that is taken, and the signature is the HMAC.
    const [, payload, signature] = forged.split('.')
    const relabelled = `${encode({ alg: 'RS256', kid })}.${payload}.${signature}`
    expect((await refusal(relabelled)).code).toBe('id_token_refused')
  })

  test('a key that the token brings along, or leads to, is not looked at', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const elsewhere = await startCanary(JSON.stringify({ keys: [jwk] }))
    const body = { iss: world.issuer.url, iat: seconds(), exp: seconds() + 300, ...claims() }
    for (const header of [{ jwk }, { jku: elsewhere.url }, { x5u: elsewhere.url }, {}]) {
      const forged = await new SignJWT(body).setProtectedHeader({ alg: 'RS256', ...header }).sign(privateKey)
      expect((await refusal(forged)).code).toBe('id_token_refused')
    }
    expect(elsewhere.asked).toEqual([])
    await elsewhere.stop()
  })

  test('wrong audience: a job hands its ID token to another service, which sends it on to this hub', async () => {
    const { url } = world.running
    for (const aud of ['https://pypi.example', `${url}/`, [url, 'https://pypi.example'], [], undefined, 7]) {
      expect(await refusal(await sign({ aud }))).toMatchObject({ status: 400, code: 'id_token_refused' })
    }
    await works(await sign({ aud: [url] }))
  })

  test('wrong issuer: an issuer that is trusted elsewhere, or by nobody, signs claims that would fit', async () => {
    const [other, unknown] = [await startIssuer(), await startIssuer()]
    await world.ask('POST', '/api/models/acme/untrusted/trusted-publishers', world.adaToken, {
      issuer: other.url,
      claims: rules,
    })
    expect((await refusal(await other.sign(claims(), { now: seconds() }))).code).toBe('id_token_refused')
    // With the name of the right issuer, but its own key.
    expect((await refusal(await other.sign(claims({ iss: world.issuer.url }), { now: seconds() }))).code).toBe(
      'id_token_refused',
    )
    // Nobody makes this hub ask an address by a mere ID token.
    expect((await refusal(await unknown.sign(claims(), { now: seconds() }))).code).toBe('id_token_refused')
    expect(unknown.asked).toEqual([])
    await other.stop()
    await unknown.stop()
  })

  test('key rotation at the issuer: the new key is taken within half a minute, and the old one no more', async () => {
    const { issuer } = world
    await works(await sign())
    const stolen = await sign()
    await issuer.rotate('ES256')
    ahead += 31_000
    await works(await sign())
    expect((await refusal(stolen)).code).toBe('id_token_refused')
    for (const alg of ['PS256', 'EdDSA', 'RS256']) {
      await issuer.rotate(alg)
      ahead += 31_000
      await works(await sign())
    }
  })

  test('whoever sends ID tokens with keys that do not exist does not make this hub ask the issuer each time', async () => {
    const { issuer } = world
    await works(await sign())
    issuer.asked.length = 0
    const tokens = await Promise.all(Array.from({ length: 40 }, (_, i) => sign({}, { kid: `made-up-${i}` })))
    await Promise.all(tokens.map((idToken) => refusal(idToken)))
    expect(issuer.asked).toEqual([])
    ahead += 31_000
    await Promise.all(tokens.map((idToken) => refusal(idToken)))
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test('clock skew: a minute is forgiven, not more', async () => {
    const now = seconds()
    await works(await sign({ iat: now - 400, exp: now - 50 }))
    expect((await refusal(await sign({ exp: now - 70 }))).error_description).toContain('it expired at')
    await works(await sign({ iat: now + 50 }))
    expect((await refusal(await sign({ iat: now + 75 }))).error_description).toContain('issued in the future')
    await works(await sign({ nbf: now + 50 }))
    expect((await refusal(await sign({ nbf: now + 75 }))).error_description).toContain('not valid yet')
    expect((await refusal(await sign({ iat: now - 86_500, exp: now + 100 }))).error_description).toContain('a day ago')
    expect((await refusal(await sign({ exp: undefined }))).error_description).toContain('when it expires')
    expect((await refusal(await sign({ iat: undefined }))).error_description).toContain('when it was issued')
    expect((await refusal(await sign({ exp: 1e300 }))).error_description).toContain('when it expires')
  })

  test('takeover of a name at the issuer: the repository is deleted there, and a stranger makes one of that name', async () => {
    expect((await refusal(await sign({ repository_id: '8' }))).code).toBe('id_token_refused')
    // A number is compared as its digits, and nothing is a pattern or a part.
    await works(await sign({ repository_id: 7 }))
    for (const repository of ['acme/train2', 'acme/Train', 'acme/trai', ['acme/train'], { 0: 'acme/train' }, null]) {
      expect((await refusal(await sign({ repository }))).code).toBe('id_token_refused')
    }
  })

  test('a publisher is set up with "environment" beside its claims, where it narrows nothing, and a branch of anybody uploads', async () => {
    const wide = { issuer: world.issuer.url, claims: rules, environment: 'release' }
    const answer = await world.ask('POST', '/api/models/acme/untrusted/trusted-publishers', world.adaToken, wide)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('environment')])
    expect(await refusal(await sign(), 'acme/untrusted')).toMatchObject({ status: 400 })
  })

  test('takeover of a name on this hub: the repo is deleted or moved, and another one takes its name', async () => {
    await makeRepo(world, 'old')
    await world.trust('/api/models/acme/old', rules)
    const { ask, adaToken } = world
    const token = (await world.exchange(await sign(), 'acme/old')).json<{ access_token: string }>().access_token
    await ask('DELETE', '/api/repos/delete', adaToken, { name: 'old', organization: 'acme' })
    await makeRepo(world, 'old')
    expect((await refusal(await sign(), 'acme/old')).code).toBe('id_token_refused')
    expect((await commitFile(world, 'models/acme/old', token)).status).toBe(404)

    await makeRepo(world, 'first')
    await world.trust('/api/models/acme/first', rules)
    await ask('POST', '/api/repos/move', adaToken, { fromRepo: 'acme/first', toRepo: 'acme/second' })
    expect((await refusal(await sign(), 'acme/first')).code).toBe('id_token_refused')
    expect((await world.exchange(await sign(), 'acme/second')).status).toBe(200)
  })

  test('oracle: who has a job at the same issuer asks which repos are there, and which of them trust whom', async () => {
    const stranger = () => sign({ repository: 'mallory/x', repository_id: '666', sub: 'mallory' })
    const said = async (resource: string) => {
      const { error_description, ...rest } = await refusal(await stranger(), resource)
      return { ...rest, text: error_description.replaceAll(resource, 'NAME') }
    }
    const first = await said('acme/model')
    expect(first).toMatchObject({ status: 400, error: 'invalid_grant', code: 'id_token_refused' })
    for (const resource of [
      'acme/untrusted',
      'acme/nothing',
      'nobody/nothing',
      'datasets/acme/model',
      'service-accounts/acme/ci',
      'service-accounts/nobody/ci',
    ]) {
      expect(await said(resource)).toEqual(first)
    }
    for (const resource of ['acme', 'kernels/acme/x', 'a/b/c/d', '/', 'acme/']) {
      expect((await refusal(await stranger(), resource)).error).toBe('invalid_target')
    }
  })

  test('what differed stands in the audit log of the organization, once in ten minutes, and not in the answer', async () => {
    const { running } = world
    const read = () =>
      running.hub.db.read
        .selectFrom('event')
        .select(['data', 'ownerId', 'actorKind', 'actorName'])
        .where('action', '=', 'repo.publisher.refuse')
        .where('at', '>=', running.hub.clock.now() - 300_000)
        .execute()
    ahead += 700_000
    for (let i = 0; i < 5; i++) await refusal(await sign({ repository: 'mallory/x', run_id: '13' }))
    const events = await read()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ ownerId: world.acme.id, actorKind: 'system', actorName: 'trusted publisher' })
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({
      reason: 'these claims differ: repository',
      claims: { repository: 'mallory/x', run_id: '13' },
    })
  })

  test('nothing of an ID token but its claims is kept, and no answer or event quotes it', async () => {
    const idToken = await sign({ run_id: '77' })
    const answer = await world.exchange(idToken, 'acme/model')
    const value = answer.json<{ access_token: string }>().access_token
    const { read } = world.running.hub.db
    const everything = JSON.stringify([
      await read.selectFrom('event').selectAll().execute(),
      await read.selectFrom('accessToken').selectAll().execute(),
      await read.selectFrom('trustedPublisher').selectAll().execute(),
      await read.selectFrom('usedIdToken').selectAll().execute(),
    ])
    for (const part of [value, ...idToken.split('.')]) expect(everything).not.toContain(part)
    expect((await refusal(`${idToken}x`)).error_description).not.toContain(idToken.slice(0, 20))
  })

  test('oversized and broken ID tokens are refused before anything else', async () => {
    for (const idToken of ['x', 'a.b.c', 'a.b.c.d.e', `${await sign()}`.slice(0, 40), `eyJ.${'x'.repeat(20_000)}.y`]) {
      expect((await refusal(idToken)).code).toBe('id_token_invalid')
    }
    const huge = await world.exchange('x'.repeat(100_000), 'acme/model')
    expect([huge.status, huge.json<Said>().error]).toEqual([413, 'invalid_request'])
  })

  test('an organization that approves tokens one by one gets none past its administrators by a publisher', async () => {
    const { running, ask, adaToken } = world
    const mel = await makeUser(running, 'mel', { password: 'correct horse battery staple' })
    const cookie = await signInAs(running, mel)
    const inSession = asking(running)
    await ask('POST', '/api/organizations/acme/members', adaToken, { user: 'mel', role: 'write' })
    const path = '/api/models/acme/untrusted/trusted-publishers'
    const body = (sub: string) => ({ issuer: world.issuer.url, claims: { sub } })
    expect((await inSession('POST', path, { cookie, body: body('mel') })).status).toBe(201)
    const policy = async (tokenPolicy: 'any' | 'approval') => {
      await running.hub.transaction((tx) =>
        tx.updateTable('organization').set({ tokenPolicy }).where('id', '=', world.acme.id).execute(),
      )
    }
    await policy('approval')
    const refused = await inSession('POST', path, { cookie, body: body('again') })
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('approves access tokens one by one')])
    const scoped = ['model:acme/untrusted=repo.write']
    const admin = await makeToken(running, world.ada, { role: 'fineGrained', scoped })
    expect((await ask('POST', path, admin, body('again'))).status).toBe(201)
    // Whose publisher was there before gets tokens that nobody has approved.
    const given = await world.exchange(await sign({ sub: 'mel' }), 'acme/untrusted')
    const pushed = await commitFile(world, 'models/acme/untrusted', given.json<{ access_token: string }>().access_token)
    expect([403, 404]).toContain(pushed.status)
    const own = await world.exchange(await sign({ sub: 'again' }), 'acme/untrusted')
    const admins = own.json<{ access_token: string }>().access_token
    expect((await commitFile(world, 'models/acme/untrusted', admins)).status).toBe(200)
    await policy('any')
  })

  test('a token that ends, or is fenced in, sets up no publisher that would outlive it; nor does one that may only push', async () => {
    const { running, ask, ada } = world
    const path = '/api/models/acme/untrusted/trusted-publishers'
    const body = { issuer: world.issuer.url, claims: { sub: 'backdoor' } }
    const scoped = (permission: string) => [`model:acme/untrusted=${permission}`]
    const ending = await makeToken(running, ada, {
      role: 'fineGrained',
      scoped: scoped('repo.write'),
      expiresAt: running.hub.clock.now() + 3_600_000,
    })
    const ended = await ask('POST', path, ending, body)
    expect([ended.status, ended.json<Said>().code]).toEqual([403, 'beyond_minter'])
    for (const permission of ['repo.settings.write', 'repo.content.write', 'repo.content.read']) {
      const token = await makeToken(running, ada, { role: 'fineGrained', scoped: scoped(permission) })
      expect([403, 404]).toContain((await ask('POST', path, token, body)).status)
    }
    const reader = await makeUser(running, 'rita', { tokenRole: 'write' })
    expect((await ask('GET', path, reader.token)).status).toBe(404)
    expect((await ask('POST', path, reader.token, body)).status).toBe(404)
    const fenced = await makeToken(running, ada, { role: 'write', name: 'fenced' })
    await running.hub.transaction((tx) =>
      tx
        .updateTable('accessToken')
        .set({ networks: '["127.0.0.0/8","::1/128"]' })
        .where('name', '=', 'fenced')
        .execute(),
    )
    expect((await ask('POST', path, fenced, body)).json<Said>().code).toBe('beyond_minter')
  })
})

describe.each(dialects)('SSRF through issuers on %s', (dialect) => {
  let world: PublisherWorld
  let canary: Canary
  let ahead = 0

  beforeAll(async () => {
    canary = await startCanary('{"keys":[]}')
    world = await startPublisherWorld(dialect, { clock: systemClock(() => Date.now() + ahead) })
    await makeRepo(world, 'model')
    await world.trust('/api/models/acme/model', rules)
  }, 60_000)
  afterAll(async () => {
    await world?.stop()
    await canary?.stop()
  })
  beforeEach(() => {
    ahead += 400_000
    canary.asked.length = 0
    for (const path of ['/.well-known/openid-configuration', '/jwks']) world.issuer.answer(path, null)
  })

  const unreachable = async () => {
    const now = Math.floor((Date.now() + ahead) / 1000)
    const idToken = await world.issuer.sign({ aud: world.running.url, ...rules }, { now })
    const answer = await world.exchange(idToken, 'acme/model')
    expect([answer.status, answer.json<Said>().error]).toEqual([503, 'temporarily_unavailable'])
    expect(canary.asked).toEqual([])
    return answer.json<Said>().error_description
  }

  test('an issuer in the private network, or at the metadata service, cannot be set up', async () => {
    const path = '/api/models/acme/model/trusted-publishers'
    for (const issuer of [
      canary.url,
      'http://169.254.169.254/latest/meta-data',
      'https://10.0.0.5',
      'https://[::1]:8443',
      'https://[::ffff:127.0.0.1]',
      'https://2130706433',
      'http://issuer.example.org',
      'file:///etc/passwd',
      'https://user:secret@issuer.example.org',
    ]) {
      const answer = await world.ask('POST', path, world.adaToken, { issuer, claims: { sub: 'x' } })
      expect([issuer, answer.status]).toEqual([issuer, 422])
    }
    expect(canary.asked).toEqual([])
  })

  test('the discovery document of an issuer leads to an address inside', async () => {
    for (const jwks_uri of [`${canary.url}/jwks`, 'http://169.254.169.254/', 'gopher://x', 'nonsense']) {
      ahead += 400_000
      world.issuer.answer('/.well-known/openid-configuration', (_request, response) => {
        response.end(JSON.stringify({ issuer: world.issuer.url, jwks_uri }))
      })
      await unreachable()
    }
  })

  test('a redirect of the discovery document, or of the keys, is not followed', async () => {
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      ahead += 400_000
      world.issuer.answer(path, (_request, response) => response.writeHead(302, { location: canary.url }).end())
      await unreachable()
      world.issuer.answer(path, null)
    }
  })

  test('a discovery document of another issuer, one that never ends, and what is no JSON', async () => {
    const { issuer } = world
    for (const answer of [
      JSON.stringify({ issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/jwks` }),
      JSON.stringify({ issuer: issuer.url }),
      JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, more: 'x'.repeat(300_000) }),
      '<html>',
      'null',
    ]) {
      ahead += 400_000
      issuer.answer('/.well-known/openid-configuration', (_request, response) => response.end(answer))
      const said = await unreachable()
      // What answers there is nobody's business: it is for the log of the hub.
      expect(said).not.toMatch(/JSON|bytes|status/)
    }
  })

  test('an issuer that is down is not asked again before half a minute is over', async () => {
    const { issuer } = world
    issuer.answer('/jwks', (_request, response) => response.writeHead(500).end())
    issuer.asked.length = 0
    for (let i = 0; i < 5; i++) await unreachable()
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
    issuer.answer('/jwks', null)
    ahead += 31_000
    const now = Math.floor((Date.now() + ahead) / 1000)
    const idToken = await issuer.sign({ aud: world.running.url, ...rules }, { now })
    expect((await world.exchange(idToken, 'acme/model')).status).toBe(200)
  })
})

interface Canary {
  readonly url: string
  readonly asked: string[]
  stop(): Promise<void>
}

/** What must not be asked: it lies on an address that is not let through. */
async function startCanary(answer: string): Promise<Canary> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(answer)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
