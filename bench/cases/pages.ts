/**
 * Server time of pages on a hub of a million repos: each page warm, one request after the other over one connection, the 95th percentile of a
 * round; and the page of a file that nobody looked at before.
 */
import { Agent, request } from 'node:http'
import path from 'node:path'
import { openDatabase } from '../../src/platform/db/database.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import type { Bench, BenchCase } from '../case.ts'
import { percentile } from '../figures.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { fillSqlite } from '../listing/fill.ts'
import { authorName, worldOf } from '../listing/world.ts'
import { type Holdfast, startHoldfast } from '../program.ts'

const password = 'a long enough sentence'
const person = 'reader'
const warmAtMostMs = 50
const coldAtMostMs = 200
const coldFiles = 100

export const pagesCase: BenchCase = {
  name: 'pages',
  about:
    'Pages on a hub of 1,000,000 repos (SQLite), as an administrator of the hub who is signed in: 95th percentile of the server time of a round, warm; and of file pages that nobody looked at before.',
  run: async (bench) => {
    const data = path.join(bench.folder, 'hub')
    const empty = await openDatabase({ url: null, folder: data })
    await migrate(empty)
    await empty.close()
    fillSqlite(data, worldOf(bench.isQuick ? 20_000 : 1_000_000))
    const hub = await startHoldfast(bench.program, { data, settings: {} })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const repo = await fill(hub)
      const cookie = await signIn(agent, hub)
      const get = (address: string) => timed(agent, hub.url + address, cookie)
      await coldPages(bench, repo, get)
      for (const address of addresses(repo)) await warmPage(bench, address, repo, get)
    } finally {
      agent.destroy()
      await hub.stop()
    }
  },
}

function addresses(repo: string): readonly string[] {
  return [
    '/',
    '/models',
    '/models?search=bert',
    '/models?filter=license:mit&filter=fill-mask',
    '/datasets',
    '/search?q=bert',
    `/${authorName}`,
    `/${repo}`,
    `/${repo}/tree/main`,
    `/${repo}/blob/main/README.md`,
    `/${repo}/blob/main/config.json`,
    `/${repo}/commits/main`,
    `/${repo}/trust`,
    `/${repo}/trust/scan`,
    `/${repo}/refs`,
    '/settings/profile',
    '/settings/tokens',
    '/settings/tokens/new',
    '/settings/sessions',
    '/admin',
    '/admin/users',
    '/admin/organizations',
    '/admin/jobs',
    '/admin/settings',
    '/docs',
    '/docs/tokens',
    '/docs/api/organizations',
  ]
}

type Get = (address: string) => Promise<number>

async function warmPage(bench: Bench, address: string, repo: string, get: Get): Promise<void> {
  const requests = bench.isQuick ? 20 : 100
  for (let count = 0; count < 5; count++) await get(address)
  const rounds: number[] = []
  for (let round = 0; round < bench.rounds; round++) {
    const times: number[] = []
    for (let count = 0; count < requests; count++) times.push(await get(address))
    rounds.push(percentile(times, 0.95))
  }
  bench.report({
    name: address.replace(repo, 'ns/name'),
    unit: 'ms',
    ours: rounds,
    yardstick: null,
    target: { atMost: warmAtMostMs, judge: 'median' },
  })
}

async function coldPages(bench: Bench, repo: string, get: Get): Promise<void> {
  const times: number[] = []
  for (let number = 0; number < coldFiles; number++) times.push(await get(`/${repo}/blob/main/src/file-${number}.py`))
  bench.report({
    name: `${coldFiles} file pages, each for the first time`,
    unit: 'ms',
    ours: [percentile(times, 0.95)],
    yardstick: null,
    target: { atMost: coldAtMostMs, judge: 'worst' },
  })
}

/** A repo with a card, a configuration, some code and a history. */
async function fill(hub: Holdfast): Promise<string> {
  const client = await openClient(hub)
  const repo = await client.createRepo('subject')
  const card = `---\nlicense: mit\npipeline_tag: fill-mask\n---\n# Subject\n\n${'Some words of a card. '.repeat(300)}\n`
  const code = (number: number) => `def f${number}(x):\n    return x + ${number}\n\n`.repeat(60)
  const files = Array.from({ length: coldFiles }, (_, number) => file(`src/file-${number}.py`, code(number)))
  const config = JSON.stringify({ layers: 12, heads: Array.from({ length: 200 }, (_, at) => at) }, null, 2)
  await client.commit(repo, commitBody('All of it', file('README.md', card), file('config.json', config), ...files))
  for (let count = 0; count < 30; count++) {
    await client.commit(repo, commitBody(`Change ${count}`, file('config.json', `${config}\n${count}`)))
  }
  client.close()
  await hub.adminSaying(
    `${password}\n`,
    'create-user',
    person,
    '--email',
    'reader@example.org',
    '--admin',
    '--password-stdin',
  )
  return repo
}

/** The cookies of a session. */
function signIn(agent: Agent, hub: Holdfast): Promise<string> {
  const body = new URLSearchParams({ username: person, password }).toString()
  return new Promise((resolve, reject) => {
    const headers = {
      origin: hub.url,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    }
    const outgoing = request(`${hub.url}/login`, { method: 'POST', agent, headers }, (incoming) => {
      incoming.resume()
      const cookies = (incoming.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ')
      if (incoming.statusCode === 303 && cookies !== '') resolve(cookies)
      else reject(new Error(`Signing in was answered ${incoming.statusCode}.`))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function timed(agent: Agent, url: string, cookie: string): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: { cookie, accept: 'text/html' } }, (incoming) => {
      incoming.resume()
      incoming.on('error', reject)
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve(performance.now() - startedAt)
        else reject(new Error(`${url} was answered ${incoming.statusCode}.`))
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
