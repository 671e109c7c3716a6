/** Idea 9: a preview keeps nobody waiting. What the event loop has to do for it is counted, and does not grow with the organization. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { loadFacts, type Target } from '../../access/load-facts.ts'
import { plainOrganization } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { authorize } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { OpenOptions } from '../../platform/db/database.ts'
import { isUnavailable } from '../../platform/db/errors.ts'
import { type Change, targetOf } from './change.ts'
import { previewChange } from './preview.ts'
import { compareInThread } from './thread.ts'
import { type FromThread, type Job, partSize, type ToThread } from './thread-protocol.ts'

const few = 3
const many = 1200

describe.each(dialects)('previews on %s', (dialect) => {
  let at: TestHub
  const organizations = new Map<number, string>()

  beforeAll(async () => {
    at = await startHub({ dialect })
    const boss = await makeUser(at, 'boss')
    await insertSession(at.hub, boss)
    for (const members of [few, many]) {
      const name = `of-${members}`
      organizations.set(members, (await makeOrganization(at, name, boss)).id)
      await insertMembers(at.hub, organizations.get(members) ?? '', name, members)
    }
  }, 60_000)
  afterAll(() => at.stop())

  const changes: Readonly<Record<string, (organization: string) => Change>> = {
    'a second factor required': (organization) => ({ kind: 'second_factor', organization, required: true }),
    'fine-grained tokens only': (organization) => ({ kind: 'token_policy', organization, policy: 'fine_grained' }),
    'a repo made public': (organization) => ({
      kind: 'repo_visibility',
      repo: { type: 'model', name: `${organization}/plans` },
      visibility: 'public',
    }),
    'a repo out of its workspace': (organization) => ({
      kind: 'repo_workspace',
      repos: [{ type: 'model', name: `${organization}/plans` }],
      workspace: null,
    }),
  }

  test.each(Object.keys(changes))(
    'idea 9: %s asks as little of the event loop for many members as for few',
    async (name) => {
      const seen = []
      for (const members of [few, many]) {
        const change = changes[name]?.(`of-${members}`)
        if (change === undefined) throw new Error(name)
        const { statements, rows, looked } = await countOnMain(at.hub, change)
        expect(looked).toBe(members + 1)
        seen.push({ statements, rows })
      }
      expect(seen[1]).toEqual(seen[0])
      expect(seen[0]?.rows).toBeLessThan(20)
    },
  )

  test('idea 9: what is found comes in small parts, each when it is asked for, and a failure ends its job alone', async () => {
    const options: OpenOptions = { url: at.hub.config.databaseUrl, folder: at.hub.config.dataFolder }
    const worker = new Worker(new URL('./preview-worker.ts', import.meta.url))
    const got: FromThread[] = []
    worker.on('message', (message: FromThread) => got.push(message))
    const ask = async (message: ToThread): Promise<FromThread | undefined> => {
      worker.postMessage(message)
      await once(worker, 'message')
      return got.at(-1)
    }
    try {
      await once(worker, 'message')
      const job = jobOf(options, organizations.get(many) ?? '')
      const lost = { ...job, database: { url: 'postgres://nobody@127.0.0.1:1/none', folder: options.folder } }
      expect((await ask({ kind: 'begin', job: lost }))?.kind).toBe('failed')
      const first = await ask({ kind: 'begin', job })
      const before = got.length
      await sleep(100)
      expect(got).toHaveLength(before)
      let entries = 0
      let parts = 0
      for (let message = first; message?.kind !== 'done'; message = await ask({ kind: 'more' })) {
        if (message?.kind !== 'part') throw new Error(JSON.stringify(message))
        expect(message.part.entries.length).toBeLessThanOrEqual(partSize)
        entries += message.part.entries.length
        parts++
      }
      // All lose the organization and a token, up to as many as were asked for.
      expect({ entries, parts }).toEqual({ entries: 2 * job.most, parts: (2 * job.most) / partSize })
    } finally {
      await worker.terminate()
    }
  })

  test('idea 9: a database that is gone fails its preview alone, and the next one is answered', async () => {
    const { work, most } = jobOf({ url: null, folder: '' }, organizations.get(few) ?? '')
    const lost = { ...at.hub, config: { ...at.hub.config, databaseUrl: 'postgres://nobody@127.0.0.1:1/none' } }
    await expect(compareInThread(lost, work, most)).rejects.toSatisfy(isUnavailable)
    expect((await compareInThread(at.hub, work, most)).comparison.counts.looked).toBe(few + 1)
  })

  /**
   * Somebody who may preview asks for it a hundred times at once, to fill the memory of the hub or to keep its processor busy for minutes: one
   * thread works them out in turn, a few wait for it, and the others are refused at once.
   */
  test('idea 9, bad input: previews asked for all at once wait in a short line', async () => {
    const { work, most } = jobOf({ url: null, folder: '' }, organizations.get(few) ?? '')
    const asked = await Promise.allSettled(Array.from({ length: 100 }, () => compareInThread(at.hub, work, most)))
    const refused = asked.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThanOrEqual(79)
    expect(refused.length).toBeLessThan(100)
    for (const one of refused) expect(one).toMatchObject({ reason: { code: 'busy', status: 503 } })
  })
})

