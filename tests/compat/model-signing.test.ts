/** The reference implementation of OpenSSF model signing, unmodified: what it signs, this hub verifies, and what it refuses is refused here. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { judgeBundle } from '../../src/platform/model-signing/judge-bundle.ts'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { type Ask, asking } from '../support/asking.ts'
import { type GitClient, gitClient } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { findPython, runClient } from './clients.ts'

const python = findPython('model-signing')
const hubPython = findPython('newest')
const script = fileURLToPath(new URL('python/model_signing_cases.py', import.meta.url))
const beside = (program: string, of: string | null) => (of === null ? '' : path.join(path.dirname(of), program))

interface Case {
  readonly name: string
  readonly key?: string
  readonly certificate?: string
}

describe.skipIf(python === null || hubPython === null)('OpenSSF model signing', { timeout: 180_000 }, () => {
  let folder: string
  let cases: Case[]
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let cookie: string
  let git: GitClient

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-model-signing-'))
    const made = await runClient(python ?? '', [script, 'make', folder])
    expect(made.code, made.stderr).toBe(0)
    cases = JSON.parse(await readFile(path.join(folder, 'cases.json'), 'utf8')) as Case[]
    site = await startHub()
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password: 'a long and quiet word' })
    await makeOrganization(site, 'acme', ada)
    cookie = await signInAs(site, ada)
    git = await gitClient(site.url, ada.token)
  }, 120_000)

  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** What the client says of each case: null where it accepts it. */
  async function clientSays(of: readonly Case[]): Promise<(string | null)[]> {
    await writeFile(path.join(folder, 'cases.json'), JSON.stringify(of))
    const said = await runClient(python ?? '', [script, 'verify', folder])
    expect(said.code, said.stderr).toBe(0)
    return JSON.parse(said.stdout) as (string | null)[]
  }

  const pemOf = (one: Case) => readFile(path.join(folder, one.key ?? one.certificate ?? ''), 'utf8')

  async function trust(one: Case): Promise<void> {
    const body = { name: one.name, key: await pemOf(one) }
    const answer = await ask('POST', '/api/organizations/acme/model-keys', { cookie, body })
    expect([200, 409], answer.text).toContain(answer.status)
  }

  async function settled(
    repo: string,
  ): Promise<{ status: string; reason: string | null; key: { name: string } | null }> {
    return await vi.waitFor(
      async () => {
        const at = `/api/models/acme/${repo}/model-signature/main`
        const found = (await ask('GET', at, { token: ada.token })).json<Awaited<ReturnType<typeof settled>>>()
        expect(found.status).not.toBe('pending')
        return found
      },
      { timeout: 30_000, interval: 50 },
    )
  }

  test('keys of all three curves, all ways to hash, and chains of certificates: both agree who signed, but for certificates that do not hold now', async () => {
    const said = await clientSays(cases)
    const disagree: string[] = []
    for (const [index, one] of cases.entries()) {
      const bundle = await readFile(path.join(folder, one.name, 'model.sig'))
      const kind = one.key === undefined ? 'certificate' : 'key'
      const judged = judgeBundle(bundle, [{ id: 't', kind, pem: await pemOf(one) }], Date.now())
      if ('by' in judged !== (said[index] === null)) disagree.push(one.name)
    }
    expect(said.filter((one) => one === null).length).toBeGreaterThanOrEqual(13)
    expect(said.filter((one) => one !== null).length).toBeGreaterThanOrEqual(8)
    // The client takes a certificate as of the moment from which it holds; the specification, and this hub, ask whether it holds.
    expect(disagree).toEqual(['certificate-ended', 'certificate-not-yet'])
  })

  test('what `model_signing sign` writes and `hf upload` brings is verified, and what `hf download` gives verifies with the client', async () => {
    const run = (program: string, ...args: string[]) =>
      runClient(program, args, { home: folder, env: { HF_ENDPOINT: site.url, HF_TOKEN: ada.token } })
    const cli = beside('model_signing', python)
    const hf = beside('hf', hubPython)
    const model = path.join(folder, 'by-hand')
    await cp(path.join(folder, 'secp256r1-files'), model, { recursive: true })
    await writeFile(path.join(model, 'large.safetensors'), Buffer.alloc(12_000_000, 3))
    const signature = path.join(model, 'model.sig')
    await rm(signature)
    const key = path.join(folder, 'secp256r1.pem')
    const signed = await run(cli, 'sign', 'key', '--private_key', key, '--signature', signature, model)
    expect(signed.code, signed.stderr).toBe(0)
    await trust({ name: 'Release', key: 'secp256r1.pub' })
    const only = '/api/organizations/acme/signed-models'
    expect((await ask('PUT', only, { cookie, body: { signedModelsOnly: true } })).status).toBe(200)
    const up = await run(hf, 'upload', 'acme/by-hand', model, '.')
    expect(up.code, up.stderr).toBe(0)
    expect(await settled('by-hand')).toMatchObject({ status: 'verified', key: { name: 'Release' } })
    // Only signed models are handed out here, and this is one: files in git and by Xet.
    const got = path.join(folder, 'got')
    const down = await run(hf, 'download', 'acme/by-hand', '--local-dir', got)
    expect(down.code, down.stderr).toBe(0)
    await rm(path.join(got, '.cache'), { recursive: true, force: true })
    const publicKey = path.join(folder, 'secp256r1.pub')
    const there = path.join(got, 'model.sig')
    const verified = await run(cli, 'verify', 'key', '--public_key', publicKey, '--signature', there, got)
    expect(verified.stdout + verified.stderr).toContain('Verification succeeded')
    // One file less than was signed, and nothing is handed out any more, large files by Xet included.
    const less = await fetch(`${site.url}/api/models/acme/by-hand/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: [
        JSON.stringify({ key: 'header', value: { summary: 'less' } }),
        JSON.stringify({ key: 'deletedFile', value: { path: 'config.json' } }),
      ].join('\n'),
    })
    expect(less.status).toBe(200)
    expect(await settled('by-hand')).toMatchObject({ reason: 'file_missing' })
    const held = await run(hf, 'download', 'acme/by-hand', '--local-dir', path.join(folder, 'held'))
    expect(held.code).not.toBe(0)
    expect(held.stdout + held.stderr).toContain('Only signed models are handed out here')
    // By Xet bytes are asked for by their hash: those of the revision that was verified are given, others of the same repository are not.
    await writeFile(path.join(model, 'unsigned.safetensors'), Buffer.alloc(12_000_000, 4))
    const more = await run(
      hf,
      'upload',
      'acme/by-hand',
      path.join(model, 'unsigned.safetensors'),
      'unsigned.safetensors',
    )
    expect(more.code, more.stderr).toBe(0)
    const tree = (await ask('GET', '/api/models/acme/by-hand/tree/main', { token: ada.token })).json<
      { path: string; xetHash?: string }[]
    >()
    const hashOf = (name: string) => tree.find((entry) => entry.path === name)?.xetHash ?? ''
    const { casUrl, accessToken } = (
      await ask('GET', '/api/models/acme/by-hand/xet-read-token/main', { token: ada.token })
    ).json<{ casUrl: string; accessToken: string }>()
    const reconstruct = async (name: string) =>
      (
        await fetch(`${casUrl}/v1/reconstructions/${hashOf(name)}`, {
          headers: { authorization: `Bearer ${accessToken}` },
        })
      ).status
    expect(await reconstruct('large.safetensors')).toBe(200)
    expect(await reconstruct('unsigned.safetensors')).toBe(403)
    expect((await ask('PUT', only, { cookie, body: { signedModelsOnly: false } })).status).toBe(200)
  })

  test('after signing something changes in the folder: hub and client find the same folders verified, and the same not', async () => {
    const from = 'secp256r1-files'
    const changes: Record<string, (model: string) => Promise<unknown>> = {
      nothing: async () => undefined,
      changed: (model) => writeFile(path.join(model, 'config.json'), 'other'),
      emptied: (model) => writeFile(path.join(model, 'config.json'), ''),
      missing: (model) => rm(path.join(model, 'README.md')),
      extra: (model) => writeFile(path.join(model, 'extra.txt'), 'x'),
      hidden: (model) => writeFile(path.join(model, '.hidden'), 'x'),
      'another-signature': (model) => writeFile(path.join(model, 'other.sig'), 'not of a model'),
      'git-attributes': (model) => writeFile(path.join(model, '.gitattributes'), '*.zip binary\n'),
      'git-attributes-below': (model) => writeFile(path.join(model, 'weights', '.gitattributes'), '*.zip binary\n'),
      link: (model) => symlink('config.json', path.join(model, 'link.json')),
      moved: (model) => cp(path.join(model, 'README.md'), path.join(model, 'weights', 'README.md')),
    }
    await trust({ name: 'Release', key: 'secp256r1.pub' })
    const changed: Case[] = []
    for (const [name, change] of Object.entries(changes)) {
      const model = path.join(folder, `change-${name}`)
      await cp(path.join(folder, from), model, { recursive: true })
      await change(model)
      changed.push({ name: `change-${name}`, key: 'secp256r1.pub' })
      const made = await ask('POST', '/api/repos/create', {
        token: ada.token,
        body: { name: `change-${name}`, organization: 'acme' },
      })
      expect(made.status, made.text).toBe(200)
      await git.sh(`cp -a ${model} change-${name} && cd change-${name} && git init -q && git add -A -f && git commit -qm model
        git push -qf $URL/acme/change-${name} HEAD:main`)
    }
    const said = await clientSays(changed)
    const verified = Object.keys(changes).filter((_, index) => said[index] === null)
    const here: string[] = []
    for (const name of Object.keys(changes)) {
      if ((await settled(`change-${name}`)).status === 'verified') here.push(name)
    }
    expect(here).toEqual(verified)
    expect(verified).toEqual(['nothing', 'git-attributes'])
  })
})
