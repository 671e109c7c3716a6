/** Idea 9, the dry run of policies: what a preview says of pushes and files comes true when the policy is set, with real git and gpg, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { makeSigners, type Signers } from '../../../tests/support/signers.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'
const dayMs = 86_400_000

interface Pushes {
  effect: string
  pushers:
    | { principal: { type: string; name: string }; pushes: number; failing: number; last: { reason: string } }[]
    | null
  counts: { pushers: number; pushes: number; failing: number }
  isWhole: boolean
  isPartial: boolean
}

interface Files {
  before: string
  after: string
  unsafe: { effect: string; items: { content: string; repos: { name: string }[] }[]; isWhole: boolean }
  unscanned: { effect: string; count: number; isWhole: boolean }
}

describe.each(dialects)('previews of policies on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let signers: Signers
  let boss: string
  let wim: string
  let offset = 0
  const users: Record<string, TestUser> = {}
  const tokenOf = (name: string): string => users[name]?.token ?? ''

  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => Date.now() + offset) })
    ask = asking(site)
    for (const name of ['ada', 'rob', 'wim', 'stranger'])
      users[name] = await makeUser(site, name, { tokenRole: 'write', password })
    const ada = users.ada as TestUser
    await makeOrganization(site, 'acme', ada, { rob: 'write', wim: 'read' })
    const rival = await makeOrganization(site, 'rival', users.stranger as TestUser)
    boss = await signInAs(site, ada)
    wim = await signInAs(site, users.wim as TestUser)
    await ask('POST', '/api/repos/create', { token: ada.token, body: { name: 'plans', organization: 'acme' } })
    signers = await makeSigners()
    const key = await signers.gpgKey(`Ada <${ada.email}>`, 'ed25519')
    await ask('POST', '/api/settings/gpg-keys', { cookie: boss, body: { key: await signers.exportGpg(key) } })
    const signed = await signers.commit({ gpg: key, email: ada.email, message: 'signed' })
    expect(await push(signed, 'signed', 'ada')).toBe(true)
    for (const branch of ['one', 'two']) expect(await push(await unsignedCommit(branch), branch, 'rob')).toBe(true)
    // It brings nothing that was not here.
    expect(await push(signed, 'again', 'rob')).toBe(true)
    const lines = [
      { key: 'header', value: { summary: 'upload' } },
      { key: 'file', value: { path: 'f', content: 'x' } },
    ]
    const uploaded = await fetch(`${site.url}/api/models/acme/plans/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(uploaded.status).toBe(200)
    const { id } = await site.hub.db.list
      .selectFrom('repo')
      .select('id')
      .where('fullName', '=', 'acme/plans')
      .executeTakeFirstOrThrow()
    await site.hub.transaction((tx) =>
      tx
        .insertInto('roleGrant')
        .values({
          targetId: id,
          targetKind: 'repo',
          principalId: users.wim?.id ?? '',
          principalKind: 'user',
          role: 'admin',
          createdAt: 0,
        })
        .execute(),
    )
    await insertFiles(site, id, rival)
  }, 60_000)
  afterAll(async () => {
    await signers?.[Symbol.asyncDispose]()
    await site?.stop()
  })

  async function unsignedCommit(message: string): Promise<string> {
    await signers.sh(`git checkout -q --orphan ${message}; git rm -rfq --cached . 2>/dev/null || true`)
    return await signers.commit({ email: users.rob?.email ?? '', message })
  }

  async function push(commit: string, branch: string, as: string): Promise<boolean> {
    const address = `${site.url.replace('://', `://x:${tokenOf(as)}@`)}/acme/plans`
    return (
      await signers.sh(`git push ${address} ${commit}:refs/heads/${branch} 2>&1 && echo ACCEPTED || true`)
    ).includes('ACCEPTED')
  }

  const preview = (change: object, cookie = boss) => ask('POST', '/api/access/preview', { cookie, body: { change } })
  const signing = (level: string, more = {}) => ({ kind: 'signing_policy', organization: 'acme', level, ...more })

  test('idea 9: who pushed what a signing policy would have refused, and that is who is refused then', async () => {
    const found = (await preview(signing('signed'))).json<Pushes>()
    expect(found).toMatchObject({ effect: 'refuse', counts: { pushers: 1, pushes: 4, failing: 2 }, isWhole: true })
    expect(found.pushers).toEqual([
      expect.objectContaining({
        principal: { type: 'user', name: 'rob' },
        pushes: 2,
        failing: 2,
        last: expect.objectContaining({ repo: 'acme/plans', ref: 'refs/heads/two', reason: 'it is not signed' }),
      }),
    ])
    expect((await preview(signing('warn'))).json<Pushes>()).toMatchObject({ effect: 'warn', counts: { failing: 2 } })
    expect((await preview(signing('off'))).json<Pushes>()).toMatchObject({ effect: 'none', pushers: [] })
    // Nothing was changed by that, and what it said comes true.
    expect(await push(await unsignedCommit('three'), 'three', 'rob')).toBe(true)
    await ask('PUT', '/api/organizations/acme/signing-policy', { cookie: boss, body: { level: 'signed' } })
    expect(await push(await unsignedCommit('four'), 'four', 'rob')).toBe(false)
    await ask('PUT', '/api/organizations/acme/signing-policy', { cookie: boss, body: { level: 'off' } })
  })

  test('idea 9: commits through the API count where only what people sign themselves is taken', async () => {
    const found = (await preview(signing('off', { humanSignatureOnly: true }))).json<Pushes>()
    expect(found.effect).toBe('refuse')
    expect(found.pushers).toEqual([
      expect.objectContaining({
        principal: { type: 'user', name: 'ada' },
        failing: 1,
        last: expect.objectContaining({ reason: expect.stringContaining('through the API') }),
      }),
    ])
  })

  test('idea 9: the page says the same, from its button on', async () => {
    const here = '/organizations/acme/settings/signing'
    const dialog = await ask('GET', `${here}?dialog=save&level=signed`, { cookie: boss })
    expect(dialog.text).toContain(`formaction="${here}/preview"`)
    const page = await ask('POST', `${here}/preview`, { cookie: boss, form: { level: 'signed', humanOnly: 'no' } })
    expect(page.status).toBe(200)
    for (const words of ['acme takes only commits that are signed.', 'rob', 'it is not signed', 'Make the change'])
      expect(page.text).toContain(words)
  })

  /**
   * Wim administers one repo and is but a reader in its organization. Who pushes when and where stands in the audit log, which is not his to
   * read: he asks the preview instead, of his repo and of the organization. A token that leaked from its administrator asks as well.
   */
  test('idea 9, bad input: a preview of a signing policy is no way into the audit log', async () => {
    const change = { kind: 'repo_signing_policy', repo: { type: 'model', name: 'acme/plans' }, level: 'signed' }
    const told = (await preview(change, wim)).json<Pushes>()
    expect(told).toMatchObject({ pushers: null, isPartial: true })
    expect(told.counts.pushers).toBe(1)
    expect(JSON.stringify(told)).not.toContain('rob')
    const form = { level: 'signed', humanOnly: 'no' }
    const page = await ask('POST', '/acme/plans/settings/signing/preview', { cookie: wim, form })
    expect(page.status).toBe(200)
    expect(page.text).not.toContain('it is not signed')
    expect((await preview(change, boss)).json<Pushes>().pushers).toHaveLength(1)
    expect((await preview(signing('signed'), wim)).status).toBe(403)
    const body = { change: signing('signed') }
    expect((await ask('POST', '/api/access/preview', { token: tokenOf('ada'), body })).status).toBe(403)
    const plain = ({ status, text }: { status: number; text: string }) =>
      `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`
    const stranger = await signInAs(site, users.stranger as TestUser)
    const hidden = await preview({ ...change, repo: { type: 'model', name: 'acme/secret' } }, stranger)
    const missing = await preview({ ...change, repo: { type: 'model', name: 'acme/nothing' } }, stranger)
    expect(plain(hidden).replaceAll('secret', 'nothing')).toBe(plain(missing))
  })

  test('idea 9: which files a scan policy would hold, of this organization alone, and these are held then', async () => {
    const change = (policy: string) => ({ kind: 'scan_policy', organization: 'acme', policy })
    const found = (await preview(change('block_until_scanned'))).json<Files>()
    expect(found).toMatchObject({
      before: 'warn',
      after: 'block_until_scanned',
      unsafe: { effect: 'hold', items: [{ content: contentOf(1), repos: [{ name: 'acme/plans' }] }], isWhole: true },
    })
    // One is in the repo of another owner; what was pushed above is not scanned yet, or is.
    expect(found.unscanned.effect).toBe('hold')
    expect(found.unscanned.count).toBeGreaterThanOrEqual(1)
    expect((await preview(change('block_infected'))).json<Files>().unscanned).toEqual({
      effect: 'none',
      count: 0,
      isWhole: true,
    })
    expect((await preview(change('warn'))).json<Files>().unsafe.effect).toBe('none')
    const form = { scanPolicy: 'block_infected', pickleAllowList: 'torch.*' }
    const page = await ask('POST', '/organizations/acme/settings/scanning/preview', { cookie: boss, form })
    expect(page.status).toBe(200)
    for (const words of ['Held from then on', 'acme/plans', 'a bad import', 'value="torch.*"'])
      expect(page.text).toContain(words)

    await ask('PATCH', '/api/organizations/acme/settings', { cookie: boss, body: { scanPolicy: 'block_infected' } })
    const listed = await ask('GET', '/api/scan/unsafe?organization=acme', { cookie: boss })
    const held = listed
      .json<{ content: string; released: boolean; repos: { held: boolean }[] }[]>()
      .filter(({ repos }) => repos.every((repo) => repo.held))
    expect(held.map(({ content }) => content)).toEqual([contentOf(1)])
    expect((await preview(change('warn'))).json<Files>().unsafe).toMatchObject({
      effect: 'hand_out',
      items: [{ content: contentOf(1) }],
    })
    expect((await preview(change('warn'), wim)).status).toBe(403)
  })

  test('idea 9: which models would be withheld where only signed ones are handed out, and that one is withheld then', async () => {
    const change = (signedModelsOnly: boolean) => ({ kind: 'signed_models', organization: 'acme', signedModelsOnly })
    const found = (await preview(change(true))).json<object>()
    expect(found).toEqual({
      effect: 'hold',
      affected: 1,
      models: 1,
      isWhole: true,
      items: [{ name: 'acme/plans', reason: expect.stringContaining('signature') }],
    })
    expect((await preview(change(false))).json<object>()).toMatchObject({ effect: 'none', affected: 0 })
    const here = '/organizations/acme/settings/model-signatures'
    const page = await ask('POST', `${here}/policy/preview`, { cookie: boss, form: { only: 'signed' } })
    for (const words of ['acme hands out signed models only.', 'Withheld from then on', 'acme/plans'])
      expect(page.text).toContain(words)
    const download = () => ask('GET', '/acme/plans/resolve/main/f', { token: tokenOf('ada') })
    expect((await download()).status).toBe(200)
    expect((await ask('POST', `${here}/policy`, { cookie: boss, form: { only: 'signed' } })).status).toBe(303)
    expect((await download()).status).toBe(403)
    expect((await preview(change(false))).json<object>()).toMatchObject({ effect: 'hand_out', affected: 1 })
    // Where its workspace asks for it, the organization's policy changes nothing.
    await site.hub.transaction(async (tx) => {
      const named = tx.selectFrom('repo').select(['id', 'ownerId']).where('fullName', '=', 'acme/plans')
      const { id, ownerId } = await named.executeTakeFirstOrThrow()
      const workspace = { id: 'e'.repeat(24), name: 'lab', nameKey: 'lab', createdAt: 0, signedModelsSince: 1 }
      await tx
        .insertInto('workspace')
        .values({ ...workspace, organizationId: ownerId })
        .execute()
      await tx.updateTable('repo').set({ workspaceId: workspace.id }).where('id', '=', id).execute()
    })
    expect((await preview(change(false))).json<object>()).toMatchObject({ effect: 'hand_out', affected: 0 })
    expect((await preview(change(false), wim)).status).toBe(403)
  })

  test('idea 9: what was pushed more than thirty days ago no longer counts', async () => {
    offset = 31 * dayMs
    const later = await signInAs(site, users.ada as TestUser)
    expect((await preview(signing('signed'), later)).json<Pushes>()).toMatchObject({
      counts: { pushers: 0, pushes: 0, failing: 0 },
    })
    offset = 0
  })
})

