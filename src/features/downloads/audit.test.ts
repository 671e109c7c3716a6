/** Idea 10: reads are records of a chain, and whoever cuts or edits it is found out. */
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type StartOptions, startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { makeRepo } from '../../../tests/support/world.ts'
import { systemClock } from '../../platform/clock.ts'
import { auditPublicKeys, type Fault, sealNow } from '../audit/service.ts'
import { AuditBook, auditBookOf, signDownloads } from './audit-book.ts'
import { readJournal } from './audit-journal.ts'
import { pruneAudited } from './audit-prune.ts'
import { exportAudited, verifyDownloads } from './service.ts'

const password = 'a long and quiet word'
const day = 86_400_000

interface Shown {
  readonly id: string
  readonly path: string
  readonly requests: number
  readonly bytes: number
  readonly by: { readonly name: string }
  readonly credential: { readonly id: string }
  readonly userAgent: string
  readonly seal: number
}

describe.each(dialects)('audited downloads on %s', (dialect) => {
  let running: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let adaCookie: string
  let now = Date.now()
  const options: StartOptions = { dialect, clock: systemClock(() => now) }

  beforeAll(async () => {
    running = await startHub(options)
    ask = asking(running)
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password })
    bob = await makeUser(running, 'bob', { tokenRole: 'read', password })
    const acme = await makeOrganization(running, 'acme', ada, { bob: 'read' })
    await makeRepo(running.hub, acme, 'secret', { visibility: 'private' })
    await makeRepo(running.hub, acme, 'open', { visibility: 'public' })
    for (const name of ['secret', 'open']) await commit(`acme/${name}`)
    adaCookie = await signInAs(running, ada)
    // What pages and pushes above left.
    await auditBookOf(running.hub).flush()
  })
  afterAll(() => running.stop())

  async function commit(repo: string): Promise<void> {
    const file = (name: string) => ({
      key: 'file',
      value: { path: name, content: Buffer.from(`weights in ${name}`).toString('base64'), encoding: 'base64' },
    })
    const lines = [{ key: 'header', value: { summary: 'files' } }, file('a.txt'), file('b.txt')]
    const answer = await fetch(`${running.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${ada.token}` },
    })
    expect(answer.status).toBe(200)
  }
  async function take(address: string, headers: Record<string, string> = {}): Promise<void> {
    const answer = await fetch(`${running.url}${address}`, {
      headers: { authorization: `Bearer ${bob.token}`, ...headers },
    })
    expect(answer.status).toBeLessThan(300)
    await answer.arrayBuffer()
  }
  const flush = () => auditBookOf(running.hub).flush()
  const list = async (query = ''): Promise<Shown[]> =>
    (await ask('GET', `/api/organizations/acme/audit-log/downloads${query}`, { token: ada.token ?? '' })).json()
  const faults = async (): Promise<string[]> => {
    const found: Fault[] = []
    await verifyDownloads(running.hub, { onFault: (fault) => found.push(fault) })
    return found.map(({ kind }) => kind)
  }
  /** What an administrator types into the database's shell; undone afterwards by putting the rows back. */
  async function attacked(statements: readonly string[]): Promise<string[]> {
    const { hub } = running
    const found: Fault[] = []
    const rows = await hub.db.read.selectFrom('auditedDownload').selectAll().execute()
    const seals = await hub.db.read.selectFrom('downloadSeal').selectAll().execute()
    const signatures = await hub.db.read.selectFrom('downloadCheckpoint').selectAll().execute()
    for (const statement of statements) await hub.transaction((tx) => sql.raw(statement).execute(tx))
    await verifyDownloads(hub, { onFault: (fault) => found.push(fault) })
    await hub.transaction(async (tx) => {
      for (const table of ['auditedDownload', 'downloadSeal', 'downloadCheckpoint'] as const) {
        await tx.deleteFrom(table).execute()
      }
      await tx.insertInto('auditedDownload').values(rows).execute()
      await tx.insertInto('downloadSeal').values(seals).execute()
      await tx.insertInto('downloadCheckpoint').values(signatures).execute()
    })
    return [...new Set(found.map(({ kind }) => kind))]
  }

  test('idea 10: a private read is a sealed record with who, token, file and bytes; ranges are one; a public read is none', async () => {
    for (let at = 0; at < 20; at++)
      await take('/acme/secret/resolve/main/a.txt', { range: `bytes=${at % 4}-${at % 4}` })
    await take('/acme/secret/raw/main/b.txt')
    await take('/acme/open/resolve/main/a.txt')
    await flush()
    const records = await list()
    expect(records.map(({ path: name, requests, bytes, by }) => [name, requests, bytes, by.name])).toEqual([
      ['b.txt', 1, 16, 'bob'],
      ['a.txt', 20, 20, 'bob'],
    ])
    expect(records[0]?.seal).toBeGreaterThan(0)
    expect(await list('?principal=ada')).toEqual([])
    expect(await list('?principal=bob&repo=acme/secret')).toHaveLength(2)
    expect(await list(`?token=${records[0]?.credential.id}`)).toHaveLength(2)
    expect(await list('?from=2100-01-01')).toEqual([])
    expect(await list('?to=2000-01-01')).toEqual([])
    expect(
      (await ask('GET', '/api/organizations/acme/audit-log/downloads?from=x', { token: ada.token ?? '' })).status,
    ).toBe(400)
    const page = await ask('GET', '/api/organizations/acme/audit-log/downloads?limit=1', { token: ada.token ?? '' })
    const next = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1] ?? ''
    expect((await ask('GET', next, { token: ada.token ?? '' })).json<Shown[]>()[0]?.path).toBe('a.txt')
    expect((await ask('GET', '/api/organizations/acme/audit-log/downloads', { token: bob.token ?? '' })).status).toBe(
      403,
    )
    expect(await faults()).toEqual([])
  })

  test('idea 10: an organization decides what is audited: nothing, what is restricted, or all', async () => {
    const address = '/api/organizations/acme/audit-log/downloads/settings'
    const set = async (downloads: string) =>
      expect((await ask('PUT', address, { cookie: adaCookie, body: { downloads } })).status).toBe(200)
    expect((await ask('GET', address, { cookie: adaCookie })).json()).toEqual({ downloads: 'restricted' })
    const before = (await list()).length
    await set('nothing')
    await take('/acme/secret/resolve/main/b.txt')
    await flush()
    expect(await list()).toHaveLength(before)
    await set('all')
    await take('/acme/open/resolve/main/b.txt')
    await flush()
    expect(await list()).toHaveLength(before + 1)
    await set('restricted')
    expect((await ask('PUT', address, { token: ada.token ?? '', body: { downloads: 'nothing' } })).status).toBe(403)
  })

  test('the story: a leaver downloads all weights and, with the password of the database, removes the rows that tell. verify tells', async () => {
    await signDownloads(running.hub)
    await take('/acme/secret/resolve/main/a.txt', { 'user-agent': 'second' })
    await flush()
    await signDownloads(running.hub)
    expect(await faults()).toEqual([])
    expect(await attacked([`update "auditedDownload" set "actorName" = 'eve' where "seal" = 1`])).toContain(
      'event-changed',
    )
    expect(await attacked([`delete from "auditedDownload" where "seal" = 1`])).toContain('event-deleted')
    expect(await attacked([`delete from "downloadSeal" where "number" = 1`])).toContain('seal-missing')
    // He cuts the end, with its signature, and leaves no record behind: the audit log still knows of it.
    const { number } = await running.hub.db.read
      .selectFrom('downloadSeal')
      .select('number')
      .orderBy('number', 'desc')
      .executeTakeFirstOrThrow()
    expect(
      await attacked([
        `delete from "auditedDownload" where "seal" = ${number}`,
        `delete from "downloadSeal" where "number" = ${number}`,
        `delete from "downloadCheckpoint" where "number" = ${number}`,
      ]),
    ).toEqual(['seal-missing'])
    // He says that it was pruned: the audit log knows of no pruning.
    expect(
      await attacked([
        `update "downloadSeal" set "keptHashes" = (select "id" || ' ' || "hash" || chr(10) from "auditedDownload" where "seal" = ${number}) where "number" = ${number}`.replace(
          'chr(10)',
          dialect === 'postgres' ? 'chr(10)' : 'char(10)',
        ),
        `delete from "auditedDownload" where "seal" = ${number}`,
      ]),
    ).toEqual(['event-deleted'])
    expect(await faults()).toEqual([])
  })

  test('the story: a file name with line breaks and quotes shall forge a record in the export. It is one line, in quotes', async () => {
    await take('/acme/secret/resolve/main/b.txt', { 'user-agent': 'x"}\\n{"type":"download' })
    await flush()
    const answer = await ask('GET', '/api/organizations/acme/audit-log/downloads/export', { token: ada.token ?? '' })
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson')
    const records = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Shown)
    expect(records).toHaveLength((await list()).length)
    expect(records[0]?.userAgent).toBe('x"}\\n{"type":"download')
  })

  test('the story: a file is named with a line break, an escape sequence and quotes, to forge a line or to colour a terminal', async () => {
    const { hub } = running
    await take('/acme/secret/resolve/main/a.txt', { 'user-agent': 'before' })
    await flush()
    const known = await hub.db.read.selectFrom('auditedDownload').selectAll().executeTakeFirstOrThrow()
    const { seal: _seal, hash: _hash, ...record } = known
    const hostile = 'x"}\n{"type":"seal","number":99}\r\n\u001b[2J\u001b[31mowned\u2028\'.bin'
    auditBookOf(hub).note({ record: { ...record, id: hub.clock.id(), path: hostile }, isOpen: false })
    await flush()
    const answer = await ask('GET', '/api/organizations/acme/audit-log/downloads/export', { token: ada.token ?? '' })
    const lines = answer.text.trimEnd().split('\n')
    expect(lines).toHaveLength((await list()).length)
    expect((JSON.parse(lines[0] ?? '') as Shown).path).toBe(hostile)
    const chain: string[] = []
    await exportAudited(hub, async (line) => void chain.push(line))
    for (const line of [...lines, ...chain]) {
      expect(line).not.toMatch(/[\u0000-\u001f]/)
      expect(typeof JSON.parse(line)).toBe('object')
    }
    expect(chain.filter((line) => line.startsWith('{"type":"seal","number":99'))).toEqual([])
    expect(independentCheck(chain, auditPublicKeys(hub))).toBe((await list()).length)
    const page = await ask('GET', '/organizations/acme/settings/audited-downloads', { cookie: adaCookie })
    expect(page.text).toContain('x&quot;}')
    expect(await faults()).toEqual([])
  })

  test('somebody else verifies the export by docs/audit.md alone', async () => {
    const lines: string[] = []
    await exportAudited(running.hub, async (line) => void lines.push(line))
    const count = independentCheck(lines, auditPublicKeys(running.hub))
    expect(count).toBe((await list()).length)
    const forged = lines.map((line) => line.replace('"actorName":"bob"', '"actorName":"eve"'))
    expect(() => independentCheck(forged, auditPublicKeys(running.hub))).toThrow('record')
  })

  test('the story: the server is killed between bytes and seal. The journal has the record, and the next start seals it once', async () => {
    const { hub } = running
    const before = await list()
    await take('/acme/secret/resolve/main/a.txt', { 'user-agent': 'killed' })
    const names = (await readdir(running.folder)).filter((name) => name.endsWith('.journal'))
    expect(names).toHaveLength(1)
    const file = path.join(running.folder, names[0] ?? '')
    const left = await readFile(file, 'utf8')
    await flush()
    // As if the process had died after the commit and before the file was removed: and with half a line.
    await writeFile(file, `${left}{"record":{"id`)
    await new AuditBook(hub).recover()
    expect(await list()).toHaveLength(before.length + 1)
    // And as if it had died before the commit.
    await writeFile(file, left.replace(/"id":"([0-9a-f]{24})"/, `"id":"${hub.clock.id()}"`))
    await new AuditBook(hub).recover()
    expect(await list()).toHaveLength(before.length + 2)
    expect((await readdir(running.folder)).filter((name) => name.endsWith('.journal'))).toEqual([])
    expect(await faults()).toEqual([])
  })

  test('the story: a full disk leaves a torn line in the middle of a journal. It costs itself alone, and the file is kept', async () => {
    const before = await list()
    const left = async (agent: string): Promise<string> => {
      await take('/acme/secret/resolve/main/a.txt', { 'user-agent': agent })
      const name = (await readdir(running.folder)).find((one) => one.endsWith('.journal')) ?? ''
      const text = await readFile(path.join(running.folder, name), 'utf8')
      await flush()
      return text.replace(/"id":"([0-9a-f]{24})"/, `"id":"${running.hub.clock.id()}"`)
    }
    const [one, two] = [await left('one'), await left('two')]
    const wrong = two.replace('"bytes":', '"bytes":"many","was":').replace(/"id":"[0-9a-f]{24}"/, '"id":"wrong"')
    const file = path.join(running.folder, `download-audit-${running.hub.clock.id()}.journal`)
    await writeFile(file, `${one}{"record":{"id":"torn\n${wrong}${two}`)
    await new AuditBook(running.hub).recover()
    expect(await list()).toHaveLength(before.length + 4)
    expect(await readFile(`${file}.unreadable`, 'utf8')).toContain('"torn')
    await new AuditBook(running.hub).recover()
    expect(await list()).toHaveLength(before.length + 4)
    expect(await faults()).toEqual([])
  })

  // The database was away for hours: the journal of that time was read whole at the next start, which had no room for it.
  test('the story: a journal of many batches is recovered batch by batch, none of its lines twice or not at all', async () => {
    await take('/acme/secret/resolve/main/a.txt', { 'user-agent': 'many' })
    const name = (await readdir(running.folder)).find((one) => one.endsWith('.journal')) ?? ''
    const line = await readFile(path.join(running.folder, name), 'utf8')
    await flush()
    const count = async () => {
      const { records } = await running.hub.db.read
        .selectFrom('auditedDownload')
        .select((q) => q.fn.countAll<number>().as('records'))
        .executeTakeFirstOrThrow()
      return Number(records)
    }
    const before = await count()
    const lines = Array.from({ length: 1_234 }, () =>
      line.replace(/"id":"([0-9a-f]{24})"/, `"id":"${running.hub.clock.id()}"`),
    )
    const file = path.join(running.folder, `download-audit-${running.hub.clock.id()}.journal`)
    // Cut in its last line, as a kill leaves it.
    await writeFile(file, lines.join('').slice(0, -10))
    const batches: number[] = []
    for await (const batch of readJournal(file, 500)) batches.push(batch.length)
    expect(batches).toEqual([500, 500, 233])
    await new AuditBook(running.hub).recover()
    expect(await count()).toBe(before + 1_233)
    expect(await faults()).toEqual([])
  })

  test('the list of the whole hub takes a time, and refuses filters that no index serves', async () => {
    const root = await makeUser(running, `root${dialect}`, { password, isAdmin: true })
    const cookie = await signInAs(running, root)
    expect((await ask('GET', '/api/audited-downloads?from=2000-01-01', { cookie })).json<Shown[]>()).not.toEqual([])
    for (const filter of ['repo=acme/secret', 'principal=bob', 'token=x']) {
      const refused = await ask('GET', `/api/audited-downloads?${filter}`, { cookie })
      expect(refused.status).toBe(400)
      expect(refused.text).toContain('/api/organizations/{org}/audit-log/downloads')
    }
  })

  test('idea 10: after its time a record is pruned, and its hash stays in the proof', async () => {
    const { hub } = running
    const kept = hub.config.downloadAuditDays
    now += (kept + 1) * day
    await pruneAudited(hub, new AbortController().signal)
    expect((await hub.db.read.selectFrom('auditedDownload').selectAll().execute()).length).toBe(0)
    const report = await verifyDownloads(hub, { onFault: () => undefined })
    expect(report).toMatchObject({ faults: 0, records: 0 })
    expect(report.pruned).toBeGreaterThan(3)
    await sealNow(hub)
  })
})

