/** Attestations, as commands and over HTTP: what they say, and that nothing about them or the files can be changed without being seen. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../tests/support/accounts.ts'
import { type Ask, asking } from '../../tests/support/asking.ts'
import { dialects } from '../../tests/support/databases.ts'
import { type GitClient, gitClient } from '../../tests/support/git-client.ts'
import { makeModelSigner, signModel } from '../../tests/support/model-signer.ts'
import type { TestHub } from '../../tests/support/start-hub.ts'
import { startHubOn } from '../../tests/support/start-hub-on.ts'
import { preAuthEncoding } from '../platform/model-signing/envelope.ts'
import { attestCommand } from './attest.ts'

const password = 'a long enough sentence'

interface Envelope {
  payload: string
  payloadType: string
  signatures: { keyid: string; sig: string }[]
}

interface Statement {
  _type: string
  subject: {
    name: string
    digest: Record<string, string>
    annotations?: { size: number; scan: Record<string, unknown> }
  }[]
  predicateType: string
  predicate: Record<string, unknown>
}

const statementOf = (envelope: string | Buffer) =>
  JSON.parse(Buffer.from((JSON.parse(String(envelope)) as Envelope).payload, 'base64').toString()) as Statement

describe.each(dialects)('attestations on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let git: GitClient
  let folder: string
  let model: string
  let keys: string
  let attestation: string
  const large = Buffer.alloc(150_000, 5)
  const files: Readonly<Record<string, string | Buffer>> = {
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'README.md': '# Attested\n',
    'config.json': '{}',
    'sub/naïve name.txt': 'text\n',
    'weights.bin': large,
  }

  beforeAll(async () => {
    site = await startHubOn(dialect)
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    await makeOrganization(site, 'acme', ada)
    const cookie = await signInAs(site, ada)
    const signer = makeModelSigner()
    const body = { name: 'Release', key: signer.publicKey }
    expect((await ask('POST', '/api/organizations/acme/model-keys', { cookie, body })).status).toBe(200)
    git = await gitClient(site.url, ada.token)
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-attest-'))
    model = path.join(folder, 'model')
    const signed = Object.fromEntries(Object.entries(files).filter(([name]) => name !== '.gitattributes'))
    for (const [name, content] of Object.entries({ ...files, 'model.sig': signModel(signer, signed) })) {
      await mkdir(path.dirname(path.join(model, name)), { recursive: true })
      await writeFile(path.join(model, name), content)
    }
    const made = await ask('POST', '/api/repos/create', { token: ada.token, body: { name: 'm', organization: 'acme' } })
    expect(made.status, made.text).toBe(200)
    await git.sh(`cp -a ${model} m && cd m && git init -q && (git lfs install --local >/dev/null || true) && git add -A && git commit -qm one
      git push -qf $URL/acme/m HEAD:main`)
    keys = path.join(folder, 'hub.pub')
    await writeFile(keys, (await ask('GET', '/.well-known/holdfast/attestation-keys')).text)
    await vi.waitFor(
      async () => {
        const scan = await ask('GET', '/api/models/acme/m/scan', { token: ada.token })
        expect(scan.json<{ scansDone: boolean }>().scansDone).toBe(true)
      },
      { timeout: 60_000, interval: 100 },
    )
    attestation = path.join(folder, 'm.att')
    await command('acme/m', '--out', attestation)
  }, 120_000)

  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** What it wrote to standard output, and the exit code. */
  async function command(...args: string[]): Promise<{ out: string; code: number }> {
    const shared = { ...site.hub, close: async () => undefined }
    let out = ''
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    process.exitCode = 0
    try {
      await new Command('holdfast')
        .addCommand(attestCommand(() => Promise.resolve(shared)))
        .parseAsync(['attest', ...args], { from: 'user' })
      return { out, code: Number(process.exitCode) }
    } finally {
      write.mockRestore()
      process.exitCode = 0
    }
  }

  const verify = (file: string, ...more: string[]) => command('verify', file, '--key', keys, ...more)

  it('says, as an in-toto statement, which files with which SHA-256 a commit has, what scanners found, and who signed', async () => {
    const statement = statementOf(await readFile(attestation))
    const head = (await git.sh('cd m && git rev-parse HEAD')).trim()
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'urn:holdfast:revision-attestation:v1',
      predicate: {
        hub: { url: site.hub.config.publicUrl },
        repository: { kind: 'model', name: 'acme/m', revision: 'main', commit: head },
        commit: { author: 'ada', verification: { status: 'none' } },
        modelSignature: { status: 'verified', key: { name: 'Release' } },
        scanners: [expect.arrayContaining([expect.stringMatching(/^pickle /)])],
        unavailable: [],
        links: [],
      },
    })
    const [repo, ...rest] = statement.subject
    expect(repo).toEqual({ name: 'acme/m', digest: { gitCommit: head } })
    expect(rest.map(({ name }) => name).sort()).toEqual([...Object.keys(files), 'model.sig'].sort())
    for (const { name, digest, annotations } of rest) {
      const content = await readFile(path.join(model, name))
      expect(digest.sha256, name).toBe(createHash('sha256').update(content).digest('hex'))
      expect(annotations).toMatchObject({ size: content.length, scan: { status: 'safe', by: 0 } })
    }
  })

  it('over HTTP the same, to whoever may read the content; its time alone differs', async () => {
    const got = await ask('GET', '/api/models/acme/m/attestation/main', { token: ada.token })
    expect(got.status, got.text).toBe(200)
    expect(got.headers.get('content-type')).toBe('application/vnd.dsse.envelope.v1+json')
    const [one, other] = [statementOf(got.text), statementOf(await readFile(attestation))]
    expect({ ...one, predicate: { ...one.predicate, madeAt: 0 } }).toEqual({
      ...other,
      predicate: { ...other.predicate, madeAt: 0 },
    })
    const hidden = await ask('GET', '/api/models/acme/m/attestation/main')
    const missing = await ask('GET', '/api/models/acme/nothing/attestation/main')
    expect([hidden.status, hidden.text]).toEqual([missing.status, missing.text])
    expect((await ask('GET', '/api/models/acme/m/attestation/nope', { token: ada.token })).status).toBe(404)
  })

  it('verifies without the hub, and a folder as it was downloaded', async () => {
    const alone = await verify(attestation)
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.out).toContain('model acme/m at ')
    expect(alone.out).toContain('6 safe')
    await mkdir(path.join(model, '.git'), { recursive: true })
    await mkdir(path.join(model, '.cache', 'huggingface'), { recursive: true })
    await writeFile(path.join(model, '.cache', 'huggingface', 'x.metadata'), 'x')
    const whole = await verify(attestation, '--folder', model)
    expect(whole.out).toContain('all 6 files are as attested')
    expect(whole.code).toBe(0)
    // As the cache of Hugging Face's clients has it.
    const linked = path.join(folder, 'linked')
    await cp(model, linked, { recursive: true })
    await cp(path.join(linked, 'weights.bin'), path.join(folder, 'blob'))
    await rm(path.join(linked, 'weights.bin'))
    await symlink(path.join(folder, 'blob'), path.join(linked, 'weights.bin'))
    expect(await verify(attestation, '--folder', linked)).toMatchObject({ code: 0 })
  })

  it('The attack: a file in the folder is changed, of the same size too, missing, or another is added; each is named', async () => {
    const wrong = path.join(folder, 'wrong')
    await cp(model, wrong, { recursive: true })
    await writeFile(path.join(wrong, 'config.json'), '[]')
    await rm(path.join(wrong, 'weights.bin'))
    await writeFile(path.join(wrong, 'sub', 'evil.py'), 'import os')
    const { out, code } = await verify(attestation, '--folder', wrong)
    expect(code).toBe(1)
    expect(out).toMatch(/changed +config\.json/)
    expect(out).toMatch(/missing +weights\.bin/)
    expect(out).toMatch(/extra +sub\/evil\.py/)
    expect(out).toContain('3 files differ')
    expect(await verify(attestation, '--folder', path.join(folder, 'nowhere'))).toMatchObject({ code: 1 })
  })

  it('The attack: the statement is changed, or signed by somebody else, or another envelope is put around it', async () => {
    const good = JSON.parse(await readFile(attestation, 'utf8')) as Envelope
    const other = path.join(folder, 'other.att')
    const expectRefused = async (text: string) => {
      await writeFile(other, text)
      const { out, code } = await verify(other)
      expect(out).toContain('NOT ATTESTED')
      expect(code).toBe(1)
    }
    const changed = Buffer.from(good.payload, 'base64').toString().replace('"config.json"', '"conf_g.json"')
    await expectRefused(JSON.stringify({ ...good, payload: Buffer.from(changed).toString('base64') }))
    await expectRefused(JSON.stringify({ ...good, payloadType: 'text/plain' }))
    await expectRefused(JSON.stringify({ ...good, signatures: [] }))
    await expectRefused(JSON.stringify(good).replace('"payload"', '"payload":"AAAA","payload"'))
    await expectRefused('')
    await expectRefused('[]')
    const strange = path.join(folder, 'strange.pub')
    const { publicKey } = generateKeyPairSync('ed25519')
    await writeFile(strange, publicKey.export({ format: 'pem', type: 'spki' }))
    const notOurs = await command('verify', attestation, '--key', strange)
    expect(notOurs).toMatchObject({ code: 1 })
    // A commit signature or checkpoint of the same hub is no attestation: its keys are others.
    const [commitKey] = site.hub.keys.signingKeys('commit-signature')
    const payload = Buffer.from(good.payload, 'base64')
    const sig = commitKey.signBytes(preAuthEncoding(good.payloadType, payload)).toString('base64')
    await expectRefused(JSON.stringify({ ...good, signatures: [{ keyid: commitKey.id, sig }] }))
  })

  it('The attack: the hub itself signed a statement with names that lead out of the folder; nothing outside is read', async () => {
    const good = JSON.parse(await readFile(attestation, 'utf8')) as Envelope
    const [key] = site.hub.keys.signingKeys('attestation')
    const outside = path.join(folder, 'outside.txt')
    await writeFile(outside, 'secret')
    for (const name of ['../outside.txt', outside, 'sub/../../outside.txt', 'config.json']) {
      const statement = statementOf(JSON.stringify(good))
      const [, first] = statement.subject
      if (first === undefined) throw new Error('There is no file.')
      statement.subject.push({ ...first, name })
      const payload = Buffer.from(JSON.stringify(statement))
      const sig = key.signBytes(preAuthEncoding(good.payloadType, payload)).toString('base64')
      const file = path.join(folder, 'leading-out.att')
      await writeFile(
        file,
        JSON.stringify({ ...good, payload: payload.toString('base64'), signatures: [{ keyid: key.id, sig }] }),
      )
      const { out, code } = await verify(file, '--folder', model)
      expect(code, name).toBe(1)
      expect(out).toContain('names a file twice, or one outside')
    }
  })

  it('names of files do not write on the terminal', async () => {
    const evil = path.join(folder, 'evil')
    await cp(model, evil, { recursive: true })
    await writeFile(path.join(evil, 'a\u001b[2J\nok'), 'x')
    const { out } = await verify(attestation, '--folder', evil)
    expect(out).not.toContain('\u001b')
    expect(out).toContain('a\\u{1b}[2J\\u{a}ok')
  })

  it('many files that nobody has hashed yet: the request is told to come again, and gets it then', async () => {
    const count = 800
    await git.sh(`mkdir many && cd many && git init -q
      for i in $(seq ${count}); do echo "file $i ${dialect}" > f$i.txt; done
      git add -A && git commit -qm many`)
    const made = await ask('POST', '/api/repos/create', {
      token: ada.token,
      body: { name: 'many', organization: 'acme', type: 'dataset' },
    })
    expect(made.status).toBe(200)
    await git.sh('cd many && git push -qf $URL/datasets/acme/many HEAD:main')
    const at = '/api/datasets/acme/many/attestation/main'
    const first = await ask('GET', at, { token: ada.token })
    expect(first.status).toBe(503)
    expect(first.headers.get('retry-after')).toBe('2')
    const later = await vi.waitFor(
      async () => {
        const answer = await ask('GET', at, { token: ada.token })
        expect(answer.status).toBe(200)
        return answer
      },
      { timeout: 30_000, interval: 200 },
    )
    expect(statementOf(later.text).subject).toHaveLength(count + 1)
    const { out } = await command('datasets/acme/many')
    expect(statementOf(out).subject).toHaveLength(count + 1)
  })

  it('the public keys are printed too; what is no repository is said', async () => {
    expect((await command('public-key')).out).toBe(await readFile(keys, 'utf8'))
    await expect(command('acme/nothing')).rejects.toMatchObject({ code: 'repo_not_found' })
    await expect(command('nothing')).rejects.toMatchObject({ code: 'invalid_name' })
    await expect(command('acme/m', '--revision', 'nope')).rejects.toMatchObject({ code: 'revision_not_found' })
  })
})
