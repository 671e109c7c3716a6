/**
 * SA-8: a pipeline with a service account's token and clients as they come: `hf`, `huggingface_hub`, git with git-lfs. What it may do works,
 * the rest is refused in words that the client shows.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { gitClient, hasGitLfs } from '../support/git-client.ts'
import { jsonClient } from '../support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

describe('a service account with clients as they come', () => {
  let hub: TestHub
  let admin: string
  let acme: { id: string; name: string }
  let account: { id: string; name: string }
  let home: string
  /** Writes one model and nothing else. */
  let narrow: string
  let inherits: string

  beforeAll(async () => {
    hub = await startHub()
    const mara = await makeUser(hub, 'mara', { tokenRole: 'write' })
    admin = mara.token
    acme = await makeOrganization(hub, 'acme', mara)
    const ask = jsonClient(hub.url)
    for (const name of ['harbor', 'other']) {
      await ask('POST', '/api/repos/create', admin, { name, organization: 'acme', private: true })
    }
    account = await makeServiceAccount(hub, acme, 'ci publish')
    narrow = await makeAccountToken(hub, acme, account, ['model:acme/harbor=repo.write'])
    inherits = await makeAccountToken(hub, acme, account)
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-sa-'))
    await writeFile(path.join(home, 'notes.txt'), 'written by a machine\n')
    await writeFile(path.join(home, 'weights.bin'), Buffer.alloc(300_000, 7))
  })
  afterAll(async () => {
    await hub.stop()
    await rm(home, { recursive: true, force: true })
  })

  const commits = async (repo: string) =>
    (await jsonClient(hub.url)('GET', `/api/models/acme/${repo}/commits/main`, admin)).json<
      { title: string; authors: { user: string }[] }[]
    >()

  describe.each(['newest', 'last1'] as const)('hf, %s', (set) => {
    const python = findPython(set)
    const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
    const run = (token: string, ...args: string[]) =>
      runClient(hf, args, { home, env: { HF_ENDPOINT: hub.url, HF_TOKEN: token } })

    it.skipIf(python === null)(
      'SA-13: says who it is, uploads to its model, and is refused elsewhere',
      { timeout: 180_000 },
      async () => {
        expect(expectSuccess(await run(narrow, 'auth', 'whoami'))).toContain(`sa-${account.id}`)
        expectSuccess(await run(narrow, 'upload', 'acme/harbor', 'notes.txt', `${set}/notes.txt`))
        expectSuccess(await run(narrow, 'upload', 'acme/harbor', 'weights.bin', `${set}/weights.bin`))
        const target = path.join(home, `fetched-${set}`)
        expectSuccess(await run(narrow, 'download', 'acme/harbor', '--local-dir', target))
        expect(await readFile(path.join(target, set, 'notes.txt'), 'utf8')).toBe('written by a machine\n')
        const elsewhere = await run(narrow, 'upload', 'acme/other', 'notes.txt')
        expect(elsewhere.code).not.toBe(0)
        const made = await run(narrow, 'upload', 'acme/brand-new', 'notes.txt')
        expect(made.code).not.toBe(0)
        const own = await run(inherits, 'upload', 'no-namespace', 'notes.txt')
        expect(own.code).not.toBe(0)
        expect(`${own.stdout}${own.stderr}`.replace(/\s+/g, ' ')).toContain(
          'A service account has no namespace of its own',
        )
        expectSuccess(await run(inherits, 'upload', `acme/made-by-${set}`, 'notes.txt'))
        // Never under the name of a person.
        const [last] = await commits('harbor')
        expect(last?.authors).toEqual([{ user: 'ci publish' }])
      },
    )
  })

  it('git: clones and pushes, locks files under its own name, and is refused once it is disabled', {
    timeout: 120_000,
  }, async () => {
    const ask = jsonClient(hub.url)
    await ask('POST', '/api/repos/create', admin, { name: 'by-git', organization: 'acme', private: true })
    const value = await makeAccountToken(hub, acme, account, ['model:acme/by-git=repo.write'])
    await using client = await gitClient(hub.url, value, 'anything')
    await client.sh(`git clone -q $URL/acme/by-git r && cd r && echo one > one.txt && git add -A &&
      git commit -qm 'by git' --author='ci publish <${account.id}@service.invalid>' && git push -q origin main`)
    expect((await commits('by-git'))[0]).toMatchObject({ title: 'by git', authors: [{ user: 'ci publish' }] })
    expect(await client.fails('git clone -q $URL/acme/other o')).toMatch(/not found|404/i)
    if (hasGitLfs()) {
      await client.sh(`cd r && git lfs track '*.bin' && head -c 200000 /dev/urandom > w.bin && git add -A &&
        git commit -qm lfs && git push -q origin main && git lfs lock w.bin`)
      expect(await client.sh('cd r && git lfs locks')).toContain('ci publish')
    }
    const disabled = await ask('POST', `/api/organizations/acme/service-accounts/${account.id}/disable`, admin)
    expect(disabled.status).toBe(200)
    expect(await client.fails('cd r && git fetch')).toMatch(/Authentication failed|401/)
    expect(await client.fails('cd r && git commit -q --allow-empty -m two && git push origin main')).toMatch(
      /Authentication failed|401/,
    )
    await ask('POST', `/api/organizations/acme/service-accounts/${account.id}/enable`, admin)
    expect(await client.fails('cd r && git fetch')).toMatch(/Authentication failed|401/)
    const fresh = await makeAccountToken(hub, acme, account, ['model:acme/by-git=repo.write'])
    await using again = await gitClient(hub.url, fresh)
    expect(await again.sh('git ls-remote $URL/acme/by-git')).toContain('refs/heads/main')
  })
})
