/**
 * Idea 4: a job of CI uploads by stock `hf upload` with nothing that is secret for longer than the job: an ID token of its own issuer, the address of the
 * hub, and what it wants to write to. What is wrong is said in the client's own error text.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dialects } from '../support/databases.ts'
import { makeRepo, type PublisherWorld, startPublisherWorld } from '../support/publishers.ts'
import { makeServiceAccount } from '../support/service-accounts.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const python = findPython('newest')
const hf = python === null ? '' : path.join(path.dirname(python), 'hf')

describe.skipIf(python === null).each(dialects)('hf upload by ID token alone, on %s', (dialect) => {
  let world: PublisherWorld
  let home: string

  beforeAll(async () => {
    world = await startPublisherWorld(dialect)
    await makeRepo(world, 'harbor')
    await makeRepo(world, 'tides', 'dataset')
    await world.trust('/api/models/acme/harbor', { repository: 'acme/train', repository_id: '7' })
    await world.trust('/api/datasets/acme/tides', { repository: 'acme/train', repository_id: '7' })
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-oidc-'))
    await writeFile(path.join(home, 'notes.txt'), 'written by a job\n')
    await writeFile(path.join(home, 'weights.bin'), Buffer.alloc(300_000, 7))
  }, 60_000)
  afterAll(async () => {
    await world?.stop()
    await rm(home, { recursive: true, force: true })
  })

  /** Nothing else of the environment reaches the client: no token, no login. */
  const run = (resource: string, env: Record<string, string>, ...args: string[]) =>
    runClient(hf, args, { home, env: { HF_ENDPOINT: world.running.url, HF_OIDC_RESOURCE: resource, ...env } })
  const job = async (claims: Record<string, unknown> = {}) => ({ HF_OIDC_ID_TOKEN: await world.idToken(claims) })
  const files = async (repo: string) => {
    const tree = await world.ask('GET', `/api/${repo}/tree/main?recursive=true`, world.adaToken)
    return tree.json<{ path: string }[]>().map((entry) => entry.path)
  }
  const oneLine = ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`.replace(/\s+/g, ' ')

  it('uploads a small and a large file to a model, and a folder to a dataset', { timeout: 180_000 }, async () => {
    expectSuccess(await run('acme/harbor', await job(), 'upload', 'acme/harbor', 'notes.txt'))
    expectSuccess(await run('acme/harbor', await job(), 'upload', 'acme/harbor', 'weights.bin'))
    expect(await files('models/acme/harbor')).toEqual(expect.arrayContaining(['notes.txt', 'weights.bin']))
    const folder = await run(
      'datasets/acme/tides',
      await job(),
      'upload',
      'acme/tides',
      '.',
      'data',
      '--repo-type',
      'dataset',
      '--include',
      '*.txt',
    )
    expectSuccess(folder)
    expect(await files('datasets/acme/tides')).toContain('data/notes.txt')
    const commits = await world.ask('GET', '/api/models/acme/harbor/commits/main', world.adaToken)
    expect(commits.json<{ authors: { user: string }[] }[]>()[0]?.authors).toEqual([{ user: 'ada' }])
  })

  it('uploads as a service account, where that may', { timeout: 180_000 }, async () => {
    const account = await makeServiceAccount(world.running, world.acme, 'nightly')
    await world.trust(`/api/organizations/acme/service-accounts/${account.id}`, { project_path: 'acme/train' })
    const claims = { project_path: 'acme/train', job_id: '34' }
    const resource = 'service-accounts/acme/nightly'
    expectSuccess(await run(resource, await job(claims), 'upload', 'acme/harbor', 'notes.txt', 'nightly.txt'))
    // It makes what is not there yet.
    expectSuccess(await run(resource, await job(claims), 'upload', 'acme/brand-new', 'notes.txt'))
    const commits = await world.ask('GET', '/api/models/acme/harbor/commits/main', world.adaToken)
    expect(commits.json<{ authors: { user: string }[] }[]>()[0]?.authors).toEqual([{ user: 'nightly' }])
  })

  it('asks GitHub Actions for the ID token by itself, for the address of this hub', { timeout: 180_000 }, async () => {
    const asked: string[] = []
    // What a runner has: an address that answers with the ID token of the job.
    const runner = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost')
      asked.push(`${request.headers.authorization} ${url.searchParams.get('audience')}`)
      world.idToken({ aud: url.searchParams.get('audience') }).then(
        (value) => {
          response.setHeader('content-type', 'application/json')
          response.end(JSON.stringify({ value }))
        },
        () => response.destroy(),
      )
    })
    await new Promise<void>((done) => runner.listen(0, '127.0.0.1', done))
    const env = {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://localhost:${(runner.address() as AddressInfo).port}/token`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-runner',
    }
    expectSuccess(await run('acme/harbor', env, 'upload', 'acme/harbor', 'notes.txt', 'actions.txt'))
    expect(asked).toEqual([`Bearer of-the-runner ${world.running.url}`])
    runner.closeAllConnections()
    await new Promise((done) => runner.close(done))
  })

  it('is told by the client what to look at when it is refused', { timeout: 180_000 }, async () => {
    const stranger = await run('acme/harbor', await job({ repository_id: '8' }), 'upload', 'acme/harbor', 'notes.txt')
    expect(stranger.code).not.toBe(0)
    expect(oneLine(stranger)).toContain('acme/harbor has no trusted publisher that takes this ID token.')
    expect(oneLine(stranger)).toContain('What differed stands in the audit log of the resource.')
    const used = await job()
    expectSuccess(await run('acme/harbor', used, 'upload', 'acme/harbor', 'notes.txt', 'again.txt'))
    const replayed = await run('acme/harbor', used, 'upload', 'acme/harbor', 'notes.txt', 'again.txt')
    expect(replayed.code).not.toBe(0)
    expect(oneLine(replayed)).toContain('This ID token was exchanged already')
    const elsewhere = await run('acme/harbor', await job(), 'upload', 'acme/brand-new-2', 'notes.txt')
    expect(elsewhere.code).not.toBe(0)
  })
})
