/** The signing policy, statement by statement (behaviours.md, 1.8), with real git, gpg and ssh-keygen, on both databases. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { makeSigners, type Signers } from '../../../tests/support/signers.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'

interface WirePolicy {
  readonly level: string
  readonly humanSignatureOnly: boolean
  readonly bypass: { readonly until: string; readonly reason: string } | null
  readonly effective: { readonly level: string; readonly from: string }
  readonly failingHeads: { readonly failing: number; readonly heads: number; readonly isWhole: boolean }
}

describe.each(dialects)('the signing policy on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let rob: TestUser
  let cookie: string
  let robCookie: string
  let signers: Signers
  let acme: { id: string; name: string }
  let key: string
  let offset = 0
  let repos = 0
  const orgPolicy = '/api/organizations/acme/signing-policy'

  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => Date.now() + offset) })
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    rob = await makeUser(site, 'rob', { tokenRole: 'write', password })
    acme = await makeOrganization(site, 'acme', ada, { rob: 'write' })
    cookie = await signInAs(site, ada)
    robCookie = await signInAs(site, rob)
    signers = await makeSigners()
    key = await signers.gpgKey(`Ada <${ada.email}>`, 'ed25519')
    const body = { key: await signers.exportGpg(key) }
    expect((await ask('POST', '/api/settings/gpg-keys', { cookie, body })).status).toBe(201)
  })

  afterAll(async () => {
    await signers[Symbol.asyncDispose]()
    await site.stop()
  })

  const set = (at: string, level: string, more = {}) => ask('PUT', at, { cookie, body: { level, ...more } })

  async function newRepo(): Promise<string> {
    const name = `r${++repos}`
    const made = await ask('POST', '/api/repos/create', { token: ada.token, body: { name, organization: 'acme' } })
    expect(made.status, made.text).toBe(200)
    return `acme/${name}`
  }

  /** Begins again from nothing; the next commit is a first one. */
  async function begin(): Promise<void> {
    await signers.sh(`git checkout -q --orphan b${++repos}; git rm -rfq --cached . 2>/dev/null || true`)
  }

  /** Gives what git printed; `accepted` says whether it was. */
  async function push(repo: string, refspecs: string, token = ada.token): Promise<{ accepted: boolean; told: string }> {
    const address = `${site.url.replace('://', `://x:${token}@`)}/${repo}`
    const told = await signers.sh(`git push -f ${address} ${refspecs} 2>&1 && echo ACCEPTED || true`)
    return { accepted: told.includes('ACCEPTED'), told }
  }

  const headOf = async (repo: string, branch = 'main') =>
    (await ask('GET', `/api/models/${repo}/refs`, { token: ada.token }))
      .json<{ branches: { name: string; targetCommit: string }[] }>()
      .branches.find(({ name }) => name === branch)?.targetCommit

  async function upload(repo: string, token = ada.token): Promise<Response> {
    return await fetch(`${site.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: [
        JSON.stringify({ key: 'header', value: { summary: 'upload' } }),
        JSON.stringify({ key: 'file', value: { path: `f${++repos}`, content: 'x' } }),
      ].join('\n'),
    })
  }

  it('SIG-1: off at first; a repo may be stricter than its organization, never laxer', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    expect((await ask('GET', at, { cookie })).json<WirePolicy>()).toMatchObject({
      level: 'off',
      effective: { level: 'off' },
    })
    expect((await set(orgPolicy, 'signed')).json<WirePolicy>()).toMatchObject({ level: 'signed' })
    expect((await ask('GET', at, { cookie })).json<WirePolicy>().effective).toMatchObject({
      level: 'signed',
      from: 'acme',
    })
    expect((await set(at, 'warn')).status).toBe(400)
    expect((await set(at, 'verified')).json<WirePolicy>().effective).toMatchObject({ level: 'verified', from: repo })
    await set(orgPolicy, 'off')
    expect((await ask('GET', at, { cookie })).json<WirePolicy>().effective).toMatchObject({ level: 'verified' })
    expect((await ask('GET', `/${repo}/settings/signing`, { cookie })).text).toContain('Require verified')
  })

  it('SIG-2: under require verified a push with an unsigned commit is refused as a whole, naming each commit and why', async () => {
    const repo = await newRepo()
    await set(`/api/models/${repo}/signing-policy`, 'verified')
    const before = await headOf(repo)
    await begin()
    const good = await signers.commit({ gpg: key, email: ada.email, message: 'good one' })
    const unsigned = await signers.commit({ email: ada.email, message: 'no signature' })
    const forged = await signers.commit({ gpg: key, email: rob.email, message: 'not his' })
    const { accepted, told } = await push(repo, `${good}:refs/heads/fine ${forged}:refs/heads/main`)
    expect(accepted).toBe(false)
    expect(told).toContain(`${unsigned.slice(0, 12)} "no signature": it is not signed`)
    expect(told).toContain(`${forged.slice(0, 12)} "not his"`)
    expect(told).toContain('bad_email')
    expect(told).not.toContain('good one')
    expect(await headOf(repo)).toBe(before)
    expect(await headOf(repo, 'fine')).toBeUndefined()
    expect((await push(repo, `${good}:refs/heads/fine`)).accepted).toBe(true)
  })

  it('require signed takes a signature of a key that nobody has, and none that does not fit; warn takes all and says so', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    await set(at, 'signed')
    const stranger = await signers.gpgKey(`Stranger <stranger-${dialect}@example.com>`, 'ed25519')
    await begin()
    const unknown = await signers.commit({ gpg: stranger, email: 'stranger@example.com', message: 'a stranger' })
    expect((await push(repo, `${unknown}:refs/heads/a`)).accepted).toBe(true)
    const changed = `git cat-file commit ${unknown} | sed 's/a stranger/another/' | git hash-object -t commit -w --stdin`
    const broken = (await signers.sh(changed)).trim()
    await set(at, 'verified')
    expect((await push(repo, `${broken}:refs/heads/b`)).told).toContain('unknown_key')
    await set(at, 'warn')
    const warned = await push(repo, `${broken}:refs/heads/b`)
    expect(warned.accepted).toBe(true)
    expect(warned.told).toContain('Warning')
    expect(warned.told).toContain(broken.slice(0, 12))
  })

  /**
   * Attack: an unsigned commit is hidden below a signed one, on a new branch, under a tag, behind a forced push, or it was here once and lies
   * in the repository still, so that nothing needs to be sent.
   */
  it('SIG-3: only commits that are new are judged, and neither new branches nor force nor what was here once gets round it', async () => {
    const repo = await newRepo()
    await begin()
    const old = await signers.commit({ email: ada.email, message: 'before the policy' })
    expect((await push(repo, `${old}:refs/heads/main`)).accepted).toBe(true)
    const forgotten = await signers.commit({ email: ada.email, message: 'forgotten' })
    await push(repo, `${forgotten}:refs/heads/gone`)
    await push(repo, ':refs/heads/gone')
    await set(`/api/models/${repo}/signing-policy`, 'verified')
    await signers.sh(`git reset -q --soft ${old}`)
    const onTop = await signers.commit({ gpg: key, email: ada.email, message: 'signed on top' })
    expect((await push(repo, `${onTop}:refs/heads/main`)).accepted).toBe(true)
    expect((await push(repo, `${old}:refs/heads/other`)).accepted).toBe(true)
    const bad = await signers.commit({ email: ada.email, message: 'hidden below' })
    const lid = await signers.commit({ gpg: key, email: ada.email, message: 'the lid' })
    for (const refspec of [`${lid}:refs/heads/new`, `${lid}:refs/heads/main`, `${lid}:refs/tags/v1`]) {
      const { accepted, told } = await push(repo, refspec)
      expect(accepted).toBe(false)
      expect(told).toContain(bad.slice(0, 12))
      expect(told).not.toContain(old.slice(0, 12))
    }
    const again = await push(repo, `${forgotten}:refs/heads/gone`)
    expect(again.accepted).toBe(false)
    expect(again.told).toContain(forgotten.slice(0, 12))
    // The same through the API and the page: the commit lies in the repository, so nothing needs to be pushed at all.
    for (const [path, body] of [
      ['branch/back', { startingPoint: forgotten }],
      [`tag/${forgotten}`, { tag: 'back' }],
    ] as const) {
      const refused = await ask('POST', `/api/models/${repo}/${path}`, { token: ada.token, body })
      expect(refused.status, refused.text).toBe(403)
      expect(refused.text).toContain(forgotten.slice(0, 12))
    }
    expect(await headOf(repo, 'back')).toBeUndefined()
    const reached = { token: ada.token, body: { startingPoint: old } }
    expect((await ask('POST', `/api/models/${repo}/branch/fine`, reached)).status).toBe(200)
  })

  it('SIG-4: commits through the API are taken, signed by the hub; humanSignatureOnly refuses them; a hub signature from elsewhere does not count', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    await set(at, 'verified')
    expect((await upload(repo)).status).toBe(200)
    const head = await headOf(repo)
    await signers.sh(`git fetch -q ${site.url.replace('://', `://x:${ada.token}@`)}/${repo} ${head}`)
    const other = await newRepo()
    await set(`/api/models/${other}/signing-policy`, 'verified')
    expect((await push(other, `${head}:refs/heads/stolen`)).told).toContain('signed by this hub, in another repository')
    await set(at, 'verified', { humanSignatureOnly: true })
    const refused = await upload(repo)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('only commits that their authors sign themselves')
    expect(await headOf(repo)).toBe(head)
  })

  it('SIG-4: a policy that is set while the body of a commit is still coming holds for that commit', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    const head = await headOf(repo)
    const lines = [
      { key: 'header', value: { summary: 'slow', description: '' } },
      { key: 'file', value: { path: 'slow.txt', content: 'slow' } },
    ].map((line) => `${JSON.stringify(line)}\n`)
    const isSet = Promise.withResolvers<void>()
    async function* slowly(): AsyncGenerator<Buffer> {
      yield Buffer.from(lines[0] ?? '')
      await isSet.promise
      yield Buffer.from(lines[1] ?? '')
    }
    const answer = fetch(`${site.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(slowly()),
      duplex: 'half',
    } as RequestInit)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await set(at, 'verified', { humanSignatureOnly: true })
    isSet.resolve()
    expect((await answer).status).toBe(403)
    expect(await headOf(repo)).toBe(head)
  })

  it('SIG-5: what a service account pushes is signed with its own key', async () => {
    const repo = await newRepo()
    const robot = await makeServiceAccount(site, acme, `robot ${dialect}`)
    const token = await makeAccountToken(site, acme, robot)
    const file = await signers.sshKey(`robot-${dialect}`, 'ed25519')
    const body = { key: await readFile(`${file}.pub`, 'utf8') }
    const keys = `/api/organizations/acme/service-accounts/${robot.id}/keys`
    expect((await ask('POST', keys, { cookie, body })).status).toBe(201)
    await set(`/api/models/${repo}/signing-policy`, 'signed')
    await begin()
    const own = await signers.commit({ ssh: `${file}.pub`, email: `${robot.id}@service.invalid`, name: 'robot' })
    expect((await push(repo, `${own}:refs/heads/own`, token)).accepted).toBe(true)
    const persons = await signers.commit({ gpg: key, email: ada.email, message: 'by a person' })
    const refused = await push(repo, `${persons}:refs/heads/own`, token)
    expect(refused.accepted).toBe(false)
    expect(refused.told).toContain(`not signed with a key of the service account robot ${dialect}`)
    expect((await push(repo, `${persons}:refs/heads/own`)).accepted).toBe(true)
  })

  it('SIG-6: a bypass needs an administrator and a reason, ends by itself, and is audited with what it let through', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    await set(at, 'verified')
    const body = { hours: 2, reason: 'the signing server is down' }
    expect((await ask('POST', `${at}/bypass`, { cookie: robCookie, body })).status).toBe(403)
    expect((await ask('POST', `${at}/bypass`, { token: ada.token, body })).status).toBe(403)
    expect((await ask('POST', `${at}/bypass`, { cookie, body: { hours: 2, reason: ' ' } })).status).toBe(422)
    expect((await ask('POST', `${at}/bypass`, { cookie, body: { hours: 1_000, reason: 'x' } })).status).toBe(400)
    expect((await ask('POST', `${at}/bypass`, { cookie, body })).json<WirePolicy>().bypass?.reason).toBe(body.reason)
    await begin()
    const first = await signers.commit({ email: ada.email, message: 'in need' })
    const passed = await push(repo, `${first}:refs/heads/a`)
    expect(passed.accepted).toBe(true)
    expect(passed.told).toContain('bypassed until')
    const events = await site.hub.db.read
      .selectFrom('event')
      .select(['action', 'data', 'actorName'])
      .where('action', 'like', 'repo.signing_policy.bypass%')
      .execute()
    expect(events.map(({ action }) => action).sort()).toEqual([
      'repo.signing_policy.bypass',
      'repo.signing_policy.bypassed',
    ])
    expect(events.every(({ actorName }) => actorName === 'ada')).toBe(true)
    expect(events.map(({ data }) => data).join()).toContain(body.reason)
    offset += 3 * 3_600_000
    const second = await signers.commit({ email: ada.email, message: 'too late' })
    expect((await push(repo, `${second}:refs/heads/a`)).accepted).toBe(false)
    offset -= 3 * 3_600_000
  })

  it('SIG-7: a change needs an administrator in a session, is audited, and tells how many heads would fail', async () => {
    const repo = await newRepo()
    const at = `/api/models/${repo}/signing-policy`
    expect((await ask('PUT', orgPolicy, { token: ada.token, body: { level: 'signed' } })).status).toBe(403)
    expect((await ask('PUT', orgPolicy, { cookie: robCookie, body: { level: 'signed' } })).status).toBe(403)
    expect((await ask('PUT', at, { cookie: robCookie, body: { level: 'signed' } })).status).toBe(403)
    await begin()
    const unsigned = await signers.commit({ email: ada.email })
    const signed = await signers.commit({ gpg: key, email: ada.email })
    await push(repo, `${unsigned}:refs/heads/a ${unsigned}:refs/heads/b ${signed}:refs/heads/c`)
    // main is the hub's own first commit, which counts.
    const heads = { level: 'verified', failing: 2, heads: 4, isWhole: true }
    expect((await ask('GET', `${at}?level=verified`, { cookie })).json<WirePolicy>().failingHeads).toEqual(heads)
    expect((await set(at, 'verified')).json<WirePolicy>().failingHeads).toEqual(heads)
    await set(at, 'off')
    const here = `/${repo}/settings/signing`
    const dialog = await ask('GET', `${here}?dialog=save&level=verified`, { cookie })
    expect(dialog.text).toContain('2 of 4 branch heads would fail')
    const form = { level: 'verified', humanOnly: 'no' }
    expect((await ask('POST', here, { cookie, form })).status).toBe(303)
    expect((await ask('GET', at, { cookie })).json<WirePolicy>()).toMatchObject({ level: 'verified' })
    const organization = '/organizations/acme/settings/signing'
    expect((await ask('GET', `${organization}?dialog=save&level=signed`, { cookie })).text).toContain(
      'branch heads would fail',
    )
    expect((await ask('POST', organization, { cookie, form: { level: 'warn' } })).status).toBe(303)
    expect((await ask('GET', organization, { cookie: robCookie })).text).toContain('Warn')
    const log = await ask('GET', '/organizations/acme/settings/audit-log', { cookie })
    expect(log.text).toContain('Set the signing policy of acme: warn')
    await set(orgPolicy, 'off')
  })
})