/** The statements and rows that a preview costs the thread that serves requests. */
async function countOnMain(hub: Hub, change: Change) {
  let statements = 0
  let rows = 0
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      statements++
      rows += result.rows.length
      return result
    },
  }
  const db = { ...hub.db, read: hub.db.read.withPlugin(counting), list: hub.db.list.withPlugin(counting) }
  const factsOn = async (target: Target) =>
    (await loadFacts(hub.db, { kind: 'session', hash: 'session of boss' }, target, hub.clock.now())).facts
  const { comparison } = await previewChange(
    {
      hub: { ...hub, db },
      facts: await factsOn(targetOf(change)),
      authorizeAlso: async <A extends Action>(action: A, target: Target) => authorize(action, await factsOn(target)),
    },
    change,
    1000,
  )
  return { statements, rows, looked: comparison.counts.looked }
}

function jobOf(database: OpenOptions, id: string): Job {
  const organization = plainOrganization({ id, name: `of-${many}` })
  const place = (secondFactorRequired: number, tokenPolicy: string) => ({
    organization,
    demands: { secondFactorRequired, tokenPolicy, mostTokenDays: null },
  })
  const work = {
    on: 'organization',
    organization,
    places: { before: place(0, 'any'), after: place(1, 'any') },
    isAdministrator: true,
    now: 1,
    concerned: { kind: 'members', withHolders: false },
    effect: { kind: 'none' },
    isWhole: true,
    withOwnTokens: false,
  } as const
  return { database, work, most: 500 }
}

async function insertSession(hub: Hub, { id }: TestUser): Promise<void> {
  await hub.transaction(async (tx) => {
    await tx.updateTable('user').set({ secondFactorAt: 1 }).where('id', '=', id).execute()
    await tx
      .insertInto('session')
      .values({
        id,
        tokenHash: 'session of boss',
        userId: id,
        createdAt: 0,
        lastUsedAt: 0,
        expiresAt: Number.MAX_SAFE_INTEGER,
        lastIp: null,
        userAgent: null,
      })
      .execute()
  })
}

/** Each with a classic token, and a private repo in a workspace. */
async function insertMembers(hub: Hub, organization: string, name: string, count: number): Promise<void> {
  const plain = { createdAt: 0 }
  await hub.transaction(async (tx) => {
    for (let from = 0; from < count; from += 100) {
      const ids = Array.from(
        { length: Math.min(100, count - from) },
        (_, n) => `u${count}x${String(from + n).padStart(8, '0')}`,
      )
      await tx
        .insertInto('namespace')
        .values(ids.map((id) => ({ id, kind: 'user' as const, name: id, nameKey: id, ...plain })))
        .execute()
      await tx
        .insertInto('user')
        .values(ids.map((id) => ({ id, isAdmin: 0 as const, state: 'active' as const, ...plain })))
        .execute()
      await tx
        .insertInto('roleGrant')
        .values(
          ids.map((principalId) => ({
            targetId: organization,
            targetKind: 'organization' as const,
            principalId,
            principalKind: 'user' as const,
            role: 'read' as const,
            ...plain,
          })),
        )
        .execute()
      await tx
        .insertInto('accessToken')
        .values(
          ids.map((id) => ({
            id,
            hash: id,
            last4: '0000',
            ownerId: id,
            name: 'classic',
            role: 'write' as const,
            canReadGatedRepos: 0 as const,
            globalPermissions: '[]',
            ...plain,
          })),
        )
        .execute()
    }
    const workspaceId = `w${count}`.padEnd(24, '0')
    await tx
      .insertInto('workspace')
      .values({ id: workspaceId, organizationId: organization, name: 'lab', nameKey: 'lab', ...plain })
      .execute()
    const fullName = `${name}/plans`
    await tx
      .insertInto('repo')
      .values({
        ...{ id: `r${count}`.padEnd(24, '0'), kind: 'model', ownerId: organization, name: 'plans', nameKey: 'plans' },
        ...{ fullName, fullNameKey: fullName, visibility: 'private', creatorId: '', workspaceId },
        ...{ createdAt: 0, updatedAt: 0 },
      })
      .execute()
  })
}
