/** What the proof of downloads costs: the same private repo of an organization that has nothing audited, and of one that has all. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { runClient } from '../children.ts'
import { clientFor, commitBody, file, largeFile } from '../hub-client.ts'
import { growthDuring } from '../processes.ts'
import { type Holdfast, startHoldfast } from '../program.ts'

const user = 'bench'
const password = 'a long enough sentence'

export const auditedDownloadsCase: BenchCase = {
  name: 'audited-downloads',
  about:
    'Downloads from a private repo by `resolve`: a thousand small files in turn over 16 connections, and one large file. One hub of the same program where the organization has all downloads audited, one where it has none; and by how much each grew meanwhile.',
  run: async (bench) => {
    const hubs = await Promise.all(
      ['all', 'nothing'].map((name) => startHoldfast(bench.program, { data: path.join(bench.folder, name) })),
    )
    try {
      const [audited, plain] = hubs
      if (audited === undefined || plain === undefined) throw new Error('Two hubs are compared.')
      await compare(bench, await prepare(bench, audited, 'all'), await prepare(bench, plain, 'nothing'))
    } finally {
      for (const hub of hubs) await hub.stop()
    }
  },
}

interface Subject {
  readonly hub: Holdfast
  readonly headers: Readonly<Record<string, string>>
  readonly small: readonly string[]
  readonly large: string
  readonly size: number
}

async function prepare(bench: Bench, hub: Holdfast, scope: 'all' | 'nothing'): Promise<Subject> {
  const count = bench.isQuick ? 100 : 1_000
  const size = bench.isQuick ? 32 << 20 : 1 << 30
  await hub.adminSaying(`${password}\n`, 'create-user', user, '--email', 'bench@example.org', '--password-stdin')
  const token = await hub.admin('create-token', '--user', user, '--name', 'bench', '--role', 'write')
  const headers = { authorization: `Bearer ${token}` }
  const cookie = await signIn(hub)
  const asJson = { cookie, 'content-type': 'application/json' }
  await expectOk(hub, 'POST', '/api/organizations', asJson, { name: 'acme' })
  await expectOk(hub, 'PUT', '/api/organizations/acme/audit-log/downloads/settings', asJson, { downloads: scope })
  const settings = { name: 'subject', organization: 'acme', visibility: 'private' }
  await expectOk(hub, 'POST', '/api/repos/create', asJson, settings)
  const client = clientFor(hub.url, token)
  const repo = 'acme/subject'
  const names = Array.from({ length: count }, (_, at) => `part-${at}.txt`)
  await client.commit(repo, commitBody('Small files', ...names.map((name) => file(name, `some words of ${name}`))))
  const { sha256 } = await runClient('upload', { kind: 'lfs', url: `${hub.url}/${repo}`, headers, size, seed: 'audit' })
  await client.commit(repo, commitBody('A large file', largeFile('model.safetensors', sha256, size)))
  client.close()
  const address = (name: string): string => `${hub.url}/${repo}/resolve/main/${name}`
  return { hub, headers, small: names.map(address), large: address('model.safetensors'), size }
}

async function compare(bench: Bench, audited: Subject, plain: Subject): Promise<void> {
  const seconds = bench.isQuick ? 1.5 : 4
  const grown = new Map<Subject, number[]>([
    [audited, []],
    [plain, []],
  ])
  const many = async (subject: Subject): Promise<number> => {
    const [url = '', ...more] = subject.small
    let perSecond = 0
    const growth = await growthDuring(subject.hub.pid, async () => {
      perSecond = (await runClient('load', { url, more, headers: subject.headers, connections: 16, seconds })).perSecond
    })
    grown.get(subject)?.push(growth / 1e6)
    return perSecond
  }
  const one = async ({ large, headers, size }: Subject): Promise<number> => {
    const result = await runClient('download', { url: large, headers })
    if (result.bytes !== size) throw new Error(`${large} sent ${result.bytes} bytes in place of ${size}.`)
    return result.bytes / result.seconds / 1e6
  }
  for (const subject of [audited, plain]) await many(subject)
  for (const values of grown.values()) values.length = 0
  const target = { ratioAtLeast: 0.7 }
  await bench.compare({
    name: 'small files',
    unit: 'req/s',
    target,
    ours: () => many(audited),
    yardstick: { name: 'not audited', measure: () => many(plain) },
  })
  bench.report({
    name: 'growth meanwhile',
    unit: 'MB',
    ours: grown.get(audited) ?? [],
    yardstick: { name: 'not audited', values: grown.get(plain) ?? [] },
    target: null,
  })
  await bench.compare({
    name: 'one large file',
    unit: 'MB/s',
    target,
    ours: () => one(audited),
    yardstick: { name: 'not audited', measure: () => one(plain) },
  })
  await seeRecords(audited, true)
  await seeRecords(plain, false)
}

/** A comparison of two hubs that both record, or both do not, would look very good. */
async function seeRecords({ hub, headers }: Subject, expected: boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${hub.url}/api/organizations/acme/audit-log/downloads?limit=1`, { headers })
    const records: unknown = await answer.json()
    const has = Array.isArray(records) && records.length > 0
    if (has === expected && answer.ok) return
    if (tries >= 20) throw new Error(`${hub.url} ${has ? 'recorded what it should not' : 'recorded nothing'}.`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function signIn(hub: Holdfast): Promise<string> {
  const body = new URLSearchParams({ username: user, password })
  const answer = await fetch(`${hub.url}/login`, { method: 'POST', body, redirect: 'manual' })
  const cookie = answer.headers.getSetCookie().find((value) => value.startsWith('token='))
  if (cookie === undefined) throw new Error(`Signing in answered ${answer.status}.`)
  return cookie.split(';')[0] ?? ''
}

async function expectOk(
  hub: Holdfast,
  method: string,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: object,
): Promise<void> {
  const answer = await fetch(hub.url + address, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${address} answered ${answer.status}: ${await answer.text()}`)
}
