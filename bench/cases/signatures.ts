/**
 * What verifying signed commits costs. In the job that follows a push, beside `git verify-commit`, which asks gpg for each
 * (`bench/signatures.ts`); and through the running hub, for whoever pushes where verified commits are required, and whoever opens a page.
 */
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import type { Target } from '../figures.ts'
import { gitClient, makeRepository, timePush, withCredential } from '../git-client.ts'
import { clientFor, type HubClient } from '../hub-client.ts'
import { run } from '../processes.ts'
import { type Holdfast, root, startHoldfast } from '../program.ts'
import { makeKeys, signedHistory, writeHistory } from '../signed-history.ts'

export const signaturesCase: BenchCase = {
  name: 'signatures',
  about:
    'Verifying a history of OpenPGP-signed commits (half Ed25519, half RSA): in the job that follows a push, in a push that must bring verified commits only, and on a page of commits.',
  run: async (bench) => {
    await measureJob(bench)
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'data') })
    try {
      await measureServed(bench, hub)
    } finally {
      await hub.stop()
    }
  },
}

async function measureJob(bench: Bench): Promise<void> {
  const size = ['--commits', bench.isQuick ? '200' : '10000', '--rounds', String(bench.rounds)]
  const { stdout } = await run(process.execPath, [path.join(root, 'bench', 'signatures.ts'), ...size], {
    timeLimitMs: 1_800_000,
  })
  for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
    const { name, unit, ours, yardstick } = JSON.parse(text) as {
      name: string
      unit: string
      ours: number[]
      yardstick: number[]
    }
    const target: Target | null =
      unit === 's' ? { atMost: 20, judge: 'median' } : yardstick.length > 0 ? { ratioAtMost: 0.1 } : null
    bench.report({
      name,
      unit,
      ours,
      yardstick: yardstick.length === 0 ? null : { name: 'git verify-commit', values: yardstick },
      target,
    })
  }
}

const user = 'bench'
const email = 'bench@example.org'
const password = 'correct horse battery'

async function measureServed(bench: Bench, hub: Holdfast): Promise<void> {
  const count = bench.isQuick ? 100 : 1_000
  const keys = await makeKeys(email)
  await hub.adminSaying(password, 'create-user', user, '--email', email, '--password-stdin')
  for (const key of keys) await hub.adminSaying(key.toPublic().armor(), 'add-key', user, '--file', '-')
  const client = clientFor(
    hub.url,
    await hub.admin('create-token', '--user', user, '--name', 'bench', '--role', 'write'),
  )
  const git = await gitClient(path.join(bench.folder, 'home'))
  const signed = path.join(bench.folder, 'signed')
  await mkdir(signed)
  spawnSync('git', ['init', '-q', '-b', 'main', signed])
  const history = await signedHistory(path.join(bench.folder, 'commits'), email, keys, count)
  writeHistory(path.join(signed, '.git'), history)
  const plain = path.join(bench.folder, 'plain')
  await makeRepository(git, plain, { files: 1, commits: count })

  const cookie = await signIn(hub)
  const target = async (name: string, level: 'verified' | 'off'): Promise<string> => {
    const repo = await client.createRepo(name)
    if (level !== 'off') await requireVerified(hub, repo, cookie)
    return withCredential(`${hub.url}/${repo}`, user, client.token)
  }
  const took: number[] = []
  const free: number[] = []
  for (let round = 0; round < bench.rounds; round++) {
    took.push((await timePush(git, signed, await target(`judged-${round}`, 'verified'))) / 1_000)
    free.push((await timePush(git, signed, await target(`free-${round}`, 'off'))) / 1_000)
  }
  bench.report({
    name: `push of ${count.toLocaleString('en')} commits, all required to be verified`,
    unit: 's',
    ours: took,
    yardstick: { name: 'the same, no policy', values: free },
    target: { atMost: 3, judge: 'median' },
  })

  await timePush(git, plain, await target('plain', 'off'))
  await comparePages(bench, client)
  client.close()
}

const warming = 20
const looks = 200

/** Look by look in turn: nearly all of a page is a git process, whose time varies more than what is compared. */
async function comparePages(bench: Bench, client: HubClient): Promise<void> {
  const page = (repo: string): Promise<number> => timeOpen(`${client.url}/${user}/${repo}/commits/main`)
  for (let look = 0; look < warming; look++) for (const repo of ['judged-0', 'plain']) await page(repo)
  const signed: number[] = []
  const unsigned: number[] = []
  for (let look = 0; look < looks * bench.rounds; look++) {
    signed.push(await page('judged-0'))
    unsigned.push(await page('plain'))
  }
  bench.report({
    name: 'a page of 50 signed commits',
    unit: 'ms',
    ours: signed,
    yardstick: { name: 'the same, not signed', values: unsigned },
    target: { ratioAtMost: 1.1 },
  })
}

async function timeOpen(url: string): Promise<number> {
  const began = performance.now()
  const answer = await fetch(url)
  const text = await answer.text()
  if (answer.status !== 200 || !text.includes('/commit/')) throw new Error(`${url} answered ${answer.status}.`)
  return performance.now() - began
}

async function signIn(hub: Holdfast): Promise<string> {
  const body = new URLSearchParams({ username: user, password })
  const answer = await fetch(`${hub.url}/login`, { method: 'POST', body, redirect: 'manual' })
  const cookie = answer.headers.getSetCookie().find((value) => value.startsWith('token='))
  if (cookie === undefined) throw new Error(`Signing in answered ${answer.status}.`)
  return cookie.split(';')[0] ?? ''
}

async function requireVerified(hub: Holdfast, repo: string, cookie: string): Promise<void> {
  const answer = await fetch(`${hub.url}/api/models/${repo}/signing-policy`, {
    method: 'PUT',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ level: 'verified', humanSignatureOnly: false }),
  })
  if (!answer.ok) throw new Error(`Setting the policy answered ${answer.status}: ${await answer.text()}`)
}