const contentOf = (number: number): string => `sha256:${String(number).padStart(64, '0')}`

/** Unsafe: one here, one here that was released, one of somebody else. Not scanned: one here. */
async function insertFiles(
  { hub }: TestHub,
  repoId: string,
  rival: { readonly id: string; readonly name: string },
): Promise<void> {
  const theirs = 'd'.repeat(24)
  await insertRepo(hub.db, { id: theirs, owner: rival, name: 'theirs' })
  const file = (number: number, isScanned: boolean) => ({
    content: contentOf(number),
    size: 1000,
    state: isScanned ? ('done' as const) : ('error' as const),
    level: isScanned ? ('unsafe' as const) : ('unscanned' as const),
    scanners: isScanned ? 'yara 1' : null,
    reason: null,
    attempts: 9,
    dueAt: Number.MAX_SAFE_INTEGER,
    claim: null,
    queuedAt: 1,
    scannedAt: isScanned ? 1 : null,
    importSet: null,
    foundAt: number,
  })
  const place = (number: number, repo: string) => ({ content: contentOf(number), repoId: repo, oid: `o${number}` })
  await hub.transaction(async (tx) => {
    await tx
      .insertInto('contentScan')
      .values([file(1, true), file(2, true), file(3, true), file(4, false)])
      .execute()
    await tx
      .insertInto('scanPlace')
      .values([place(1, repoId), place(2, repoId), place(3, theirs), place(4, repoId)])
      .execute()
    await tx
      .insertInto('scanResult')
      .values({
        content: contentOf(1),
        scanner: 'yara',
        version: '1',
        level: 'unsafe',
        message: 'a bad import',
        details: '{}',
        scannedAt: 1,
      })
      .execute()
    await tx
      .insertInto('scanRelease')
      .values({ content: contentOf(2), reason: 'ours', releasedAt: 1, releasedBy: null })
      .execute()
  })
}
