/** Keys and verification of commits, statement by statement (behaviours.md, 1.7), with real gpg, ssh-keygen and git, on both databases. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { makeSigners, type Signers } from '../../../tests/support/signers.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import { makeVerificationLinks } from '../accounts/service.ts'

const password = 'a long enough sentence'

interface WireKey {
  readonly id: string
  readonly type: string
  readonly fingerprint: string
  readonly emails?: readonly { readonly email: string; readonly match: string }[]
}

interface WireVerification {
  readonly status: string
  readonly verified: boolean
  readonly reason: string | null
  readonly signer: { readonly type: string; readonly name: string } | null
  readonly key: { readonly type: string; readonly id: string } | null
  readonly verifiedAt: string | null
  readonly hub?: true
  readonly actor?: string
}

describe.each(dialects)('signatures on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let eve: TestUser
  let cookie: string
  let eveCookie: string
  let signers: Signers
  let offset = 0
  let repos = 0

  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => Date.now() + offset) })
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    eve = await makeUser(site, 'eve', { tokenRole: 'write', password })
    cookie = await signInAs(site, ada)
    eveCookie = await signInAs(site, eve)
    signers = await makeSigners()
  })

  afterAll(async () => {
    await signers[Symbol.asyncDispose]()
    await site.stop()
  })

  const add = (kind: 'gpg' | 'ssh', key: string, as = cookie) =>
    ask('POST', `/api/settings/${kind}-keys`, { cookie: as, body: { key } })

  /** Adds the key and gives it. */
  async function added(kind: 'gpg' | 'ssh', key: string, as = cookie): Promise<WireKey> {
    const answer = await add(kind, key, as)
    expect(answer.status, answer.text).toBe(201)
    return answer.json<WireKey>()
  }

  async function newRepo(): Promise<string> {
    const name = `r${++repos}`
    const made = await ask('POST', '/api/repos/create', { token: ada.token, body: { name } })
    expect(made.status).toBe(200)
    return `ada/${name}`
  }

  /** Pushes what the signers' repository is at, by force. */
  async function push(repo: string, token = ada.token, branch = 'main'): Promise<void> {
    const address = `${site.url.replace('://', `://x:${token}@`)}/${repo}`
    await signers.sh(`git push -q -f ${address} HEAD:${branch}`)
  }

  async function verificationOf(repo: string, commit: string): Promise<WireVerification> {
    const answer = await ask('GET', `/api/models/${repo}/commits/${commit}?limit=1`)
    expect(answer.status, answer.text).toBe(200)
    const [first] = answer.json<{ id: string; verification: WireVerification }[]>()
    expect(first?.id).toBe(commit)
    if (first === undefined) throw new Error('There is no commit.')
    return first.verification
  }

  /** Until the job has written what it found. */
  const pinned = (commit: string, status: string) =>
    expect
      .poll(
        async () =>
          (
            await site.hub.db.read.selectFrom('commitSignature').select('status').where('commit', '=', commit).execute()
          )[0]?.status,
        { timeout: 15_000 },
      )
      .toBe(status)

  const gpg = async (email: string, algorithm = 'ed25519', options = {}) => {
    const fingerprint = await signers.gpgKey(`Key ${++repos} <${email}>`, algorithm, options)
    return { fingerprint, armored: await signers.exportGpg(fingerprint) }
  }

  it('GPG-1, GPG-3: a key is stored with fingerprint, ids, times and user ids, and says of each address whether it leads to you', async () => {
    await site.hub.transaction(async (tx) => {
      const address = 'ada@later.example'
      const row = { id: site.hub.clock.id(), userId: ada.id, address, addressKey: address, verifiedAt: null }
      await tx
        .insertInto('email')
        .values({ ...row, isPrimary: 0, createdAt: 0 })
        .execute()
    })
    const { fingerprint } = await gpg(ada.email, 'rsa2048', { expire: '2y' })
    for (const userId of ['Ada <ada@later.example>', 'Ada <somebody@else.example>'])
      await signers.sh(`gpg --batch --quick-add-uid ${fingerprint} '${userId}'`)
    const key = await added('gpg', await signers.exportGpg(fingerprint))
    expect(key).toMatchObject({
      type: 'gpg',
      fingerprint,
      keys: [{ algorithm: 'rsa2048', id: fingerprint.slice(-16) }],
    })
    expect(Object.fromEntries((key.emails ?? []).map(({ email, match }) => [email, match]))).toEqual({
      [ada.email]: 'verified',
      'ada@later.example': 'unverified',
      'somebody@else.example': 'none',
    })
    const page = await ask('GET', '/settings/keys', { cookie })
    for (const words of [fingerprint, 'not verified yet', 'not an address of yours']) expect(page.text).toContain(words)
  })

  it('GPG-1: what is private, no key or too long is refused; a private key is told about and leaves no trace', async () => {
    const { fingerprint } = await gpg(ada.email)
    const secret = await signers.sh(`gpg --batch --armor --export-secret-keys ${fingerprint}`)
    const file = await signers.sshKey(`private-${dialect}`, 'ed25519')
    for (const [kind, text] of [
      ['gpg', secret],
      ['ssh', await readFile(file, 'utf8')],
    ] as const) {
      const answer = await add(kind, text)
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('you exposed a secret')
      const page = await ask('POST', `/settings/keys/add-${kind}`, { cookie, form: { key: text } })
      expect(page.status).toBe(422)
      expect(page.text).toContain('you exposed a secret')
      expect(page.text).not.toContain('PRIVATE KEY')
      expect(page.text).not.toContain(text.split('\n')[3] ?? '?')
    }
    expect((await ask('GET', '/api/settings/gpg-keys', { cookie })).text).not.toContain(fingerprint)
    for (const text of ['hello', '', '-----BEGIN PGP PUBLIC KEY BLOCK-----'])
      expect((await add('gpg', text)).status).toBe(400)
    expect((await add('gpg', 'x'.repeat(200_000))).json<{ error: string }>().error).toMatch(/100000 characters/)
  })

  it('GPG-2: a fingerprint belongs to one account; adding it again is refused, with new certificates it is renewed', async () => {
    const { fingerprint, armored } = await gpg(ada.email, 'ed25519', { expire: '1y' })
    const key = await added('gpg', armored)
    expect((await add('gpg', armored)).status).toBe(409)
    expect((await add('gpg', armored, eveCookie)).status).toBe(409)
    await signers.sh(`gpg --batch --quick-set-expire ${fingerprint} 5y`)
    expect((await added('gpg', await signers.exportGpg(fingerprint))).id).toBe(key.id)
    const file = await signers.sshKey(`twice-${dialect}`, 'ed25519')
    const line = await readFile(`${file}.pub`, 'utf8')
    await added('ssh', line)
    expect((await add('ssh', line, eveCookie)).status).toBe(409)
  })

  /** Attack: a stolen token adds a key of its thief, whose commits are then shown as Verified by its victim. */
  it('GPG-13: a token may list keys and not add or delete them; admin add-key may', async () => {
    const { fingerprint, armored } = await gpg(ada.email)
    expect((await ask('GET', '/api/settings/gpg-keys', { token: ada.token })).status).toBe(200)
    const refused = await ask('POST', '/api/settings/gpg-keys', { token: ada.token, body: { key: armored } })
    expect(refused.status).toBe(403)
    const key = await added('gpg', armored)
    expect((await ask('DELETE', `/api/settings/gpg-keys/${key.id}`, { token: ada.token })).status).toBe(403)
    expect((await ask('DELETE', `/api/settings/gpg-keys/${key.id}`, { cookie: eveCookie })).status).toBe(404)
    expect((await ask('DELETE', `/api/settings/gpg-keys/${key.id}`, { cookie })).status).toBe(204)
    expect((await ask('GET', '/api/settings/gpg-keys', { cookie })).text).not.toContain(fingerprint)
  })

  it('GPG-5, GPG-6, GPG-9: signed by a key of the account for its verified address: Verified; unsigned: none', async () => {
    const { fingerprint, armored } = await gpg(ada.email)
    const key = await added('gpg', armored)
    const repo = await newRepo()
    const plain = await signers.commit({ email: ada.email })
    const signed = await signers.commit({ gpg: fingerprint, email: ada.email, message: 'signed' })
    await push(repo)
    await pinned(signed, 'verified')
    const verification = await verificationOf(repo, signed)
    expect(verification).toMatchObject({
      status: 'verified',
      verified: true,
      reason: null,
      signer: { type: 'user', name: 'ada' },
      key: { type: 'gpg', id: fingerprint.slice(-16) },
    })
    expect(await verificationOf(repo, plain)).toMatchObject({
      status: 'none',
      verified: false,
      reason: null,
      key: null,
    })
    const pages = [`/${repo}/commits/main`, `/${repo}/commit/${signed}`, `/${repo}/tree/main`]
    for (const page of pages) expect((await ask('GET', page)).text).toContain('Verified')
    expect((await ask('GET', `/${repo}/commit/${plain}`)).text).not.toContain('erified')
    // Pushed again, and as another branch: the same verdict of the same moment.
    offset += 60_000
    await push(repo, ada.token, 'again')
    expect(await verificationOf(repo, signed)).toEqual(verification)

    // GPG-4: the question names how many commits there are; then they are unverified, and come back with the key.
    const dialog = await ask('GET', `/settings/keys?dialog=delete&key=${key.id}`, { cookie })
    expect(dialog.text).toContain('1 commit that is shown as Verified')
    expect((await ask('POST', `/settings/keys/${key.id}/delete`, { cookie, form: {} })).status).toBe(303)
    expect(await verificationOf(repo, signed)).toMatchObject({
      status: 'unverified',
      reason: 'unknown_key',
      signer: null,
    })
    await added('gpg', armored)
    await expect.poll(async () => (await verificationOf(repo, signed)).status, { timeout: 15_000 }).toBe('verified')
  })

  it('GPG-5, GPG-8: my key with their address, an address that is not verified, and a key that nobody has are Unverified', async () => {
    const { fingerprint } = await gpg(ada.email)
    await signers.sh(`gpg --batch --quick-add-uid ${fingerprint} 'Eve <${eve.email}>'`)
    const stranger = await gpg(ada.email)
    const repo = await newRepo()
    const forged = await signers.commit({ gpg: fingerprint, email: eve.email, name: 'Eve' })
    const unsigned = await signers.commit({ email: eve.email, name: 'Eve' })
    const other = await signers.commit({ gpg: fingerprint, email: 'nobody@nowhere.example' })
    const unknown = await signers.commit({ gpg: stranger.fingerprint, email: ada.email })
    await added('gpg', await signers.exportGpg(fingerprint))
    await push(repo)
    for (const [commit, reason] of [
      [forged, 'bad_email'],
      [other, 'bad_email'],
      [unknown, 'unknown_key'],
    ] as const)
      expect(await verificationOf(repo, commit)).toMatchObject({ status: 'unverified', verified: false, reason })
    expect(await verificationOf(repo, unsigned)).toMatchObject({ status: 'none' })
    expect((await ask('GET', `/${repo}/commit/${forged}`)).text).toContain('is not one of the key and its account')
  })

  it('GPG-3: verifying an address later upgrades the commits without another upload; giving it up leaves them', async () => {
    const address = 'ada@work.example'
    const { fingerprint, armored } = await gpg(address)
    await added('gpg', armored)
    const id = site.hub.clock.id()
    await site.hub.transaction(async (tx) => {
      const row = {
        id,
        userId: ada.id,
        address,
        addressKey: address,
        verifiedAt: null,
        isPrimary: 0,
        createdAt: 0,
      } as const
      await tx.insertInto('email').values(row).execute()
    })
    const repo = await newRepo()
    const commit = await signers.commit({ gpg: fingerprint, email: address })
    await push(repo)
    await pinned(commit, 'unverified')
    expect(await verificationOf(repo, commit)).toMatchObject({ reason: 'unverified_email' })
    const grant = systemGrant('user.make_link', { on: 'instance' }, 'tests')
    const links = await makeVerificationLinks(site.hub, grant, systemOrigin, 'ada')
    const link = links.find((one) => one.address === address)?.link ?? ''
    const secret = new URL(link).pathname.split('/').at(-1) ?? ''
    expect((await ask('POST', '/verify-email', { form: { link: secret } })).status).toBeLessThan(400)
    await expect.poll(async () => (await verificationOf(repo, commit)).status, { timeout: 15_000 }).toBe('verified')
    expect(
      (await ask('POST', `/settings/account/emails/${id}`, { cookie, form: { do: 'remove' } })).status,
    ).toBeLessThan(400)
    expect(await verificationOf(repo, commit)).toMatchObject({ status: 'verified' })
  })

  it('GPG-4, GPG-5: a key that expired signs nothing more and keeps what it signed; one that is revoked as compromised loses all', async () => {
    const { fingerprint } = await gpg(ada.email, 'ed25519', { expire: 'seconds=86400' })
    const key = await added('gpg', await signers.exportGpg(fingerprint))
    const repo = await newRepo()
    const before = await signers.commit({ gpg: fingerprint, email: ada.email })
    // Signed with a clock that runs ahead of the end of the key.
    const late = new Date(Date.now() + 3 * 86_400_000).toISOString()
    const after = await signers.commit({ gpg: fingerprint, email: ada.email, date: late })
    await push(repo)
    await pinned(before, 'verified')
    expect(await verificationOf(repo, after)).toMatchObject({ status: 'unverified', reason: 'expired_key' })
    offset += 10 * 86_400_000
    expect(await verificationOf(repo, before)).toMatchObject({ status: 'verified' })
    offset -= 10 * 86_400_000
    await revoke(fingerprint)
    expect((await added('gpg', await signers.exportGpg(fingerprint))).id).toBe(key.id)
    expect(await verificationOf(repo, before)).toMatchObject({ status: 'unverified', reason: 'revoked_key' })
  })

  it('GPG-7: a commit that was amended or tampered with after it was signed is Unverified', async () => {
    const { fingerprint, armored } = await gpg(ada.email, 'nistp256')
    await added('gpg', armored)
    const repo = await newRepo()
    const signed = await signers.commit({ gpg: fingerprint, email: ada.email, message: 'true words' })
    const changed = signers.raw(signed).toString('latin1').replace('true words', 'other words')
    await writeFile(path.join(signers.folder, 'changed'), changed, 'latin1')
    const tampered = (await signers.sh('git hash-object -t commit -w ../changed')).trim()
    await signers.sh(`git reset -q --hard ${tampered}`)
    await push(repo)
    expect(await verificationOf(repo, tampered)).toMatchObject({ status: 'unverified', reason: 'bad_signature' })
    await signers.sh(`git reset -q --hard ${signed}`)
  })

  it('GPG-10: commits signed with SSH verify against the SSH keys of the user', async () => {
    const file = await signers.sshKey(`signer-${dialect}`, 'ed25519')
    const repo = await newRepo()
    const commit = await signers.commit({ ssh: `${file}.pub`, email: ada.email })
    const theirs = await signers.commit({ ssh: `${file}.pub`, email: eve.email })
    await push(repo)
    expect(await verificationOf(repo, commit)).toMatchObject({ status: 'unverified', reason: 'unknown_key' })
    const key = await added('ssh', await readFile(`${file}.pub`, 'utf8'))
    await expect.poll(async () => (await verificationOf(repo, commit)).status, { timeout: 15_000 }).toBe('verified')
    expect(await verificationOf(repo, commit)).toMatchObject({ key: { type: 'ssh', id: key.fingerprint } })
    expect(await verificationOf(repo, theirs)).toMatchObject({ status: 'unverified', reason: 'bad_email' })
  })

  it('keys of service accounts are added by administrators in a session, and sign for the address of the account', async () => {
    const acme = await makeOrganization(site, 'acme', ada)
    const robot = await makeServiceAccount(site, acme, 'robot')
    const at = `/api/organizations/acme/service-accounts/${robot.id}/keys`
    const file = await signers.sshKey(`robot-${dialect}`, 'ed25519')
    const body = { key: await readFile(`${file}.pub`, 'utf8') }
    expect((await ask('POST', at, { token: ada.token, body })).status).toBe(403)
    expect((await ask('POST', at, { cookie: eveCookie, body })).status).toBeGreaterThanOrEqual(403)
    const made = await ask('POST', at, { cookie, body })
    expect(made.status, made.text).toBe(201)
    expect((await ask('GET', at, { token: ada.token })).json<WireKey[]>()).toHaveLength(1)
    const repo = await newRepo()
    const commit = await signers.commit({ ssh: `${file}.pub`, email: `${robot.id}@service.invalid`, name: 'robot' })
    await push(repo)
    await pinned(commit, 'verified')
    expect(await verificationOf(repo, commit)).toMatchObject({
      status: 'verified',
      signer: { type: 'service-account', name: 'robot' },
    })
    const here = `/organizations/acme/settings/service-accounts/${robot.id}/keys`
    const { id } = made.json<WireKey>()
    expect((await ask('GET', here, { cookie })).text).toContain(made.json<WireKey>().fingerprint)
    expect((await ask('GET', `${here}?dialog=delete&key=${id}`, { cookie })).text).toContain('1 commit that is shown')
    expect((await ask('POST', here, { cookie, form: body })).status).toBe(409)
    expect((await ask('POST', `${here}/${id}/delete`, { cookie, form: {} })).status).toBe(303)
    expect((await ask('DELETE', `${at}/${id}`, { cookie })).status).toBe(404)
    expect(await verificationOf(repo, commit)).toMatchObject({ status: 'unverified', reason: 'unknown_key' })
  })

  it('GPG-11: a commit through the API is signed by the hub, says so, and git verifies it with the public half', async () => {
    const repo = await newRepo()
    const line = (value: object) => JSON.stringify(value)
    const response = await fetch(`${site.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: [
        line({ key: 'header', value: { summary: 'by API' } }),
        line({ key: 'file', value: { path: 'a.txt', content: 'hello' } }),
      ].join('\n'),
    })
    expect(response.status).toBe(200)
    const { commitOid } = (await response.json()) as { commitOid: string }
    expect(await verificationOf(repo, commitOid)).toMatchObject({
      status: 'unverified',
      verified: false,
      reason: 'hub_signature',
      hub: true,
      actor: 'ada',
      signer: null,
    })
    const page = await ask('GET', `/${repo}/commit/${commitOid}`)
    expect(page.text).toContain('Signed by this hub')
    const allowed = await ask('GET', '/.well-known/holdfast/allowed-signers')
    await writeFile(path.join(signers.folder, 'hub-allowed'), allowed.text)
    const address = `${site.url}/${repo}`
    await signers.sh(
      `git fetch -q ${address} main && git -c gpg.ssh.allowedSignersFile=../hub-allowed verify-commit FETCH_HEAD`,
    )
    // Nobody else can take the hub's key for theirs.
    const key = allowed.text.trim().split(' ').slice(2).join(' ')
    expect((await add('ssh', key)).status).toBe(409)
  })

  async function revoke(fingerprint: string): Promise<void> {
    const file = `"$GNUPGHOME/openpgp-revocs.d/${fingerprint}.rev"`
    await signers.sh(`sed 's/^:-----BEGIN/-----BEGIN/' ${file} | gpg --batch --quiet --import`)
  }
})
