/**
 * Kills a working server at random moments and looks at what is left. After every kill: ref, event, job and link agree,
 * what was acknowledged is there, nothing is open, and no lock, quarantine or stage is left.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { formatLfsPointer, lfsPointerLimit, parseLfsPointer } from '../../src/domain/lfs-pointer.ts'
import { settleOnStart } from '../../src/features/ingest/service.ts'
import type { Hub } from '../../src/hub.ts'
import { incomingFolder, repositoryFolder } from '../../src/platform/git/git-store.ts'
import { cleanStale } from '../../src/platform/git/maintain.ts'
import { smallBlobs } from '../../src/platform/git/reachable.ts'
import { listRefs } from '../../src/platform/git/refs.ts'
import { runClient } from '../support/git-store.ts'
import { ingestRepo, openIngestHub, uploadBlob } from '../support/ingest.ts'

export interface KillResult {
  /** Acknowledged before a kill. */
  commits: number
  pushes: number
  /** Ref moves that a kill left open. */
  open: number
}

export async function runKillRounds(rounds: number): Promise<KillResult> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kill-'))
  const data = join(folder, 'data')
  const acknowledged = { commits: new Set<string>(), pushes: new Set<string>() }
  let open = 0
  try {
    const first = await openIngestHub(data)
    const pointers = Array.from({ length: 20 }, () => ({
      sha256: randomBytes(32).toString('hex'),
      size: randomInt(1, 1e6),
    }))
    for (const pointer of pointers) await uploadBlob(first, pointer.sha256, pointer.size)
    await first.close()
    for (let round = 0; round < rounds; round++) {
      let atWork: () => void = () => undefined
      const isAtWork = new Promise<void>((resolve) => {
        atWork = resolve
      })
      const server = await startServer(data, (commit) => {
        acknowledged.commits.add(commit)
        atWork()
      })
      const clients = new AbortController()
      const pushing = [0, 1].map((client) =>
        pushUntilDead(
          join(folder, `work-${round}-${client}`),
          server.url,
          pointers,
          clients.signal,
          acknowledged.pushes,
        ),
      )
      // Two rounds of three strike a server that is surely at work, the third whenever it comes.
      if (round % 3 > 0) await Promise.race([isAtWork, pause(10_000)])
      await pause(randomInt(0, 500))
      // Every other time the whole machine dies; otherwise git processes outlive their server.
      await kill(server.process, round % 2 === 0)
      clients.abort()
      await Promise.all(pushing)
      const hub = await openIngestHub(data)
      try {
        open += (await hub.db.read.selectFrom('refIntent').select('id').execute()).length
        await settleOnStart(hub)
        await expectAgreement(hub, acknowledged)
      } finally {
        await hub.close()
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  return { commits: acknowledged.commits.size, pushes: acknowledged.pushes.size, open }
}

async function startServer(
  data: string,
  onCommit: (commit: string) => void,
): Promise<{ process: ChildProcess; url: string }> {
  const script = fileURLToPath(new URL('./ingest-server.ts', import.meta.url))
  const server = spawn(process.execPath, [script, data], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: server.stdout })
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const [word, value = ''] = line.split(' ')
      if (word === 'ready') resolve(value)
      if (word === 'acknowledged') onCommit(value)
    })
    server.once('exit', () => reject(new Error('The server of a kill round did not start.')))
  })
  return { process: server, url }
}

async function pushUntilDead(
  work: string,
  url: string,
  pointers: readonly { sha256: string; size: number }[],
  signal: AbortSignal,
  acknowledged: Set<string>,
): Promise<void> {
  await runClient(tmpdir(), 'init', '-q', '-b', 'main', work)
  for (let count = 0; !signal.aborted; count++) {
    await writeFile(join(work, 'file'), `${work} ${count}`)
    const pointer = pointers[randomInt(pointers.length)]
    if (pointer) await writeFile(join(work, `large-${count % 3}`), formatLfsPointer(pointer))
    await runClient(work, 'add', '-A')
    await runClient(work, 'commit', '-q', '-m', `push ${count}`)
    const commit = await runClient(work, 'rev-parse', 'HEAD')
    const branch = `refs/heads/push/${work.split('-').slice(-2).join('-')}`
    const pushed = await runClient(work, 'push', '-q', url, `HEAD:${branch}`).then(
      () => true,
      () => false,
    )
    if (pushed) acknowledged.add(commit)
  }
}

async function kill(server: ChildProcess, withChildren: boolean): Promise<void> {
  const pid = server.pid ?? 0
  const exited = new Promise((resolve) => server.once('close', resolve))
  const children = withChildren ? await childrenOf(pid) : []
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

interface Move {
  ref: string
  old: string | null
  new: string | null
}

async function expectAgreement(hub: Hub, acknowledged: { commits: Set<string>; pushes: Set<string> }): Promise<void> {
  expect(await hub.db.read.selectFrom('refIntent').selectAll().execute()).toEqual([])
  const events = await hub.db.read.selectFrom('event').select(['id', 'data']).orderBy('id').execute()
  const jobs = await hub.db.read.selectFrom('job').select('payload').where('queue', '=', 'ref-moved').execute()
  expect(jobs.map((job) => JSON.parse(job.payload).eventId).sort()).toEqual(events.map((event) => event.id))

  // The events of each ref are a chain from nothing to what the ref holds.
  const ends = new Map<string, string | null>()
  const reached = new Set<string | null>()
  for (const event of events) {
    const move: Move = JSON.parse(event.data)
    expect(move.old, `the event of ${move.ref} continues the one before`).toBe(ends.get(move.ref) ?? null)
    ends.set(move.ref, move.new)
    reached.add(move.new)
  }
  const refs = await listRefs(hub.git, ingestRepo)
  expect(Object.fromEntries(refs.map((ref) => [ref.ref, ref.oid]))).toEqual(Object.fromEntries(ends))
  for (const commit of [...acknowledged.commits, ...acknowledged.pushes])
    expect(reached.has(commit), `${commit} was acknowledged`).toBe(true)
  const repo = await hub.db.read
    .selectFrom('repo')
    .select('headCommit')
    .where('id', '=', ingestRepo)
    .executeTakeFirstOrThrow()
  expect(repo.headCommit).toBe(ends.get('refs/heads/main') ?? null)

  const named = new Set<string>()
  for await (const blob of smallBlobs(hub.git, ingestRepo, { include: 'all', exclude: [] }, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer) named.add(pointer.sha256)
  }
  const linked = await hub.db.read
    .selectFrom('repoBlob')
    .select('sha256')
    .where('referencedAt', 'is not', null)
    .execute()
  expect(linked.map((row) => row.sha256).sort()).toEqual([...named].sort())

  expect(await cleanStale(hub.git, ingestRepo)).toEqual([])
  expect(await readdir(incomingFolder(hub.git))).toEqual([])
  await runClient(repositoryFolder(hub.git, ingestRepo), 'fsck', '--strict', '--no-dangling', '--connectivity-only')
}