/** Written from docs/audit.md, "Audited downloads", with nothing of the hub's own code. Gives the number of records; throws where one is wrong. */
function independentCheck(lines: readonly string[], pem: string): number {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const key = createPublicKey(pem)
  let previous = '0'.repeat(64)
  let total = 0
  let open: { number: number; sealedAt: number; total: number; hash: string; lines: string } | null = null
  const close = () => {
    if (open === null) return
    const { number, sealedAt } = open
    const text = `holdfast download seal 1\n${number}\n${sealedAt}\n${total}\n${previous}\n${open.lines}`
    if (sha256(text) !== open.hash || open.total !== total) throw new Error(`seal ${number} is wrong`)
    previous = open.hash
    open = null
  }
  for (const line of lines) {
    const item = JSON.parse(line)
    if (item.type === 'seal') {
      close()
      if (item.previous !== previous) throw new Error(`seal ${item.number} does not continue`)
      open = { ...item, lines: item.keptHashes ?? '' }
      total += (item.keptHashes ?? '').split('\n').length - 1
    } else if (item.type === 'download') {
      const sorted = Object.fromEntries(
        Object.entries(item.record)
          .filter(([, value]) => value !== null)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      )
      if (sha256(JSON.stringify(sorted)) !== item.hash) throw new Error(`record ${item.record.id} is wrong`)
      if (open !== null) open.lines += `${item.record.id} ${item.hash}\n`
      total++
    } else {
      close()
      const text = `holdfast download checkpoint 1\n${item.number}\n${item.hash}\n${item.total}\n${item.madeAt}\n`
      if (
        item.hash !== previous ||
        !verifySignature(null, Buffer.from(text), key, Buffer.from(item.signature, 'base64'))
      ) {
        throw new Error(`checkpoint ${item.number} is wrong`)
      }
    }
  }
  close()
  return total
}
