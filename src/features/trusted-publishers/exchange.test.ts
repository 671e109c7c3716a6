/** What an ID token is exchanged for, by its right holder. What others try is in attacks.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken, makeUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { commitFile, makeRepo, type PublisherWorld, startPublisherWorld } from '../../../tests/support/publishers.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { systemClock } from '../../platform/clock.ts'
import { sentenceFor } from '../audit/sentences.ts'
import { listStored } from '../tokens/service.ts'
import { cleanPublishers, mostPublishers } from './service.ts'

interface Given {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly issued_token_type: string
}

const hour = 3_600_000

describe.each(dialects)('idea 4, tokens for ID tokens on %s', (dialect) => {
  let world: PublisherWorld
  let ahead = 0

  beforeAll(async () => {
    world = await startPublisherWorld(dialect, { clock: systemClock(() => Date.now() + ahead) })
    await makeRepo(world, 'model')
    await makeRepo(world, 'other')
    await makeRepo(world, 'corpus', 'dataset')
  }, 60_000)
  afterAll(() => world?.stop())

  const given = async (resource: string, claims: Record<string, unknown> = {}): Promise<string> => {
    const answer = await world.exchange(await world.idToken(claims), resource)
    expect(answer.text).toContain('access_token')
    return answer.json<Given>().access_token
  }

  test('a publisher of a repo gets a token for an hour, which pushes to that repo and does nothing else', async () => {
    await world.trust('/api/models/acme/model', { repository: 'acme/train', repository_id: '7' })
    const answer = await world.exchange(await world.idToken(), 'acme/model')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { access_token: token, ...rest } = answer.json<Given>()
    expect(rest).toEqual({
      token_type: 'bearer',
      expires_in: 3600,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    expect((await commitFile(world, 'models/acme/model', token)).status).toBe(200)
    expect((await world.ask('GET', '/acme/model/resolve/main/a.txt', token)).status).toBe(200)
    const settings = await world.ask('PUT', '/api/models/acme/model/settings', token, { private: false })
    expect([settings.status, settings.headers.get('x-hub-denied')]).toEqual([
      403,
      expect.stringContaining('token_permission; need=repo.write or repo.settings.write'),
    ])
    const gone = await world.ask('DELETE', '/api/repos/delete', token, { name: 'model', organization: 'acme' })
    expect(gone.status).toBe(403)
    // Of other repos of its owner it sees nothing.
    expect((await commitFile(world, 'models/acme/other', token)).status).toBe(404)
    expect((await world.ask('GET', '/api/models/acme/other', token)).status).toBe(404)
    // Nor does it set up others, or make tokens.
    const more = { issuer: world.issuer.url, claims: { sub: 'x' } }
    expect((await world.ask('POST', '/api/models/acme/model/trusted-publishers', token, more)).status).toBe(403)
    // That a valid token was called invalid sent people looking for a typing mistake (idea 1, idea 14).
    const child = await world.ask('POST', '/api/tokens/derive', token, { seconds: 60 })
    expect([child.status, child.headers.get('x-hub-denied')]).toEqual([403, 'publisher_token'])
  })

  test('a form is taken as well as JSON, and "datasets/" leads to a dataset', async () => {
    await world.trust('/api/datasets/acme/corpus', { sub: ['repo:acme/train', 'repo:acme/clean'] })
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: await world.idToken({ sub: 'repo:acme/clean' }),
      resource: 'datasets/acme/corpus',
    })
    const response = await fetch(`${world.running.url}/oauth/token`, { method: 'POST', body })
    const { access_token: token } = (await response.json()) as Given
    expect((await commitFile(world, 'datasets/acme/corpus', token)).status).toBe(200)
  })

  test("a publisher of a service account gets a token that is the account's, while the account is active", async () => {
    const account = await makeServiceAccount(world.running, world.acme, 'Nightly CI')
    const path = `/api/organizations/acme/service-accounts/${account.id}`
    await world.trust(path, { project_path: 'acme/train' })
    const claims = { project_path: 'acme/train', pipeline_id: 12, job_id: '34' }
    for (const resource of ['service-accounts/acme/nightly ci', `service-accounts/ACME/sa-${account.id}`]) {
      const token = await given(resource, claims)
      const who = (await world.ask('GET', '/api/whoami-v2', token)).json<{ name: string }>()
      expect(who.name).toBe(`sa-${account.id}`)
      expect((await commitFile(world, 'models/acme/other', token, `${resource.length}.txt`)).status).toBe(200)
    }
    const events = await world.running.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('actorId', '=', account.id)
      .where('action', '=', 'repo.push')
      .execute()
    const data = JSON.parse(events[0]?.data ?? '{}')
    expect(data.publisher.claims).toMatchObject({ project_path: 'acme/train', pipeline_id: '12', job_id: '34' })
    // "commit X by service account Y from CI job Z"
    const sentence = sentenceFor({ action: 'repo.push', resourceKind: 'model', name: 'acme/other', data })
    expect(sentence).toMatch(/acme\/other.*, in acme\/train, pipeline 12, job 34 \(localhost:\d+\)$/)

    const token = await given('service-accounts/acme/Nightly CI', claims)
    await world.ask('POST', `${path}/disable`, world.adaToken, {})
    expect((await world.ask('GET', '/api/whoami-v2', token)).status).toBe(401)
    const refused = await world.exchange(await world.idToken(claims), 'service-accounts/acme/Nightly CI')
    expect(refused.json<{ error: string }>().error).toBe('invalid_grant')
    await world.ask('POST', `${path}/enable`, world.adaToken, {})
    await given('service-accounts/acme/Nightly CI', claims)
  })

  test('AUTH-4: whoever set it up loses the repo, and with them the token, and the next one', async () => {
    const { running, ask, acme } = world
    const mel = await makeUser(running, 'mel')
    await ask('POST', `/api/organizations/${acme.name}/members`, world.adaToken, { user: 'mel', role: 'write' })
    const mels = await makeToken(running, mel, { role: 'write' })
    const added = await ask('POST', '/api/models/acme/other/trusted-publishers', mels, {
      issuer: world.issuer.url,
      claims: { repository_id: '99' },
    })
    expect(added.status).toBe(201)
    const token = await given('acme/other', { repository_id: '99' })
    expect((await commitFile(world, 'models/acme/other', token, 'mel.txt')).status).toBe(200)
    await running.hub.transaction((tx) =>
      tx.updateTable('roleGrant').set({ role: 'read' }).where('principalId', '=', mel.id).execute(),
    )
    const refused = await commitFile(world, 'models/acme/other', token, 'mel2.txt')
    expect([refused.status, refused.headers.get('x-hub-denied')]).toEqual([
      403,
      expect.stringContaining('role; need=write; have=read'),
    ])
    await running.hub.transaction((tx) =>
      tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', mel.id).execute(),
    )
    const answer = await world.exchange(await world.idToken({ repository_id: '99' }), 'acme/other')
    expect(answer.json<{ error: string }>().error).toBe('invalid_grant')
  })

  test('the tokens are on the list of the publisher, not among those that its owner made; deleted with it at once', async () => {
    const { running, ask } = world
    const id = await world.trust('/api/models/acme/other', { environment: 'release' })
    const token = await given('acme/other', { environment: 'release', run_id: '555' })
    const listed = (await ask('GET', `/api/models/acme/other/trusted-publishers/${id}`, world.adaToken)).json()
    expect(listed).toMatchObject({
      id,
      issuer: world.issuer.url,
      audience: running.url,
      claims: { environment: 'release' },
      createdBy: { name: 'ada', isActive: true },
      lastUsedAt: expect.any(String),
      lastRun: { issuer: world.issuer.url, claims: { run_id: '555', environment: 'release' } },
    })
    const who = (await ask('GET', '/api/whoami-v2', token)).json<{ auth: { accessToken: { role: string } } }>()
    expect(who.auth.accessToken.role).toBe('fineGrained')
    expect(
      (await listStored(running.hub.db.read, world.ada.id, running.hub.clock.now())).map(({ name }) => name),
    ).not.toContainEqual(expect.stringContaining('release'))
    const deleted = await ask('DELETE', `/api/models/acme/other/trusted-publishers/${id}`, world.adaToken)
    expect(deleted.status).toBe(204)
    expect((await ask('GET', '/api/whoami-v2', token)).status).toBe(401)
    expect((await ask('DELETE', `/api/models/acme/other/trusted-publishers/${id}`, world.adaToken)).status).toBe(404)
  })

  // A job printed its token into a public log. The publisher was deleted within the hour, and nobody heard of the finder who tried the value.
  test('story, idea 12: the values of a deleted publisher are noticed as those of deleted tokens', async () => {
    const { running, ask } = world
    const id = await world.trust('/api/models/acme/other', { environment: 'leaky' })
    const token = await given('acme/other', { environment: 'leaky' })
    const { id: tokenId } = await running.hub.db.read
      .selectFrom('accessToken')
      .select('id')
      .where('publisherId', '=', id)
      .executeTakeFirstOrThrow()
    await ask('DELETE', `/api/models/acme/other/trusted-publishers/${id}`, world.adaToken)
    const refused = await ask('GET', '/api/whoami-v2', token)
    expect([refused.status, refused.headers.get('x-hub-denied')?.split(';')[0]]).toEqual([401, 'token_revoked'])
    await expect
      .poll(
        async () =>
          (
            await running.hub.db.read
              .selectFrom('event')
              .select('ownerId')
              .where('action', '=', 'token.reused')
              .where('resourceId', '=', tokenId)
              .execute()
          ).length,
        { timeout: 10_000 },
      )
      .toBe(1)
  })

  test('the token ends after an hour, and what has expired is swept', async () => {
    const { running, ask } = world
    await world.trust('/api/models/acme/other', { repository_id: '42' })
    const token = await given('acme/other', { repository_id: '42' })
    const rows = async () => {
      const { read } = running.hub.db
      const tokens = await read.selectFrom('accessToken').select('id').where('publisherId', 'is not', null).execute()
      const used = await read.selectFrom('usedIdToken').select('hash').execute()
      return { tokens: tokens.length, used: used.length }
    }
    ahead = hour - 5_000
    expect((await ask('GET', '/api/whoami-v2', token)).status).toBe(200)
    ahead = hour + 5_000
    const late = await ask('GET', '/api/whoami-v2', token)
    expect([late.status, late.headers.get('x-hub-denied')]).toEqual([401, 'token_expired'])
    const before = await rows()
    await cleanPublishers(running.hub, new AbortController().signal)
    expect(await rows()).toEqual({ tokens: before.tokens, used: 0 })
    ahead = 26 * hour
    await cleanPublishers(running.hub, new AbortController().signal)
    expect(await rows()).toEqual({ tokens: 0, used: 0 })
    ahead = 0
  })

  test('what would trust everybody is refused when it is set up, with the reason', async () => {
    const github = 'https://token.actions.githubusercontent.com'
    const post = (body: unknown) => world.ask('POST', '/api/models/acme/model/trusted-publishers', world.adaToken, body)
    const { url } = world.issuer
    for (const [body, said] of [
      [{ issuer: url, claims: {} }, 'Name at least one claim'],
      [{ issuer: github, claims: { ref: 'refs/heads/main' } }, 'Everybody gets ID tokens of GitHub Actions'],
      [{ issuer: `${github}/`, claims: { environment: 'release' } }, 'Everybody gets ID tokens of GitHub Actions'],
      // Anybody has their repository make a `sub` of its environment alone, or calls somebody else's workflow.
      [{ issuer: github, claims: { sub: 'environment:release' } }, 'Everybody gets ID tokens of GitHub Actions'],
      [{ issuer: github, claims: { sub: ['repo:acme/x:ref:refs/heads/main', 'ref:x'] } }, 'whose repository it is'],
      [{ issuer: github, claims: { job_workflow_ref: 'acme/x/.github/workflows/a.yml@main' } }, 'Everybody gets'],
      [{ issuer: 'https://git.example.org/api/actions', claims: { ref: 'x' } }, 'ID tokens of Forgejo Actions'],
      [{ issuer: 'https://gitlab.com', claims: { ref: 'main' } }, 'Everybody gets ID tokens of GitLab.com'],
      [{ issuer: url, claims: { sub: 'repo:acme/*' } }, 'not a pattern'],
      [{ issuer: url, claims: { aud: 'x' } }, 'says nothing about who'],
      [{ issuer: url, claims: { sub: [] } }, 'Say which value'],
      [{ issuer: 'token.actions.githubusercontent.com', claims: { sub: 'x' } }, 'not an address'],
      [{ issuer: 'https://a.example/?x', claims: { sub: 'x' } }, 'without "?"'],
    ] as const) {
      const answer = await post(body)
      expect([answer.status, answer.json<{ error: string }>().error]).toEqual([422, expect.stringContaining(said)])
    }
    expect((await post({ issuer: github, claims: { repository: 'acme/x', ref: 'refs/heads/main' } })).status).toBe(201)
    expect((await post({ issuer: github, claims: { ref: 'refs/heads/main', repository: 'acme/x' } })).status).toBe(422)
  })

  test('a place has a bounded number of them', async () => {
    await makeRepo(world, 'many')
    for (let i = 0; i < mostPublishers; i++) await world.trust('/api/models/acme/many', { sub: `job ${i}` })
    await expect(world.trust('/api/models/acme/many', { sub: 'one more' })).rejects.toThrow('at most 20')
  })
})
