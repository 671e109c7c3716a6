/** People at work on a hub: API commits, large files and git pushes, some of them forced, until they are told to stop. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { gitClient } from '../support/git-client.ts'
import type { TestRepo, TestToken } from '../support/world.ts'

export interface Acknowledged {
  readonly at: number
  readonly repo: TestRepo
  /** On `main`, which only moves forward. */
  readonly commit: string
}

export interface Load {
  readonly acknowledged: Acknowledged[]
  readonly pushes: () => number
  /** Waits for what is under way. Rejects with the first failure of a client. */
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly url: string
  readonly token: TestToken
  readonly repos: readonly TestRepo[]
  /** Bytes of the largest file. */
  readonly largest: number
  readonly pauseMs: number
}

export function startLoad(options: LoadOptions): Load {
  const acknowledged: Acknowledged[] = []
  const stopping = new AbortController()
  let pushes = 0
  const clients = options.repos.flatMap((repo) => [
    commitUntil(options, repo, stopping.signal, acknowledged),
    pushUntil(options, repo, stopping.signal, () => {
      pushes++
    }),
  ])
  for (const client of clients) client.catch(() => undefined)
  return {
    acknowledged,
    pushes: () => pushes,
    async stop() {
      stopping.abort()
      await Promise.all(clients)
    },
  }
}

async function commitUntil(
  options: LoadOptions,
  repo: TestRepo,
  signal: AbortSignal,
  acknowledged: Acknowledged[],
): Promise<void> {
  for (let count = 0; !signal.aborted; count++) {
    const bytes = randomBytes(randomInt(1, options.largest))
    const pointer = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
    await uploadLarge(options, repo, pointer, bytes)
    const lines = [
      { key: 'header', value: { summary: `commit ${count}` } },
      { key: 'file', value: { path: 'count', encoding: 'utf-8', content: String(count) } },
      // A few names again and again: most large files end up in the history only.
      { key: 'lfsFile', value: { path: `large-${count % 3}`, algo: 'sha256', ...pointer } },
    ]
    const body = lines.map((line) => JSON.stringify(line)).join('\n')
    const answer = await send(
      options,
      `api/models/${repo.namespace}/${repo.name}/commit/main`,
      'application/x-ndjson',
      body,
    )
    const { commitOid } = (await answer.json()) as { commitOid: string }
    acknowledged.push({ at: Date.now(), repo, commit: commitOid })
    await pause(options.pauseMs)
  }
}

async function uploadLarge(
  options: LoadOptions,
  repo: TestRepo,
  pointer: { oid: string; size: number },
  bytes: Buffer,
): Promise<void> {
  const question = JSON.stringify({ operation: 'upload', objects: [pointer] })
  const path = `${repo.address}.git/info/lfs/objects/batch`
  const answer = await send(options, path, 'application/vnd.git-lfs+json', question)
  const batch = (await answer.json()) as { objects: { actions?: { upload: { href: string } } }[] }
  const href = batch.objects[0]?.actions?.upload.href
  if (href === undefined) return
  const stored = await fetch(href, { method: 'PUT', body: new Uint8Array(bytes) })
  if (!stored.ok) throw new Error(`A large file was refused: ${stored.status} ${await stored.text()}`)
}

async function send(options: LoadOptions, path: string, type: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${options.token.value}`, 'content-type': type }
  const answer = await fetch(`${options.url}/${path}`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return answer
}

/** On a branch of its own, now and then rewritten, and with tags. */
async function pushUntil(options: LoadOptions, repo: TestRepo, signal: AbortSignal, tell: () => void): Promise<void> {
  await using client = await gitClient(options.url, options.token.value, repo.namespace)
  await client.sh(`git init -q -b work .; git remote add origin "$URL/${repo.address}"`)
  for (let count = 0; !signal.aborted; count++) {
    const rewrite = count % 4 === 3 ? '--amend' : ''
    await client.sh(
      `echo ${count} > file; git add file; git commit -q ${rewrite} -m 'push ${count}'
       git push -q --force origin work:refs/heads/pushed
       if [ $((${count} % 5)) = 4 ]; then git tag -am t t${count}; git push -q origin t${count}; fi`,
    )
    tell()
    await pause(options.pauseMs)
  }
}
