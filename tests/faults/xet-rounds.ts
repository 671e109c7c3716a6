/**
 * Kills a whole server in the middle of uploads by Xet: of xorbs, of shards in both versions, and of the commits that follow. What was
 * acknowledged is there and reads back; of the rest nothing half is visible, and its repetition succeeds.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { settleOnStart } from '../../src/features/ingest/service.ts'
import { scrub } from '../../src/features/storage/service.ts'
import { openHub } from '../../src/hub.ts'
import { makeUser } from '../support/accounts.ts'
import { startHub } from '../support/start-hub.ts'
import { type Checked, expectXetAgreement } from './xet-agreement.ts'
import { writePages } from './xet-pages.ts'
import {
  type Acknowledged,
  address,
  type Client,
  type Cut,
  type Phase,
  type Upload,
  uploadUntilDead,
} from './xet-uploads.ts'

export interface XetResult {
  xorbs: number
  files: number
  commits: number
  /** Uploads that a kill cut while they sent this. */
  readonly cut: { connect: number; xorbs: number; shard: number; commit: number }
  /** Files of writes under way that a kill left behind. */
  leftBehind: number
  /** Xorbs that had their name, but no row yet that says so. */
  unclaimed: number
}

type Server = ChildProcessByStdio<Writable, Readable, null>

export async function runXetRounds(rounds: number): Promise<XetResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-xet-kills-'))
  const data = path.join(folder, 'data')
  const acknowledged: Acknowledged = { xorbs: new Set(), files: new Map(), commits: new Map() }
  const checked: Checked = new Set()
  const servers: Server[] = []
  const load = (): Server => {
    const server = loadServer(folder)
    servers.push(server)
    return server
  }
  const cut = { connect: 0, xorbs: 0, shard: 0, commit: 0 }
  const result: XetResult = { xorbs: 0, files: 0, commits: 0, cut, leftBehind: 0, unclaimed: 0 }
  try {
    await writePages(path.join(folder, 'pages'))
    const token = await makeRepo(data)
    let pending: readonly (Upload | null)[] = [null, null, null, null]
    let unread: string[] = []
    let next = load()
    for (let round = 0; round < rounds; round++) {
      const loaded = next
      const url = await startServer(loaded)
      if (round + 1 < rounds) next = load()
      const known = new Set(acknowledged.commits.keys())
      const strike = uploadAnd(round, { url, token, acknowledged }, pending)
      await expectReadable({ url, token }, acknowledged, unread)
      await strike.moment
      // Every other time the whole machine dies; otherwise git processes outlive their server.
      await kill(loaded, round % 2 === 0)
      const cuts = await strike.cuts
      for (const { phase } of cuts) cut[phase]++
      pending = cuts.map(({ upload }) => upload)
      result.leftBehind += (await readdir(path.join(data, 'blobs', 'incoming'))).length
      unread = [...acknowledged.commits.keys()].filter((name) => !known.has(name))
      result.unclaimed += await expectAgreement(data, acknowledged, checked)
    }
    await expectEnd(data, token, acknowledged)
    result.xorbs = acknowledged.xorbs.size
    result.files = acknowledged.files.size
    result.commits = acknowledged.commits.size
    return result
  } finally {
    await Promise.all(servers.map((server) => kill(server, true)))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The token of who uploads. */
async function makeRepo(data: string): Promise<string> {
  const hub = await startHub({ folder: data })
  try {
    const { token } = await makeUser(hub, 'ada', { tokenRole: 'write' })
    const response = await fetch(`${hub.url}/api/repos/create`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: address.split('/')[1], private: true }),
    })
    expect(response.status).toBe(200)
    return token
  } finally {
    await hub.stop()
  }
}

