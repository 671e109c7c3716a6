/**
 * The attack: somebody pushes a file with a token in it, by mistake, and somebody else reads the file before they notice. Live tokens of this hub die on arrival;
 * anything else that looks like a secret is told or refused, by policy; and whoever finds a token elsewhere can report it.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findPython, runClient } from '../compat/clients.ts'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { type Ask, asking } from '../support/asking.ts'
import { dialects } from '../support/databases.ts'
import { type GitClient, gitClient, hasGitLfs } from '../support/git-client.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'

const python = findPython('newest')
const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
/** Made anew in each run, so that this file itself holds nothing that looks like a secret. */
const githubToken = () => `ghp_${randomBytes(18).toString('hex')}`
const password = 'a long and quiet word'

describe.each(dialects)('secrets in what is pushed, on %s', (dialect) => {
  let running: TestHub
  let sink: SmtpSink
  let ask: Ask
  let ada: TestUser
  let rob: TestUser
  let acme: { id: string; name: string }
  let git: GitClient
  let robsGit: GitClient
  let folder: string
  let repos = 0

  beforeAll(async () => {
    sink = await startSmtpSink()
    running = await startHub({
      dialect,
      env: { HOLDFAST_SMTP_URL: sink.url, HOLDFAST_MAIL_FROM: 'hub@example.org' },
    })
    ask = asking(running)
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password })
    rob = await makeUser(running, 'rob', { tokenRole: 'write', password })
    acme = await makeOrganization(running, 'acme', ada, { rob: 'write' })
    git = await gitClient(running.url, ada.token)
    robsGit = await gitClient(running.url, rob.token, 'rob')
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-leaks-'))
  })
  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await robsGit[Symbol.asyncDispose]()
    await running.stop()
    await sink.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const set = async (policies: Readonly<Record<string, string>>) => {
    const answer = await ask('PATCH', '/api/organizations/acme/settings', { token: ada.token, body: policies })
    expect(answer.json()).toMatchObject(policies)
  }
  /** The name of a new repo of acme, cloned by both. */
  async function newRepo(owner: { id: string; name: string } = acme): Promise<string> {
    const name = `r${++repos}`
    await makeRepo(running.hub, owner, name, { visibility: 'private' })
    for (const client of owner === acme ? [git, robsGit] : [git]) {
      await client.sh(
        `git init -q ${name} && cd ${name} && git checkout -q -b main && git remote add origin $URL/${owner.name}/${name}`,
      )
    }
    return name
  }
  const works = async (token: string) => (await ask('GET', '/api/whoami-v2', { token })).status === 200
  const events = async (action: string) =>
    (
      await running.hub.db.read.selectFrom('event').selectAll().where('action', '=', action).orderBy('id').execute()
    ).map((event) => ({ ...event, data: JSON.parse(event.data) as Record<string, unknown> }))
  const commit = (repo: string, files: Readonly<Record<string, string>>, summary = 'one', token = ada.token) =>
    fetch(`${running.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: [
        { key: 'header', value: { summary, description: '' } },
        ...Object.entries(files).map(([name, text]) => ({
          key: 'file',
          value: { path: name, content: Buffer.from(text).toString('base64'), encoding: 'base64' },
        })),
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    })

  describe('the leak trap', () => {
    test('story: a token in a pushed file dies, the push is refused with file and commit, and the owner is told; never the token', async () => {
      const name = await newRepo()
      const token = await makeToken(running, rob, { role: 'write', name: 'laptop' })
      const mailsBefore = sink.mails.length
      const output = await git.fails(`cd ${name} && mkdir -p src && echo "login('${token}')" > src/train.py
        git add -A && git commit -qm "train" && echo fine > notes.txt && git add -A && git commit -qm two && git push origin main`)
      const bad = (await git.sh(`cd ${name} && git rev-parse HEAD~1`)).trim()
      expect(output).toContain(`"src/train.py" (commit ${bad.slice(0, 12)}) holds an access token of this hub`)
      expect(output).toContain('revoked now')
      expect(output).not.toContain(token)
      expect(await works(token)).toBe(false)
      expect(await git.sh(`git ls-remote $URL/acme/${name}`)).toBe('')
      const [leak] = (await events('token.leaked')).slice(-1)
      expect(leak).toMatchObject({ actorKind: 'system', resourceName: 'laptop', ownerId: rob.id })
      // Rob may see acme, but the trap looks at no roles: a private repo of somebody else is not named (AUTH-7).
      expect(leak?.data).toEqual({ owner: 'rob', last4: token.slice(-4), push: 'refused' })
      const [ofRepo] = (await events('repo.leaked_token')).slice(-1)
      expect(ofRepo).toMatchObject({ actorName: 'ada', ownerId: acme.id, resourceName: `acme/${name}` })
      expect(ofRepo?.data).toMatchObject({ path: 'src/train.py', commit: bad, push: 'refused', owner: 'rob' })
      await sink.received(mailsBefore + 2)
      const mails = sink.mails.slice(mailsBefore)
      expect(mails.map(({ to }) => to).sort()).toEqual(['ada@example.org', 'rob@example.org'])
      for (const { to, text } of mails) {
        expect(text).not.toContain(token)
        expect(text).toContain(token.slice(-4))
        expect(text.includes(`acme/${name}`)).toBe(to === 'ada@example.org')
      }
      // Dead, it holds up nothing: the history that is already shared need not be rewritten.
      await git.sh(`cd ${name} && git push -q origin main`)
    })

    test('in the message of a commit, in a binary file, and of a service account, whose administrators are told', async () => {
      const name = await newRepo()
      const account = await makeServiceAccount(running, acme, 'ci')
      const [inMessage, inFile] = [
        await makeAccountToken(running, acme, account),
        await makeToken(running, rob, { role: 'read' }),
      ]
      const mailsBefore = sink.mails.length
      const first = await git.fails(
        `cd ${name} && echo a > a && git add -A && git commit -qm "use ${inMessage}" && git push origin main`,
      )
      expect(first).toMatch(/The message of commit [0-9a-f]{12} holds an access token/)
      expect(await works(inMessage)).toBe(false)
      await sink.received(mailsBefore + 1)
      expect(sink.mails.at(-1)?.to).toBe('ada@example.org')
      const second = await git.fails(
        `cd ${name} && printf '\\0\\0\\1%s\\0' ${inFile} > weights.bin && git add -A && git commit -qm b && git push origin main`,
      )
      expect(second).toContain('"weights.bin" (commit')
      expect(await works(inFile)).toBe(false)
    })

    test('through the API: 422 with words that clients show; curl, huggingface_hub', { timeout: 60_000 }, async () => {
      const name = await newRepo()
      const token = await makeToken(running, rob, { role: 'read' })
      const answer = await commit(`acme/${name}`, { 'README.md': 'hello', 'config.json': `{"token": "${token}"}` })
      expect(answer.status).toBe(422)
      expect(answer.headers.get('x-error-message')).toContain('"config.json" holds an access token of this hub')
      expect(await answer.text()).not.toContain(token)
      expect(await works(token)).toBe(false)
      const inMessage = await makeToken(running, rob, { role: 'read' })
      expect((await commit(`acme/${name}`, { a: 'a' }, `with ${inMessage}`)).status).toBe(422)
      expect(await works(inMessage)).toBe(false)
      if (python === null) return
      const other = await makeToken(running, rob, { role: 'read' })
      await writeFile(path.join(folder, 'train.py'), `login("${other}")\n`)
      const ran = await runClient(hf, ['upload', `acme/${name}`, path.join(folder, 'train.py'), 'train.py'], {
        home: folder,
        env: { HF_ENDPOINT: running.url, HF_TOKEN: ada.token },
      })
      expect(ran.code).not.toBe(0)
      expect(ran.stdout + ran.stderr).toContain('"train.py" holds an access token of this hub')
      expect(ran.stdout + ran.stderr).not.toContain(other)
      expect(await works(other)).toBe(false)
    })

    test('story: the token that pushes is the one that leaks; it cannot finish its own push', async () => {
      const name = await newRepo()
      const token = await makeToken(running, ada, { role: 'write' })
      await using client = await gitClient(running.url, token)
      const output =
        await client.fails(`git init -q x && cd x && git checkout -q -b main && cp ~/.git-credentials credentials
        git add -A && git commit -qm one && git push $URL/acme/${name} main`)
      expect(output).toContain('"credentials" (commit')
      expect(await works(token)).toBe(false)
    })

    test('tokens of elsewhere, dead and expired ones and placeholders hold up nothing', async () => {
      const name = await newRepo()
      const soon = await makeToken(running, rob, { role: 'read', expiresAt: Date.now() + 60_000 })
      await running.hub.transaction((tx) =>
        tx.updateTable('accessToken').set({ expiresAt: 1 }).where('last4', '=', soon.slice(-4)).execute(),
      )
      const before = (await events('token.leaked')).length
      const strange = `hf_${'Ab3dE'.repeat(7).slice(0, 34)}`
      await git.sh(
        `cd ${name} && echo "${soon} ${strange} hf_${'x'.repeat(34)}" > notes.txt && git add -A && git commit -qm one && git push -q origin main`,
      )
      expect((await events('token.leaked')).length).toBe(before)
    })

    test.skipIf(!hasGitLfs())(
      'in a text that LFS stores: a scanner finds it afterwards, and it dies then',
      async () => {
        const name = await newRepo()
        const token = await makeToken(running, rob, { role: 'read' })
        const lines = `{"a": 1}\n`.repeat(200_000)
        await writeFile(path.join(git.folder, name, 'data.jsonl'), `${lines}{"key": "${token}"}\n`)
        await git.sh(
          `cd ${name} && git lfs track '*.jsonl' >/dev/null && git add -A && git commit -qm one && git push -q origin main`,
        )
        await vi.waitFor(async () => expect(await works(token)).toBe(false), { timeout: 20_000, interval: 100 })
        const [ofRepo] = (await events('repo.leaked_token')).slice(-1)
        expect(ofRepo).toMatchObject({ actorKind: 'system', resourceName: `acme/${name}` })
        expect(ofRepo?.data).toMatchObject({ path: 'data.jsonl', push: 'found' })
        const entry = await vi.waitFor(
          async () => {
            const answer = await ask('GET', `/api/models/acme/${name}/tree/main?expand=true`, { token: ada.token })
            const file = answer
              .json<{ path: string; securityFileStatus: Record<string, { status: string; secrets?: unknown }> }[]>()
              .find(({ path: at }) => at === 'data.jsonl')
            expect(file?.securityFileStatus).toMatchObject({ status: 'safe', secretsScan: { status: 'suspicious' } })
            return file
          },
          { timeout: 20_000, interval: 100 },
        )
        expect(entry?.securityFileStatus.secretsScan?.secrets).toEqual([
          { kind: 'Hugging Face or Holdfast access token', line: 200_001, masked: 'hf_***' },
        ])
        // A secret is no reason to keep a file from readers, nor to warn them of loading it.
        const scan = await ask('GET', `/api/models/acme/${name}/scan`, { token: ada.token })
        expect(scan.json()).toMatchObject({ filesWithIssues: [] })
      },
    )

    test('nothing of a value stands in events, jobs, results of scans or mails', async () => {
      const { db } = running.hub
      const tokens = /hf_[0-9A-Za-z]{34}/
      for (const table of ['event', 'job', 'scanResult', 'contentScan'] as const) {
        expect(JSON.stringify(await db.read.selectFrom(table).selectAll().execute()), table).not.toMatch(tokens)
      }
      expect(JSON.stringify(sink.mails)).not.toMatch(tokens)
    })
  })

  describe('record', () => {
    let lax: TestHub
    beforeAll(async () => {
      lax = await startHub({ dialect, env: { HOLDFAST_LEAKED_TOKENS: 'record' } })
    })
    afterAll(() => lax.stop())

    test('the push is taken, the token dies all the same, and an organization can be stricter', async () => {
      const eve = await makeUser(lax, 'eve', { tokenRole: 'write' })
      const orga = await makeOrganization(lax, 'orga', eve)
      await makeRepo(lax.hub, orga, 'm')
      await makeRepo(lax.hub, eve, 'own')
      const asked = asking(lax)
      const valid = async (token: string) => (await asked('GET', '/api/whoami-v2', { token })).status === 200
      await using client = await gitClient(lax.url, eve.token, 'eve')
      const first = await makeToken(lax, eve, { role: 'read' })
      const pushed = await client.sh(
        `git init -q x && cd x && git checkout -q -b main && echo ${first} > t && git add -A && git commit -qm one && git push $URL/orga/m main 2>&1`,
      )
      expect(pushed).toContain('Warning: "t" (commit')
      expect(await valid(first)).toBe(false)
      const body = { leakedTokens: 'refuse' }
      expect((await asked('PATCH', '/api/organizations/orga/settings', { token: eve.token, body })).status).toBe(200)
      const second = await makeToken(lax, eve, { role: 'read' })
      const refused = await client.fails(
        `cd x && echo ${second} > t && git commit -qam two && git push $URL/orga/m main`,
      )
      expect(refused).toContain('This push was refused')
      expect(await valid(second)).toBe(false)
      // A repo of a person has the policy of the hub alone.
      const third = await makeToken(lax, eve, { role: 'read' })
      await client.sh(`cd x && echo ${third} > t && git commit -qam three && git push -q $URL/eve/own main`)
      expect(await valid(third)).toBe(false)
    })
  })

  describe('POST /api/credentials/revoke', () => {
    const report = (credentials: unknown, headers: Record<string, string> = {}) =>
      fetch(`${running.url}/api/credentials/revoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ credentials }),
      })

    test('story: somebody finds a token in a log of theirs; they report it without an account, and it dies', async () => {
      const token = await makeToken(running, rob, { role: 'write', name: 'reported' })
      const mailsBefore = sink.mails.length
      const hit = await report([token, 'hf_nothing', 'ghp_of_somebody_else'])
      expect(hit.status).toBe(202)
      await vi.waitFor(async () => expect(await works(token)).toBe(false), { timeout: 10_000, interval: 50 })
      const miss = await report(['hf_nothing'])
      // Nothing in the answer tells a hit from a miss.
      expect([miss.status, await miss.text()]).toEqual([202, await hit.text()])
      const [leak] = (await events('token.leaked')).slice(-1)
      expect(leak).toMatchObject({ resourceName: 'reported', ip: null, ownerId: rob.id })
      expect(leak?.data).toMatchObject({ via: 'report' })
      await sink.received(mailsBefore + 1)
      expect(sink.mails.at(-1)).toMatchObject({ to: 'rob@example.org' })
      const jobs = await running.hub.db.read.selectFrom('job').selectAll().execute()
      expect(JSON.stringify(jobs)).not.toContain(token)
    })

    test('a thousand at most, of two hundred characters; rate-limited', async () => {
      expect((await report(Array.from({ length: 1_000 }, (_, index) => `hf_${index}`))).status).toBe(202)
      expect((await report(Array.from({ length: 1_001 }, (_, index) => `hf_${index}`))).status).toBe(400)
      expect((await report(['x'.repeat(201)])).status).toBe(400)
      expect((await report([])).status).toBe(400)
      expect((await report('hf_x')).status).toBe(400)
      let limited: Response | null = null
      for (let i = 0; i < 40 && limited === null; i++) {
        const answer = await report(['hf_x'])
        if (answer.status === 429) limited = answer
      }
      expect(limited?.headers.get('retry-after')).toMatch(/^\d+$/)
    })
  })

  describe('push protection', () => {
    test('warn, which is the default: told to whoever pushes, and taken', async () => {
      const name = await newRepo(ada)
      const secret = githubToken()
      const output = await git.sh(
        `cd ${name} && printf 'a\\n\\nkey = ${secret}\\n' > conf.py && git add -A && git commit -qm one && git push origin main 2>&1`,
      )
      expect(output).toMatch(/GitHub token \(ghp_\*{3}\) in "conf.py" \(commit [0-9a-f]{12}\), line 3/)
      expect(output).not.toContain(secret)
      expect((await commit(`ada/${name}`, { 'x.py': secret })).status).toBe(200)
    })

    test('block: git, curl and huggingface_hub are refused, by name of file and line', {
      timeout: 60_000,
    }, async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const secret = githubToken()
      const output = await git.fails(
        `cd ${name} && echo "key = '${secret}'" > conf.py && git add -A && git commit -qm one && git push origin main`,
      )
      expect(output).toMatch(
        /Push protection of acme refuses what looks like a secret: GitHub token \(ghp_\*{3}\) in "conf.py" \(commit [0-9a-f]{12}\), line 1/,
      )
      expect(output).toContain('Secrets-Allowed: <why>')
      expect(output).not.toContain(secret)
      expect(await git.sh(`git ls-remote $URL/acme/${name}`)).toBe('')
      const answer = await commit(`acme/${name}`, { 'conf.py': secret })
      expect(answer.status).toBe(422)
      expect(answer.headers.get('x-error-message')).toContain('GitHub token (ghp_***) in "conf.py", line 1')
      expect(await answer.text()).not.toContain(secret)
      if (python === null) return
      await writeFile(path.join(folder, 'conf.py'), `key = "${secret}"\n`)
      const ran = await runClient(hf, ['upload', `acme/${name}`, path.join(folder, 'conf.py'), 'conf.py'], {
        home: folder,
        env: { HF_ENDPOINT: running.url, HF_TOKEN: ada.token },
      })
      expect(ran.code).not.toBe(0)
      expect(ran.stdout + ran.stderr).toContain('GitHub token (ghp_***) in "conf.py"')
      expect(ran.stdout + ran.stderr).not.toContain(secret)
    })

    test('a reason in the newest message lets it pass for an administrator of the repo, and is audited; a writer cannot', async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const secret = githubToken()
      const make = `cd ${name} && echo ${secret} > fixture.txt && git add -A && git commit -qm "A fixture" -m "Secrets-Allowed: revoked in 2020, for the test of the parser"`
      expect(await robsGit.fails(`${make} && git push origin main`)).toContain('Push protection of acme refuses')
      expect((await commit(`acme/${name}`, { a: secret }, 'x\n\nSecrets-Allowed: because', rob.token)).status).toBe(422)
      const output = await git.sh(`${make} && git push origin main 2>&1`)
      expect(output).toContain('Push protection of acme lets this pass: revoked in 2020')
      const [event] = (await events('repo.allow_secrets')).slice(-1)
      expect(event).toMatchObject({ actorName: 'ada', ownerId: acme.id, resourceName: `acme/${name}` })
      expect(event?.data).toMatchObject({ reason: 'revoked in 2020, for the test of the parser', count: 1 })
      expect(JSON.stringify(event)).not.toContain(secret)
      expect((await commit(`acme/${name}`, { a: githubToken() }, 'x\n\nSecrets-Allowed: of a test')).status).toBe(200)
      // The reason is of one push: the next commit has to say its own.
      expect(
        await git.fails(
          `cd ${name} && git pull -q --rebase origin main && echo ${githubToken()} > more && git add -A && git commit -qm more && git push origin main`,
        ),
      ).toContain('refuses')
    })

    test('story: a fine-grained token that may only write elsewhere, and a reason on one of two branches, let nothing pass', async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const output =
        await git.fails(`cd ${name} && echo ${githubToken()} > a && git add -A && git commit -qm one && git branch other
        git commit -q --allow-empty -m two -m "Secrets-Allowed: a test" && git push origin main other`)
      expect(output).toContain('refuses')
    })

    test('a dead token of this hub, an honest README and a deleted branch pass; off looks at nothing', async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const dead = await makeToken(running, rob, { role: 'read' })
      await running.hub.transaction((tx) => tx.deleteFrom('accessToken').where('last4', '=', dead.slice(-4)).execute())
      await git.sh(
        `cd ${name} && echo "${dead} and hf_${'x'.repeat(34)}" > README.md && git add -A && git commit -qm one && git push -q origin main main:x && git push -q origin :x`,
      )
    })

    test('many files that look alike are read together, and each secret is told of its own file and line', async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const harmless = `https://user:password@host.example.com/x\n`
      await git.sh(`cd ${name} && for i in $(seq 300); do printf '${harmless}' > "n$i.txt"; done; printf '%s' 'no end of line' > z1
        printf 'a\n${harmless}%s' ${githubToken()} > secret-one.txt; printf '%s\n' ${githubToken()} > secret-two.txt`)
      const output = await git.fails(`cd ${name} && git add -A && git commit -qm one && git push origin main`)
      expect(output).toMatch(/in "secret-one.txt" \(commit [0-9a-f]{12}\), line 3/)
      expect(output).toMatch(/in "secret-two.txt" \(commit [0-9a-f]{12}\), line 1/)
      expect(output.match(/GitHub token/g)).toHaveLength(2)
    })

    test('story: a secret in an old commit of the push, whose file is gone in the newest, is in the history all the same', async () => {
      await set({ pushProtection: 'block' })
      const name = await newRepo()
      const output = await git.fails(`cd ${name} && echo ${githubToken()} > .env && git add -A && git commit -qm one
        git rm -q .env && git commit -qm "take it out" && git push origin main`)
      const first = (await git.sh(`cd ${name} && git rev-parse HEAD~1`)).trim()
      expect(output).toContain(`in ".env" (commit ${first.slice(0, 12)}), line 1`)
    })
  })

  test('the page of the organization: administrators set both, and see what the hub asks for', async () => {
    const cookie = await signInAs(running, ada)
    const address = '/organizations/acme/settings/scanning'
    const form = { scanPolicy: 'warn', leakedTokens: 'refuse', pushProtection: 'block' }
    expect((await ask('POST', address, { cookie, form })).status).toBe(303)
    const settings = await ask('GET', '/api/organizations/acme/settings', { token: ada.token })
    expect(settings.json()).toMatchObject(form)
    const page = await ask('GET', address, { cookie })
    expect(page.text).toContain('Leaked access tokens of this hub')
    expect((await ask('POST', address, { cookie, form: { ...form, pushProtection: 'sometimes' } })).status).not.toBe(
      303,
    )
    const robs = await signInAs(running, rob)
    expect((await ask('POST', address, { cookie: robs, form })).status).toBe(403)
    expect((await ask('GET', address, { cookie: robs })).text).toContain('Block')
  })
})
