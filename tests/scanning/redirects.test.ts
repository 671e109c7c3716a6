/**
 * The attack: somebody pushes a large malicious file and takes, before the scanners have spoken, an address at which the object storage hands it out without asking
 * the hub; or keeps addresses of pieces from a time when nothing was held. What was given must end with the verdict, or not be given.
 */
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storedContent } from '../../src/domain/quarantine.ts'
import { linkBlob, prepareBlob } from '../../src/features/storage/service.ts'
import type { ContentScanTable } from '../../src/platform/db/schema.ts'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { s3Environment } from '../support/s3-servers.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { StrictS3 } from '../support/strict-s3.ts'
import { fillRepo, makeRepo, type TestRepo } from '../support/world.ts'
import {
  cas,
  connect,
  makeFile,
  makeShard,
  makeXorb,
  postShard,
  postXorb,
  type TestFile,
} from '../support/xet-upload.ts'

const bytes = randomBytes(3_000_000)
const blob = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${blob.sha256}\nsize ${blob.size}\n`

describe('addresses that outlive a look at the quarantine', () => {
  let s3: StrictS3
  let running: TestHub
  let ada: TestUser
  let acme: { id: string; name: string }
  let repo: TestRepo
  let file: TestFile

  beforeAll(async () => {
    s3 = await StrictS3.start()
    running = await startHub({ env: { ...s3Environment(s3.settings), HOLDFAST_S3_REDIRECT: 'true' } })
    const { hub } = running
    ada = await makeUser(running, 'ada', { tokenRole: 'write', isAdmin: true, password: 'a long and quiet word' })
    acme = await makeOrganization(running, 'acme', ada)
    repo = await makeRepo(hub, acme, 'large', { visibility: 'private' })
    await fillRepo(hub, repo, `printf '%s' '${pointer}' > model.bin; git add -A; git commit -qm one`)
    await prepareBlob(hub, blob)
    await hub.blobs.put(Readable.from([Buffer.from(bytes)]), blob)
    await hub.transaction((tx) => linkBlob(tx, repo.id, blob, hub.clock.now()))
    const writing = await connect(running.url, 'acme/large', 'write', ada.token)
    const xorb = makeXorb(Array.from({ length: 30 }, () => randomBytes(100_000)))
    expect((await postXorb(writing, xorb)).status).toBe(200)
    file = makeFile([{ xorb, start: 2, end: 20 }])
    expect((await postShard(writing, makeShard([file], [xorb]))).last).toEqual({ type: 'result' })
  })
  afterAll(async () => {
    await running.stop()
    await s3.stop()
  })

  const setPolicy = async (scanPolicy: string) => {
    const answer = await fetch(`${running.url}/api/organizations/acme/settings`, {
      method: 'PATCH',
      body: JSON.stringify({ scanPolicy }),
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
    expect(await answer.json()).toMatchObject({ scanPolicy })
  }
  /** What scanners say of a content, written down in their place: none of them takes it up while this test lasts. */
  const say = async (sha256: string, said: 'nothing yet' | 'safe' | 'unsafe') => {
    const now = running.hub.clock.now()
    const content = storedContent(sha256)
    const row: ContentScanTable = {
      content,
      size: 1,
      state: said === 'nothing yet' ? 'queued' : 'done',
      level: said === 'nothing yet' ? 'unscanned' : said,
      scanners: said === 'nothing yet' ? null : 'yara test',
      reason: null,
      attempts: 0,
      dueAt: now + 3_600_000,
      claim: null,
      queuedAt: now,
      scannedAt: null,
      importSet: null,
      foundAt: now,
    }
    await running.hub.transaction(async (tx) => {
      await tx
        .insertInto('contentScan')
        .values(row)
        .onConflict((conflict) => conflict.column('content').doUpdateSet(row))
        .execute()
      await tx
        .insertInto('scanPlace')
        .values({ content, repoId: repo.id, oid: 'a'.repeat(40) })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    })
  }
  const get = (address: string, headers: Record<string, string> = {}) => fetch(address, { redirect: 'manual', headers })
  const resolve = () =>
    get(`${running.url}/acme/large/resolve/main/model.bin`, { authorization: `Bearer ${ada.token}` })
  /** Seconds for which the object storage takes the address; `hub`: the bytes came through the hub. */
  const lasts = async (answer: Response): Promise<number | 'hub' | 'refused'> => {
    if (answer.status === 403) return 'refused'
    if (answer.status === 200 || answer.status === 206) {
      await answer.arrayBuffer()
      return 'hub'
    }
    expect(answer.status).toBe(302)
    return Number(new URL(answer.headers.get('location') ?? '').searchParams.get('X-Amz-Expires'))
  }
  const lfsAddress = async (): Promise<string> => {
    const answer = await fetch(`${running.url}/acme/large.git/info/lfs/objects/batch`, {
      method: 'POST',
      body: JSON.stringify({
        operation: 'download',
        transfers: ['basic'],
        objects: [{ oid: blob.sha256, size: blob.size }],
      }),
      headers: {
        authorization: `Bearer ${ada.token}`,
        'content-type': 'application/vnd.git-lfs+json',
        accept: 'application/vnd.git-lfs+json',
      },
    })
    const { objects } = (await answer.json()) as { objects: { actions?: { download: { href: string } } }[] }
    return objects[0]?.actions?.download.href ?? ''
  }

  test('resolve and LFS: what is not scanned yet gets no address where it may come to be held, and the others one for a minute', async () => {
    const address = await lfsAddress()
    const both = async () => [await lasts(await resolve()), await lasts(await get(address))]
    await say(blob.sha256, 'nothing yet')
    await setPolicy('warn')
    expect(await both()).toEqual([300, 300])
    await setPolicy('block_infected')
    expect(await both()).toEqual(['hub', 'hub'])
    await setPolicy('block_until_scanned')
    expect(await both()).toEqual(['refused', 'refused'])
    await say(blob.sha256, 'safe')
    expect(await both()).toEqual([60, 60])
    await setPolicy('block_infected')
    expect(await both()).toEqual([60, 60])
    await say(blob.sha256, 'unsafe')
    expect(await both()).toEqual(['refused', 'refused'])
    await setPolicy('warn')
    expect(await both()).toEqual([300, 300])
  })

  test('a content that no scanner has heard of is not scanned either', async () => {
    await running.hub.transaction((tx) =>
      tx.deleteFrom('contentScan').where('content', '=', storedContent(blob.sha256)).execute(),
    )
    await setPolicy('block_infected')
    expect(await lasts(await resolve())).toBe('hub')
    await setPolicy('block_until_scanned')
    expect(await lasts(await resolve())).toBe('refused')
  })

  interface Plan {
    readonly url: string
    readonly range: string
  }
  const planOf = (answer: string): Plan => {
    const parsed = JSON.parse(answer) as {
      xorbs?: Record<string, { url: string; ranges: { bytes: { start: number; end: number } }[] }[]>
      fetch_info?: Record<string, { url: string; url_range: { start: number; end: number } }[]>
    }
    const [v2] = Object.values(parsed.xorbs ?? {}).flat()
    if (v2 !== undefined) return { url: v2.url, range: `bytes=${v2.ranges[0]?.bytes.start}-${v2.ranges[0]?.bytes.end}` }
    const [v1] = Object.values(parsed.fetch_info ?? {}).flat()
    return { url: v1?.url ?? '', range: `bytes=${v1?.url_range.start}-${v1?.url_range.end}` }
  }
  /** Addresses of pieces: of one file, and of a batch, which does not say of which file a piece is. */
  const plans = async (): Promise<[Plan, Plan]> => {
    const reading = await connect(running.url, 'acme/large', 'read', ada.token)
    const one = await cas(reading, 'GET', `/v2/reconstructions/${file.hash}`)
    const many = await cas(reading, 'GET', `/reconstructions?file_id=${file.hash}`)
    expect([one.status, many.status]).toEqual([200, 200])
    return [planOf(one.text), planOf(many.text)]
  }
  const use = async (given: readonly Plan[]) =>
    await Promise.all(given.map(async ({ url, range }) => await lasts(await get(url, { range }))))

  test('Xet: pieces of an unscanned file, and pieces of whichever file, go through the hub where something may be held', async () => {
    await setPolicy('warn')
    await say(file.sha256, 'nothing yet')
    expect(await use(await plans())).toEqual([300, 300])
    await setPolicy('block_infected')
    expect(await use(await plans())).toEqual(['hub', 'hub'])
    await say(file.sha256, 'safe')
    expect(await use(await plans())).toEqual([60, 'hub'])
  })

  test('Xet: addresses from a milder policy end with it, also where the verdict is older than they are', async () => {
    await setPolicy('warn')
    await say(file.sha256, 'unsafe')
    const given = await plans()
    expect(await use(given)).toEqual([300, 300])
    await setPolicy('block_infected')
    expect(await use(given)).toEqual(['refused', 'refused'])
    // Milder again: nothing is held, and they are of this time again.
    await setPolicy('warn')
    expect(await use(given)).toEqual([300, 300])
  })

  test('Xet: addresses that were given while a file was released end when it is held again', async () => {
    await setPolicy('block_infected')
    await say(file.sha256, 'unsafe')
    const cookie = await signInAs(running, ada)
    const content = storedContent(file.sha256)
    const headers = { cookie, origin: running.url, 'content-type': 'application/json' }
    const release = await fetch(`${running.url}/api/scan/releases`, {
      method: 'POST',
      body: JSON.stringify({ content, reason: 'looked at' }),
      headers,
    })
    expect(release.status).toBe(200)
    const given = await plans()
    expect(await use(given)).toEqual([60, 'hub'])
    await fetch(`${running.url}/api/scan/releases/${encodeURIComponent(content)}`, { method: 'DELETE', headers })
    expect(await use(given)).toEqual(['refused', 'refused'])
  })

  // Story: the addresses of a batch carried the policy alone. A repo that moves to a stricter organization, whose policy is older than the
  // addresses, looked unchanged, and its refused pickles could be had for an hour.
  test('Xet: addresses end when the repo moves to where another policy holds', async () => {
    const strict = await makeOrganization(running, 'strict', ada)
    await running.hub.transaction((tx) =>
      tx
        .updateTable('organization')
        .set({ pickleAdmission: 'refuse', admissionAt: 1 })
        .where('id', '=', strict.id)
        .execute(),
    )
    await setPolicy('warn')
    await say(file.sha256, 'safe')
    await running.hub.transaction((tx) =>
      tx
        .updateTable('contentScan')
        .set({ importSet: 'unknown', foundAt: 1 })
        .where('content', '=', storedContent(file.sha256))
        .execute(),
    )
    const given = await plans()
    expect(await use(given)).toEqual([300, 300])
    const moved = await fetch(`${running.url}/api/repos/move`, {
      method: 'POST',
      body: JSON.stringify({ fromRepo: 'acme/large', toRepo: 'strict/large', type: 'model' }),
      headers: { cookie: await signInAs(running, ada), origin: running.url, 'content-type': 'application/json' },
    })
    expect(moved.status).toBe(200)
    expect(await use(given)).toEqual(['refused', 'refused'])
  })
})