/** Begins the uploads, and says when to strike. */
function uploadAnd(
  round: number,
  at: Omit<Client, 'begins'>,
  pending: readonly (Upload | null)[],
): { readonly moment: Promise<void>; readonly cuts: Promise<Cut[]> } {
  // Three rounds of four strike while this is surely sent, the fourth whenever it comes.
  const target = (['xorbs', 'shard', 'commit', null] as const)[round % 4]
  // The first requests wait for threads and processes to start. A kill amid commits comes when one was answered.
  const warmUp = target === 'commit' ? at.acknowledged.commits.size + 1 : 0
  let shards = 0
  let isThere: () => void = () => undefined
  const targetBegins = new Promise<void>((resolve) => {
    isThere = resolve
  })
  const begins = (phase: Phase): void => {
    if (phase === target && shards > 0 && at.acknowledged.commits.size >= warmUp) isThere()
    if (phase === 'shard') shards++
  }
  const cuts = Promise.all(pending.map((upload) => uploadUntilDead({ ...at, begins }, upload)))
  const moment = target === null ? pause(randomInt(0, 1_000)) : targetBegins.then(() => pause(randomInt(0, 60)))
  // A client's fault ends the round at once.
  const failed = cuts.then(() => undefined)
  return { cuts, moment: Promise.race([moment.then(() => undefined), failed]) }
}

/** A process that has loaded the server and waits. */
function loadServer(folder: string): Server {
  const script = fileURLToPath(new URL('./xet-server.ts', import.meta.url))
  return spawn(process.execPath, [script, path.join(folder, 'data'), path.join(folder, 'pages')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // The same sources are loaded once per round.
    env: { ...process.env, NODE_COMPILE_CACHE: path.join(folder, 'compiled') },
  })
}

async function startServer(server: Server): Promise<string> {
  server.stdin.write('start\n')
  return await new Promise<string>((resolve, reject) => {
    createInterface({ input: server.stdout }).once('line', (line) => resolve(line.replace('ready ', '')))
    server.once('exit', () => reject(new Error('The server of a Xet round did not start.')))
  })
}

async function kill(server: Server, withChildren: boolean): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  const children = withChildren ? await childrenOf(server.pid ?? 0) : []
  server.kill('SIGKILL')
  for (const child of children) {
    try {
      process.kill(child, 'SIGKILL')
    } catch {
      // It ended by itself in between.
    }
  }
  await exited
}

/** Children and grandchildren, on Linux; elsewhere none are found and they are left to outlive the server. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1').catch(() => '')
  const children = text.split(' ').map(Number).filter(Boolean)
  const below = await Promise.all(children.map(childrenOf))
  return [...children, ...below.flat()]
}

/** Returns how many xorbs lie under their names with a row that does not say so yet. */
async function expectAgreement(data: string, acknowledged: Acknowledged, checked: Checked): Promise<number> {
  const hub = await openHub(readConfig({ HOLDFAST_DATA: data, HOLDFAST_LOG_LEVEL: 'error' }))
  try {
    await settleOnStart(hub)
    await expectXetAgreement(hub, acknowledged, checked)
    const announced = await hub.db.list.selectFrom('xorb').select('hash').where('chunkCount', '=', 0).execute()
    const sizes = await Promise.all(announced.map(({ hash }) => hub.blobs.findSize({ kind: 'xorb', hash })))
    return sizes.filter((size) => size !== null).length
  } finally {
    await hub.close()
  }
}

/** At `main`, over HTTP, as anybody downloads it. */
async function expectReadable(
  at: { readonly url: string; readonly token: string },
  { commits }: Acknowledged,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const response = await fetch(`${at.url}/${address}/resolve/main/${name}`, {
      headers: { authorization: `Bearer ${at.token}` },
    })
    expect(response.status, name).toBe(200)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(commits.get(name)?.sha256)
  }
}

/** Everything that was ever acknowledged, once more; and the check of the store itself finds nothing. */
async function expectEnd(data: string, token: string, acknowledged: Acknowledged): Promise<void> {
  const { hub, url, stop } = await startHub({ folder: data })
  try {
    await expectReadable({ url, token }, acknowledged, [...acknowledged.commits.keys()])
    await expectXetAgreement(hub, acknowledged, new Set())
    const report = await scrub(hub, { round: 'test', isResumed: false, until: () => 4_096, bytesPerSecond: 1e12 })
    expect([report.damaged, report.strays]).toEqual([[], 0])
  } finally {
    await stop()
  }
}
