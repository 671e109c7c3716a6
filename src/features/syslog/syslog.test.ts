/** Syslog of the sealed log at real receivers, by TCP and TLS: nothing lost, in order, and what somebody tries to write between the lines. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeUser } from '../../../tests/support/accounts.ts'
import { writeEvents } from '../../../tests/support/audit-events.ts'
import { makeCertificate } from '../../../tests/support/certificates.ts'
import { dialects, makeDatabase, makeSchema } from '../../../tests/support/databases.ts'
import { watchPlans } from '../../../tests/support/plans.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { makeRepo } from '../../../tests/support/world.ts'
import type { DialectName } from '../../platform/db/kysely-handle.ts'
import { readLogEnds, selectDownloadsAfter, selectSealedAfter } from '../audit/service.ts'
import { findState } from './queries.ts'
import { glanceAtSyslog } from './service.ts'

const cleaning: (() => Promise<unknown>)[] = []
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-syslog-'))
})
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

/** Reads octet counting and nothing else: what is not framed fails the test. */
class Receiver {
  readonly messages: string[] = []
  readonly faults: string[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  port = 0
  onSocket: (socket: Socket) => void = (socket) => this.read(socket)
  #server: Server | null = null
  readonly #tls: { key: string; cert: string } | null

  constructor(tls: { key: string; cert: string } | null = null) {
    this.#tls = tls
  }

  async listen(): Promise<void> {
    const greet = (socket: Socket): void => {
      this.connections++
      this.sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.sockets.delete(socket))
      this.onSocket(socket)
    }
    const server = this.#tls === null ? createServer(greet) : createTlsServer(this.#tls, greet)
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.port = address.port
    cleaning.push(() => this.die())
  }

  read(socket: Socket): void {
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const space = rest.indexOf(' ')
        if (space < 0) return
        const length = rest.subarray(0, space).toString('latin1')
        if (!/^[1-9]\d{0,5}$/.test(length)) return void this.faults.push(rest.subarray(0, 80).toString())
        const end = space + 1 + Number(length)
        if (rest.length < end) return
        this.messages.push(rest.subarray(space + 1, end).toString('utf8'))
        rest = rest.subarray(end)
      }
    })
  }

  /** With everything that is connected, as a process that is killed. */
  async die(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const socket of this.sockets) socket.resetAndDestroy()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  ids(): string[] {
    return this.messages.flatMap((message) => / id="([0-9a-f]{24})"/.exec(message)?.[1] ?? [])
  }
}

/** Bytes that are held outside of the heap, after what nobody holds was collected. */
function memory(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  return process.memoryUsage().arrayBuffers
}

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 25_000, interval: 50 })

async function start(
  dialect: DialectName,
  receiver: Receiver,
  env: Record<string, string> = {},
  protocol = 'tcp',
): Promise<TestHub> {
  const running = await startHub({
    dialect,
    env: { HOLDFAST_SYSLOG: `${protocol}://127.0.0.1:${receiver.port}`, ...env },
  })
  cleaning.push(() => running.stop())
  await until(async () => expect(await stateOf(running)).toBeDefined())
  return running
}
const stateOf = async ({ hub }: TestHub) => (await findState(hub.db))?.state

