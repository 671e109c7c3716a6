/** Idea 12 of behaviours.md, section 4: the use of dead values, on both databases, with a real mail server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { makeTokenValue } from '../../domain/token.ts'
import { systemClock } from '../../platform/clock.ts'
import { sightingJobs } from './sightings.ts'
import { removeStored } from './store.ts'

const day = 86_400_000
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.each(dialects)('the tripwire (idea 12) on %s', (dialect) => {
  let ahead = 0
  // Jobs run by the real clock: this one only ever runs ahead of it.
  const now = () => Date.now() + ahead
  let sink: SmtpSink
  let running: TestHub
  let ask: Ask
  let mara: TestUser

  beforeAll(async () => {
    sink = await startSmtpSink()
    const env = { HOLDFAST_SMTP_URL: sink.url, HOLDFAST_MAIL_FROM: 'hub@example.org' }
    running = await startHubOn(dialect, { env, clock: systemClock(now) })
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { tokenRole: 'write' })
  })
  afterAll(async () => {
    await running.stop()
    await sink.stop()
  })

  async function use(value: string, path = '/api/whoami-v2') {
    const response = await fetch(`${running.url}${path}`, {
      headers: { authorization: `Bearer ${value}`, 'user-agent': 'thief/1.0' },
    })
    const body: unknown = await response.json()
    const headers = Object.fromEntries(
      [...response.headers].filter(([name]) => !/^(x-request-id|date|ratelimit)$/.test(name)),
    )
    return {
      status: response.status,
      headers,
      body: JSON.parse(
        JSON.stringify(body)
          .replace(/"requestId":"[^"]*"/, '')
          .replace(/,}/g, '}'),
      ) as unknown,
    }
  }

  const remove = (ownerId: string, last4: string) =>
    running.hub.transaction(async (tx) => {
      const row = await tx.selectFrom('accessToken').select('id').where('last4', '=', last4).executeTakeFirstOrThrow()
      await removeStored(running.hub, tx, ownerId, row.id)
      return row.id
    })

  const alerts = async () =>
    await running.hub.db.read
      .selectFrom('event')
      .select(['resourceId', 'resourceName', 'ownerId', 'ip', 'userAgent', 'actorKind', 'data'])
      .where('action', '=', 'token.reused')
      .orderBy('id')
      .execute()

  async function alerted(count: number) {
    for (let at = 0; at < 100 && (await alerts()).length < count; at++) await wait(50)
    return await alerts()
  }

  test('story: a thief tries the value of a deleted token: refused as before, and its owner learns from where, once a day', async () => {
    const value = await makeToken(running, mara, { role: 'read', name: 'laptop' })
    const id = await remove(mara.id, value.slice(-4))
    const mails = sink.mails.length
    const tries = await Promise.all(Array.from({ length: 20 }, () => use(value)))
    expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401]))
    const [alert, ...others] = await alerted(1)
    expect(others).toEqual([])
    expect(alert).toMatchObject({
      resourceId: id,
      resourceName: 'laptop',
      ownerId: mara.id,
      ip: '127.0.0.1',
      userAgent: 'thief/1.0',
      actorKind: 'system',
    })
    await sink.received(mails + 1)
    const mail = sink.mails.at(-1)
    expect(mail?.to).toBe(mara.email)
    expect(mail?.text).toMatch(/"laptop" \(hf_\S+\) of mara.*127\.0\.0\.1, by "thief\/1\.0"/s)
    expect(mail?.text).not.toContain(value)
    // After a restart the rows remember what memory forgot.
    const handler = sightingJobs(running.hub)['token-sighting']
    const again = { kind: 'dead', tokenId: id, last4: 'abcd', at: now(), ip: null, userAgent: null, requestId: null }
    await handler?.(again, new AbortController().signal)
    expect(await alerts()).toHaveLength(1)
    ahead += day
    await use(value)
    expect(await alerted(2)).toHaveLength(2)
    await sink.received(mails + 2)
  })

  test('story: who guesses values learns nothing: a dead one is answered as an unknown one, and unknown ones alert nobody', async () => {
    const { hub } = running
    const dead = await makeToken(running, mara, { role: 'read' })
    await remove(mara.id, dead.slice(-4))
    const before = (await alerts()).length
    // With the right checksum, as only this hub makes them; without it; and what is no token at all.
    const unknown = makeTokenValue(
      (length) => Buffer.alloc(length, 7),
      (text) => hub.keys.mac('token-checksum', text),
    )
    const [byUnknown, byForged, byDead] = [await use(unknown), await use(`hf_${'Q'.repeat(34)}`), await use(dead)]
    expect(byUnknown.status).toBe(401)
    expect(byDead).toEqual(byUnknown)
    // Nobody but this hub makes the checksum: who has not got a value of it learns that it is none, and no more.
    expect(byUnknown.headers['x-hub-denied']).toBe('token_revoked')
    expect([byForged.status, byForged.headers['x-hub-denied']]).toEqual([401, 'invalid_credentials'])
    expect((await use('hf_short')).status).toBe(401)
    expect(await use(dead, '/api/models/mara/none')).toEqual(await use(unknown, '/api/models/mara/none'))
    const found = await alerted(before + 1)
    expect(found).toHaveLength(before + 1)
    const jobs = await hub.db.read.selectFrom('job').select('payload').where('queue', '=', 'token-sighting').execute()
    expect(JSON.stringify(jobs)).not.toContain(unknown.slice(-4))
  })

  test('a service account: its contact and the administrators of its organization, also when the account is gone', async () => {
    const acme = await makeOrganization(running, 'acme', mara)
    const account = await makeServiceAccount(running, acme, 'ci')
    const value = await makeAccountToken(running, acme, account, 'inherit', { name: 'nightly' })
    const at = `/api/organizations/acme/service-accounts/${account.id}`
    await ask('PATCH', at, mara.token, { contact: 'ops@example.org' })
    const [token] = (await ask('GET', `${at}/tokens`, mara.token)).json<{ _id: string }[]>()
    const rotated = await ask('POST', `${at}/tokens/${token?._id}/rotate`, mara.token, {})
    expect(rotated.status).toBe(200)
    const before = (await alerts()).length
    const mails = sink.mails.length
    expect((await use(value)).status).toBe(401)
    const found = await alerted(before + 1)
    expect(found.at(-1)).toMatchObject({ resourceId: token?._id, ownerId: acme.id, resourceName: 'nightly' })
    await sink.received(mails + 2)
    expect(
      sink.mails
        .slice(mails)
        .map(({ to }) => to)
        .sort(),
    ).toEqual([mara.email, 'ops@example.org'].sort())
    const newer = rotated.json<{ token: string }>().token
    expect((await ask('DELETE', at, mara.token)).status).toBe(204)
    ahead += day
    expect((await use(newer)).status).toBe(401)
    expect(await alerted(before + 2)).toHaveLength(before + 2)
    await sink.received(mails + 4)
  })

  test('a value within its overlap alerts nobody; an expired token and one of a deactivated owner do not either', async () => {
    const rob = await makeUser(running, 'rob')
    const expired = await makeToken(running, rob, { role: 'read', expiresAt: now() + 1000 })
    const living = await makeToken(running, rob, { role: 'read' })
    ahead += 1000
    await running.hub.transaction((tx) =>
      tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', rob.id).execute(),
    )
    const before = (await alerts()).length
    expect([(await use(expired)).status, (await use(living)).status]).toEqual([401, 401])
    await wait(1_000)
    expect(await alerts()).toHaveLength(before)
  })

  test('after ninety days the hash is forgotten', async () => {
    const value = await makeToken(running, mara, { role: 'read' })
    await remove(mara.id, value.slice(-4))
    const kept = async () =>
      await running.hub.db.read
        .selectFrom('formerTokenValue')
        .select('hash')
        .where('last4', '=', value.slice(-4))
        .execute()
    const forget = sightingJobs(running.hub)['forget-token-values']
    ahead += 90 * day - 60_000
    await forget?.(null, new AbortController().signal)
    expect(await kept()).toHaveLength(1)
    ahead += 60_000
    await forget?.(null, new AbortController().signal)
    expect(await kept()).toHaveLength(0)
  })
})
