/** Notes of downloads on their way into the table: they reach it by themselves, each once, and a database that is away loses none of them for a while. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import type { Principal, RepoFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { noteDownload, recorderOf } from './record.ts'

const origin = { ip: '203.0.113.7', userAgent: 'test', requestId: null }
const principal: Principal = {
  kind: 'user',
  id: '1'.repeat(24),
  name: 'ada',
  fullname: null,
  isAdmin: false,
  hasSecondFactor: false,
}
const repo: RepoFacts = {
  id: '2'.repeat(24),
  kind: 'model',
  owner: { id: '3'.repeat(24), kind: 'organization', name: 'acme' },
  name: 'm',
  visibility: 'private',
  creatorId: principal.id,
  workspaceId: null,
  isDisabled: false,
  headCommit: null,
  gated: false,
  orgMembersGated: false,
}
const reader = { principal, credential: null, resource: repo }
const contentNumbered = (number: number): string => `git:${number.toString(16).padStart(40, '0')}`

describe('notes of downloads', () => {
  let running: TestHub
  beforeAll(async () => {
    running = await startHub()
  })
  afterAll(() => running.stop())

  const rowsOf = (content: string) =>
    running.hub.db.read.selectFrom('downloadRecord').selectAll().where('content', '=', content).execute()
  const note = (hub: Hub, content: string, bytes = 1) =>
    noteDownload(hub, reader, origin, { content, via: 'resolve', path: 'a', commits: ['c'], bytes })

  test('are in the table after a second, without anybody asking: that much a crash can lose', async () => {
    const content = contentNumbered(1)
    for (let at = 0; at < 1_000; at++) note(running.hub, content)
    expect(await rowsOf(content)).toEqual([])
    await vi.waitFor(async () => expect(await rowsOf(content)).toHaveLength(1), { timeout: 3_000, interval: 50 })
    note(running.hub, content, 5)
    await recorderOf(running.hub).flush()
    expect(await rowsOf(content)).toMatchObject([
      { requests: 1_001, bytes: 1_005, repoName: 'acme/m', actorName: 'ada' },
    ])
  })

  test('half a token is no less a secret: it is taken out before a long text is cut', async () => {
    const content = contentNumbered(3)
    const token = `hf_${'a1B2'.repeat(8)}c3`
    const userAgent = `${'x'.repeat(185)}${token} and more`
    const path = `${'y'.repeat(985)}${token}.bin`
    noteDownload(
      running.hub,
      reader,
      { ...origin, userAgent },
      { content, via: 'resolve', path, commits: [], bytes: 1 },
    )
    await recorderOf(running.hub).flush()
    expect(JSON.stringify(await rowsOf(content))).not.toContain('a1B2')
  })

  test('a stop goes on where the last notes cannot be written, and says how many are lost', async () => {
    const said: { lost?: number }[] = []
    const hub: Hub = {
      ...running.hub,
      log: Object.assign(Object.create(running.hub.log), { error: (words: { lost?: number }) => said.push(words) }),
      transaction: () => Promise.reject(new Error('the disk is full')),
    }
    note(hub, contentNumbered(4))
    await recorderOf(hub).stop()
    expect(said).toMatchObject([{ lost: 1, error: { message: 'the disk is full' } }])
  })

  test('a thousand different ones are written at once, together', async () => {
    for (let at = 0; at < 1_000; at++) note(running.hub, contentNumbered(10_000 + at))
    await vi.waitFor(
      async () => {
        const { count } = await running.hub.db.read
          .selectFrom('downloadRecord')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('content', '>=', contentNumbered(10_000))
          .executeTakeFirstOrThrow()
        expect(Number(count)).toBe(1_000)
      },
      { timeout: 900, interval: 20 },
    )
  })

  test('a database that cannot be written is asked again, and nothing is lost or counted twice', async () => {
    // Two of each book: that of the audit writes beside this one.
    let failures = 4
    const said: unknown[] = []
    const hub: Hub = {
      ...running.hub,
      log: Object.assign(Object.create(running.hub.log), {
        error: (...words: unknown[]) => {
          if (String(words[1]).startsWith('Downloads')) said.push(words)
        },
      }),
      transaction: async (fn) => {
        if (failures-- > 0) throw new Error('the disk is full')
        return await running.hub.transaction(fn)
      },
    }
    const content = contentNumbered(2)
    note(hub, content)
    await vi.waitFor(() => expect(said).toHaveLength(1), { timeout: 3_000, interval: 20 })
    note(hub, content)
    await vi.waitFor(async () => expect(await rowsOf(content)).toMatchObject([{ requests: 2, bytes: 2 }]), {
      timeout: 5_000,
      interval: 50,
    })
    expect(said).toHaveLength(2)
  })

  test('what does not fit while the database is away is dropped, and said', async () => {
    let isAway = true
    const said: { lost?: number }[] = []
    const hub: Hub = {
      ...running.hub,
      log: Object.assign(Object.create(running.hub.log), { error: (words: { lost?: number }) => said.push(words) }),
      transaction: async (fn) => {
        if (isAway) throw new Error('the disk is full')
        return await running.hub.transaction(fn)
      },
    }
    for (let at = 0; at < 50_003; at++) note(hub, contentNumbered(1_000_000 + at))
    await expect(recorderOf(hub).flush()).rejects.toThrow('the disk is full')
    isAway = false
    await recorderOf(hub).flush()
    expect(said.find(({ lost }) => lost !== undefined)).toMatchObject({ lost: 3 })
  })
})