describe.each(dialects)('idea 10: syslog on %s', (dialect) => {
  test('idea 10: each event is one framed message of RFC 5424, in the order of the log; an idle hub keeps no connection and writes nothing', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver)
    const ids = await writeEvents(running.hub, 700, { action: 'org.token.revoke' })
    await until(() => expect(receiver.ids()).toEqual(ids))
    expect(receiver.faults).toEqual([])
    const [message = ''] = receiver.messages
    expect(message).toMatch(
      /^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z localhost holdfast - org\.token\.revoke \[event@32473 id="/,
    )
    expect(message).toContain('actor="ada"')
    expect(message).toContain('ip="127.0.0.1"')
    const text = message.slice(message.indexOf('] {') + 2)
    expect(JSON.parse(text)).toMatchObject({ _id: ids[0], type: 'org.token.revoke', ip: '127.0.0.1' })
    await until(async () => expect(await stateOf(running)).toMatchObject({ failures: 0, holder: null }))
    await until(() => expect(receiver.sockets.size).toBe(0))
    const { connections } = receiver
    const before = JSON.stringify(await stateOf(running))
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect([receiver.connections, JSON.stringify(await stateOf(running))]).toEqual([connections, before])
  })

  test('the story: somebody names a file and a program so that the receiver writes lines of its own: newlines, quotes, brackets, terminal codes, letters that turn the line. Each stays inside its one message', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver)
    const forged = '<110>1 2026-01-01T00:00:00Z hub holdfast - repo.delete [event@32473 id="forged"] forged'
    const evil = `a"]\n57 ${forged}\r\n\\" ] \u001b[2J\u0007\u009b31m\u202egpj.exe\u2028\u2066\u200b\ufeff\u007f ä`
    const ids = await writeEvents(running.hub, 1, {
      action: 'repo.create',
      actorName: `${evil}1`,
      resourceName: evil,
      userAgent: evil,
      ip: '"] [x',
      data: JSON.stringify({ path: evil }),
    })
    await writeEvents(running.hub, 1, { action: `repo.x\n${forged}` })
    await until(() => expect(receiver.messages).toHaveLength(2))
    expect(receiver.faults).toEqual([])
    const [message = '', other = ''] = receiver.messages
    expect(receiver.ids()[0]).toBe(ids[0])
    for (const one of [message, other]) expect(one).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    // As a receiver reads it: the values of the structured data, and JSON behind it.
    const parsed =
      /^<110>1 \S+ \S+ holdfast - repo\.create \[event@32473((?: \w+="(?:[^"\\\]]|\\["\\\]])*")+)\] (\{.*\})$/.exec(
        message,
      )
    const values = [...(parsed?.[1] ?? '').matchAll(/ (\w+)="((?:[^"\\\]]|\\["\\\]])*)"/g)].map(
      ([, name, value]) => [name, value?.replace(/\\(.)/g, '$1')] as const,
    )
    const fields = Object.fromEntries(values)
    expect(fields.resource).toBe(evil.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd'))
    expect(fields.ip).toBe('"] [x')
    expect(fields.id).toBe(ids[0])
    const entry = JSON.parse(parsed?.[2] ?? '') as { userAgent: string; data: { details: { path: string } } }
    expect(entry.userAgent).toBe(evil)
    expect(entry.data.details.path).toBe(evil)
    expect(other.split(' ')[5]).toBe('repo.x_<110>1_2026-01-01T00:00:0')
  })

  test('the story: a User-Agent and a change of megabytes are made so that the receiver cuts a message in two. A message has an end, and says where the rest is', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver)
    const long = '\u{1f6a2}"'.repeat(20_000)
    const [id] = await writeEvents(running.hub, 1, {
      ...{ action: 'org.change_role', actorName: long, resourceName: long, userAgent: long, ip: long, requestId: long },
      data: JSON.stringify({ long }),
    })
    await until(() => expect(receiver.messages).toHaveLength(1))
    const [message = ''] = receiver.messages
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(8_192)
    expect(JSON.parse(message.slice(message.indexOf('] {') + 2))).toMatchObject({ _id: id, truncated: true })
  })

  test('the story: the receiver is killed while it reads, again and again, and the hub restarts meanwhile. Nothing is lost; what comes twice has one id, and the order holds', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const schema = dialect === 'postgres' ? await makeSchema() : null
    if (schema !== null) cleaning.push(() => schema.drop())
    const env = {
      HOLDFAST_SYSLOG: `tcp://127.0.0.1:${receiver.port}`,
      ...(schema === null ? {} : { HOLDFAST_DATABASE_URL: schema.options.url }),
    }
    const first = await startHub({ folder, env })
    await until(async () => expect(await stateOf(first)).toBeDefined())
    // It dies in the middle of its third message, with much unread.
    receiver.onSocket = (socket) => {
      let size = 0
      receiver.read(socket)
      socket.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > 3_000) void receiver.die()
      })
    }
    const ids = await writeEvents(first.hub, 400)
    await until(async () => expect((await stateOf(first))?.failures).toBeGreaterThan(1))
    expect(await glanceAtSyslog(first.hub)).toMatchObject({
      waiting: 400,
      fault: 'It could not be reached (ECONNREFUSED).',
    })
    await first.stop()
    receiver.onSocket = (socket) => receiver.read(socket)
    receiver.messages.length = 0
    await receiver.listen()
    const second = await startHub({ folder, env })
    cleaning.push(() => second.stop())
    await until(() => expect(receiver.ids()).toEqual(ids))
    // Killed between reading and the hub's note of it: told once more, under the same ids.
    const { failures = 0 } = (await stateOf(second)) ?? {}
    await receiver.die()
    await until(async () => expect((await stateOf(second))?.failures).toBeGreaterThan(failures))
    await receiver.listen()
    await until(async () => expect(await stateOf(second)).toMatchObject({ failures: 0 }))
    expect(receiver.ids()).toEqual([...ids, ...ids])
    expect(receiver.faults).toEqual([])
  }, 60_000)

  test('idea 10: reads that are audited are told too, in the order of their chain', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver, { HOLDFAST_SYSLOG_ACTIONS: 'download.*' })
    const ada = await makeUser(running, 'ada', { tokenRole: 'write' })
    await makeRepo(running.hub, ada, 'secret', { visibility: 'private' })
    const authorization = `Bearer ${ada.token}`
    const content = Buffer.from('weights').toString('base64')
    const lines = [
      { key: 'header', value: { summary: 'files' } },
      { key: 'file', value: { path: 'a "]\u202e.txt', content, encoding: 'base64' } },
    ]
    const made = await fetch(`${running.url}/api/models/ada/secret/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { 'content-type': 'application/x-ndjson', authorization },
    })
    expect(made.status).toBe(200)
    const file = encodeURIComponent('a "]\u202e.txt')
    for (const agent of ['one', 'two']) {
      const answer = await fetch(`${running.url}/ada/secret/resolve/main/${file}`, {
        headers: { authorization, 'user-agent': agent },
      })
      expect([answer.status, await answer.text()]).toEqual([200, 'weights'])
      await until(() => expect(receiver.messages.filter((one) => one.includes(`userAgent="${agent}"`))).toHaveLength(1))
    }
    expect(receiver.messages).toHaveLength(2)
    expect(receiver.messages[0]).toMatch(
      /^<110>1 \S+ localhost holdfast - download \[download@32473 id="[0-9a-f]{24}" /,
    )
    expect(receiver.messages[0]).toContain('resource="ada/secret"')
    expect(receiver.messages[0]).toContain('path="a \\"\\]\ufffd.txt"')
  })

  test('the next of the log is found by its indexes, in a log of any length', async () => {
    const database = await makeDatabase(dialect)
    cleaning.push(() => database.remove())
    const watched = await watchPlans(database, ['event', 'sealedEvent', 'auditedDownload', 'downloadSeal'])
    cleaning.push(() => watched.close())
    await watched.expectCheap(() => selectSealedAfter(watched.db, { seal: 1, position: 2 }, 500), 1_000)
    await watched.expectCheap(() => selectDownloadsAfter(watched.db, { seal: 1, id: '' }, 500), 1_000)
    await watched.expectCheap(() => readLogEnds(watched.db), 10)
  })

  test('what is sealed at the end is sent before the hub has stopped', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver)
    const ids = await writeEvents(running.hub, 3)
    await running.rest()
    expect(receiver.ids()).toEqual(ids)
    expect((await stateOf(running))?.lastSentAt).toBeGreaterThan(0)
  })

  test('only the scopes that are asked for, and the place of the reader moves over the others without a write each second', async () => {
    const receiver = new Receiver()
    await receiver.listen()
    const running = await start(dialect, receiver, { HOLDFAST_SYSLOG_ACTIONS: 'token.*, member.*' })
    await writeEvents(running.hub, 2, { action: 'repo.create' })
    const ids = await writeEvents(running.hub, 2, { action: 'token.create' })
    await until(() => expect(receiver.ids()).toEqual(ids))
    await until(async () => expect((await stateOf(running))?.lastSentAt).toBeGreaterThan(0))
    // The first skip is written, the others wait for their minute.
    await writeEvents(running.hub, 1, { action: 'repo.create' })
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const before = JSON.stringify(await stateOf(running))
    for (let round = 0; round < 3; round++) {
      await writeEvents(running.hub, 1, { action: 'repo.create' })
      await new Promise((resolve) => setTimeout(resolve, 1_200))
    }
    expect(JSON.stringify(await stateOf(running))).toBe(before)
    expect(receiver.ids()).toEqual(ids)
  })
})

test('idea 10: by TLS, only to a receiver whose certificate is of the named authority and of the named host', async () => {
  // The story: somebody on the way answers in the receiver's place, with a certificate of his own, or an honest one of another host.
  const files = await makeCertificate(folder, 'IP:127.0.0.1')
  const receiver = new Receiver(files)
  await receiver.listen()
  const strangers = await start('sqlite', receiver, {}, 'tls')
  await writeEvents(strangers.hub, 1)
  await until(async () => expect((await stateOf(strangers))?.lastError).toContain('Its certificate is not trusted'))
  expect(receiver.messages).toEqual([])
  const foreign = await makeCertificate(folder, 'DNS:elsewhere.example')
  const elsewhere = new Receiver(foreign)
  await elsewhere.listen()
  await writeFile(path.join(folder, 'foreign.pem'), foreign.cert)
  const named = await start('sqlite', elsewhere, { HOLDFAST_SYSLOG_CA: path.join(folder, 'foreign.pem') }, 'tls')
  await writeEvents(named.hub, 1)
  await until(async () => expect((await stateOf(named))?.lastError).toContain('ALTNAME'))
  expect(elsewhere.messages).toEqual([])

  await writeFile(path.join(folder, 'right.pem'), files.cert)
  const trusting = await start('sqlite', receiver, { HOLDFAST_SYSLOG_CA: path.join(folder, 'right.pem') }, 'tls')
  const ids = await writeEvents(trusting.hub, 300)
  await until(() => expect(receiver.ids()).toEqual(ids))
  await until(async () => expect((await stateOf(trusting))?.lastSentAt).toBeGreaterThan(0))
  expect(receiver.faults).toEqual([])
}, 60_000)

test('the story: a receiver takes connections and reads nothing. The hub serves on, keeps nothing of it in memory, and sends all of it later', async () => {
  const receiver = new Receiver()
  let kept: Socket[] = []
  receiver.onSocket = (socket) => kept.push(socket.pause())
  await receiver.listen()
  const running = await start('sqlite', receiver)
  const count = 6_000
  const ids = await writeEvents(running.hub, count, { data: JSON.stringify({ note: 'x'.repeat(5_000) }) })
  await until(() => expect(kept.length).toBeGreaterThan(0))
  const before = memory()
  const ada = await makeUser(running, 'ada', { tokenRole: 'read' })
  const who = await fetch(`${running.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${ada.token}` } })
  expect(who.status).toBe(200)
  await until(async () => expect((await stateOf(running))?.lastError).toContain('It takes no messages'))
  const after = memory()
  // What one connection may send would be 27 MB, of which the system takes a part.
  expect(after - before).toBeLessThan(10_000_000)
  receiver.onSocket = (socket) => receiver.read(socket)
  for (const socket of kept) socket.destroy()
  kept = []
  await until(() => expect(receiver.ids().slice(0, count)).toEqual(ids))
  expect(receiver.faults).toEqual([])
}, 90_000)
