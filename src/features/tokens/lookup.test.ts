/** Idea 5 of behaviours.md, section 4: who finds a leaked value names its SHA-256, and never the value; over HTTP, on both databases. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { forgetDigests } from './digest.ts'
import { deleteLostDigests, findFormerByDigest, findLiveByDigest, insertDigest, namesOf } from './digest-queries.ts'

const password = 'a long enough sentence'
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex')

interface Found {
  readonly sha256: string
  readonly token: {
    readonly name: string
    readonly owner: string
    readonly isTaken: boolean
    readonly last4: string
  } | null
}

describe.each(dialects)('looking up leaked values on %s', (dialect) => {
  let running: TestHub
  let ask: Ask
  let hubert: TestUser
  let mara: TestUser
  let admin: string

  beforeAll(async () => {
    running = await startHubOn(dialect)
    ask = jsonClient(running.url)
    hubert = await makeUser(running, 'hubert', { password, isAdmin: true, tokenRole: 'write' })
    mara = await makeUser(running, 'mara', { password, tokenRole: 'write' })
    admin = await signInAs(running, hubert)
  })
  afterAll(() => running.stop())

  async function lookUp(values: readonly string[], credential = admin): Promise<Found[]> {
    const answer = await ask('POST', '/api/tokens/lookup', credential, { sha256: values })
    expect(answer.status, answer.text).toBe(200)
    return answer.json<{ tokens: Found[] }>().tokens
  }

  test('living values, those of a service account, values that were refreshed or deleted, and unknown ones', async () => {
    const acme = await makeOrganization(running, 'acme', mara)
    const machine = await makeServiceAccount(running, acme, 'ci')
    const own = await makeToken(running, mara, { role: 'read', name: 'nightly' })
    const ci = await makeAccountToken(running, acme, machine, 'inherit', { name: 'deploy' })
    const cookie = await signInAs(running, mara)
    const [listed] = (await ask('GET', '/api/settings/tokens', cookie)).json<{ id: string; name: string }[]>()
    const rotated = await ask('POST', `/api/settings/tokens/${listed?.id}/rotate`, cookie, {})
    const fresh = rotated.json<{ token: string }>().token
    const [first, second, third, fourth] = await lookUp([
      sha256(own),
      sha256(fresh),
      sha256(ci).toUpperCase(),
      'f'.repeat(64),
    ])
    expect(first?.token).toMatchObject({ name: 'nightly', owner: 'mara', isTaken: false, last4: own.slice(-4) })
    expect(second?.token).toMatchObject({ name: 'nightly', owner: 'mara', isTaken: true, last4: fresh.slice(-4) })
    expect(third).toMatchObject({ sha256: sha256(ci), token: { name: 'deploy', owner: 'ci', isTaken: true } })
    expect(fourth).toEqual({ sha256: 'f'.repeat(64), token: null })
    expect((await ask('DELETE', `/api/settings/tokens/${listed?.id}`, cookie)).status).toBeLessThan(300)
    expect((await lookUp([sha256(fresh)]))[0]?.token).toMatchObject({ name: 'nightly', isTaken: false })
    // The daily job forgets digests of values that nothing knows any more, and no others.
    await running.hub.transaction(async (tx) => {
      await tx.deleteFrom('formerTokenValue').where('last4', '=', own.slice(-4)).execute()
    })
    await forgetDigests(running.hub, new AbortController().signal)
    expect((await lookUp([sha256(own), sha256(fresh), sha256(ci)])).map(({ token }) => token !== null)).toEqual([
      false,
      true,
      true,
    ])
    const digests = await running.hub.db.read.selectFrom('tokenDigest').select('digest').execute()
    expect(digests.map(({ digest }) => digest)).not.toContain(sha256(ci))
  })

  // Whoever tries hashes of guesses would learn whose they are: so it is asked in a session of an administrator of the hub, and stands in the log.
  test('story: the look-up is no oracle', async () => {
    const value = await makeToken(running, mara, { role: 'read', name: 'secret name' })
    const body = { sha256: [sha256(value)] }
    const cookie = await signInAs(running, mara)
    for (const credential of ['', value, mara.token, hubert.token, cookie]) {
      const refused = await ask('POST', '/api/tokens/lookup', credential, body)
      expect([401, 403]).toContain(refused.status)
      expect(refused.text).not.toContain('secret name')
    }
    await lookUp([sha256(value)])
    const event = await running.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'token.lookup')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow()
    expect(event.actorName).toBe('hubert')
    expect(event.data).toContain('"asked":1')
    expect(event.data).not.toContain(sha256(value))
  })

  test('nonsense is refused whole', async () => {
    for (const wrong of [
      [],
      ['x'],
      [`${'f'.repeat(64)}0`],
      Array.from({ length: 101 }, (_, at) => at.toString(16).padStart(64, '0')),
    ]) {
      expect([400, 422]).toContain((await ask('POST', '/api/tokens/lookup', admin, { sha256: wrong })).status)
    }
  })
})

describe.each(dialects)('the statements of looking up, on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    watched = await watchPlans(database, [
      'tokenDigest',
      'accessToken',
      'formerTokenValue',
      'namespace',
      'serviceAccount',
    ])
  })
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  test('go by indexes', async () => {
    const { db, tx } = watched
    await watched.expectCheap(async () => {
      await insertDigest(tx, 'd', 'h')
      await findLiveByDigest(db, ['d', 'e'])
      await findFormerByDigest(db, ['d', 'e'])
      await namesOf(db, ['a', 'b'])
      await deleteLostDigests(tx, '', 10)
    }, 20)
  })
})
