/** The commands that others script against, beside a running server: what they print, and what works afterwards. */
import { Readable } from 'node:stream'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { signInAs } from '../../tests/support/accounts.ts'
import { addApp } from '../../tests/support/factors.ts'
import { insertRepo } from '../../tests/support/rows.ts'
import { makeSigners } from '../../tests/support/signers.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { systemOrigin } from '../domain/event.ts'
import { plainOrganization } from '../domain/facts.ts'
import { systemGrant } from '../domain/policy.ts'
import { inviteByEmail } from '../features/organizations/invitations.ts'
import { type Hub, openHub } from '../hub.ts'
import { adminCommand } from './admin.ts'

describe('holdfast admin', () => {
  let test: TestHub
  /** The hub of the running server, which a command does not close: opening another for each would only cost time. */
  let shared: Hub
  beforeAll(async () => {
    test = await startHub({ env: { HOLDFAST_SIGN_UP: 'invite' } })
    shared = { ...test.hub, close: () => Promise.resolve() }
  })
  afterAll(() => test.stop())
  afterEach(() => vi.restoreAllMocks())

  /** Runs a command on the folder of the running server; gives what stood on standard output. */
  async function run(args: readonly string[], input = '', open = () => Promise.resolve(shared)): Promise<string> {
    let printed = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      printed += String(chunk)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([input]) as typeof process.stdin)
    const program = new Command().exitOverride().addCommand(adminCommand(open))
    for (const command of program.commands.flatMap((admin) => [admin, ...admin.commands])) command.exitOverride()
    try {
      await program.parseAsync(['admin', ...args], { from: 'user' })
    } finally {
      vi.restoreAllMocks()
    }
    return printed
  }

  const whoami = (token: string) =>
    fetch(`${test.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${token.trim()}` } })
  const post = (path: string, form: Record<string, string>) =>
    fetch(`${test.url}${path}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(form) })

  it('create-user with a password from standard input, whose address counts as verified', async () => {
    const printed = await run(
      ['create-user', 'mara', '--email', 'mara@example.org', '--admin', '--password-stdin'],
      'a long enough sentence\n',
      () => openHub(test.hub.config, { log: test.hub.log }),
    )
    expect(printed).toBe('')
    const cookie = await signInAs(test, { name: 'mara@example.org', password: 'a long enough sentence' })
    const me = await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie } })
    expect(await me.json()).toMatchObject({ name: 'mara', emailVerified: true })
    expect(await run(['list-users'])).toBe('mara\tmara@example.org\tactive\tadmin\n')
  })

  it('reset-second-factor lets somebody in who is locked out, and says where there was nothing to take away', async () => {
    const password = 'a long enough sentence'
    await run(['create-user', 'nils', '--email', 'nils@example.org', '--password-stdin'], `${password}\n`)
    const nils = { name: 'nils', password }
    await addApp(test, await signInAs(test, nils), Date.now())
    await expect(signInAs(test, nils)).rejects.toThrow()
    expect(await run(['reset-second-factor', 'nils'])).toBe('')
    expect(await signInAs(test, nils)).toMatch(/^token=/)
    expect(await run(['reset-second-factor', 'nils'])).toBe('')
    await expect(run(['reset-second-factor', 'nobody'])).rejects.toMatchObject({ code: 'user_not_found' })
  })

  it('create-user without a password prints a link to choose one', async () => {
    const link = (await run(['create-user', 'olga', '--email', 'olga@example.org'])).trim()
    expect(link).toMatch(/^http:\/\/localhost:\d+\/password-reset\/[\w-]{43}$/)
    const form = { link: link.split('/').at(-1) ?? '', password: 'another long sentence' }
    expect((await post('/password-reset/set', form)).status).toBe(303)
    await signInAs(test, { name: 'olga', password: 'another long sentence' })
    await expect(run(['create-user', 'OLGA', '--email', 'o2@example.org'])).rejects.toMatchObject({
      code: 'name_taken',
    })
    await expect(run(['create-user', 'olga2', '--email', 'olga@example.org'])).rejects.toMatchObject({
      code: 'email_taken',
    })
  })

  it('create-org and add-member', async () => {
    await run(['create-org', 'acme', '--owner', 'mara'])
    await run(['add-member', 'acme', 'olga', '--role', 'write'])
    await expect(run(['add-member', 'acme', 'olga', '--role', 'read'])).rejects.toMatchObject({
      code: 'already_member',
    })
    await expect(run(['add-member', 'acme', 'nobody', '--role', 'read'])).rejects.toMatchObject({
      code: 'user_not_found',
    })
    await expect(run(['add-member', 'mara', 'olga', '--role', 'read'])).rejects.toMatchObject({
      code: 'organization_not_found',
    })
    await expect(run(['add-member', 'acme', 'olga', '--role', 'god'])).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    })
  })

  it('create-service-account and create-service-account-token: an identity for a pipeline, and what it signs in with', async () => {
    const id = (await run(['create-service-account', 'acme', 'ci', '--role', 'write', '--contact', 'Olga'])).trim()
    expect(id).toMatch(/^[0-9a-f]{24}$/)
    const inherits = await run(['create-service-account-token', 'acme', 'CI', '--inherit'])
    expect(inherits).toMatch(/^hf_[0-9A-Za-z]{34}\n$/)
    const identity = {
      type: 'user',
      id,
      name: `sa-${id}`,
      fullname: 'ci',
      orgs: [{ name: 'acme', roleInOrg: 'write' }],
    }
    expect(await (await whoami(inherits)).json()).toMatchObject(identity)
    const token = ['create-service-account-token', 'acme', 'ci']
    const scoped = await run([
      ...token,
      '--name',
      'reads',
      '--scoped',
      'org:acme=repo.content.read',
      '--expires',
      '2099-01-31',
    ])
    expect(await (await whoami(scoped)).json()).toMatchObject({
      auth: { expiresAt: '2099-01-31T23:59:59.999Z', accessToken: { displayName: 'reads', role: 'fineGrained' } },
    })
    for (const [args, code] of [
      [token, 'invalid_input'],
      [[...token, '--inherit', '--scoped', 'org:acme=repo.write'], 'invalid_input'],
      [[...token, '--scoped', 'org:acme=org.write'], 'beyond_ceiling'],
      [[...token, '--name', 'reads', '--inherit'], 'token_name_taken'],
      [['create-service-account-token', 'acme', 'nobody', '--inherit'], 'service_account_not_found'],
      [['create-service-account', 'acme', 'Ci', '--role', 'read'], 'service_account_name_taken'],
      [['create-service-account', 'mara', 'ci', '--role', 'read'], 'organization_not_found'],
      [['create-service-account', 'acme', 'x', '--role', 'god'], 'commander.invalidArgument'],
    ] as const) {
      await expect(run(args), args.join(' ')).rejects.toMatchObject({ code })
    }
  })

  it('set-seat-limit holds for adding, and none takes it away (SEAT-4)', async () => {
    await run(['set-seat-limit', 'acme', '2'])
    await run(['create-user', 'third', '--email', 'third@example.org'])
    await expect(run(['add-member', 'acme', 'third'])).rejects.toMatchObject({ code: 'seats_full' })
    await run(['set-seat-limit', 'ACME', 'none'])
    await run(['add-member', 'acme', 'third'])
    for (const limit of ['0', '-1', '1.5', 'many']) {
      await expect(run(['set-seat-limit', 'acme', limit])).rejects.toMatchObject({ code: 'commander.invalidArgument' })
    }
    await expect(run(['set-seat-limit', 'mara', '5'])).rejects.toMatchObject({ code: 'organization_not_found' })
  })

  it('invitation-link prints a link for an invitation that is there', async () => {
    const { id } = await test.hub.db.read
      .selectFrom('namespace')
      .select('id')
      .where('nameKey', '=', 'acme')
      .executeTakeFirstOrThrow()
    await expect(run(['invitation-link', 'acme', 'new@example.org'])).rejects.toMatchObject({
      code: 'invitation_not_found',
    })
    const organization = plainOrganization({ id, name: 'acme' })
    const allowed = systemGrant('org.invite_user', { on: 'organization', name: 'acme', organization }, 'tests')
    await inviteByEmail(test.hub, allowed, systemOrigin, { email: 'new@example.org', role: 'read' })
    const link = await run(['invitation-link', 'acme', 'new@example.org'])
    expect(link).toMatch(/^http:\/\/localhost:\d+\/invitations\/[\w-]{43}\n$/)
    expect((await fetch(link.trim())).status).toBe(200)
  })

  it('create-token prints the value alone, for each role', async () => {
    for (const role of ['read', 'write'] as const) {
      const token = await run(['create-token', '--user', 'olga', '--name', `a ${role} token`, '--role', role])
      expect(token).toMatch(/^hf_[0-9A-Za-z]{34}\n$/)
      expect(await (await whoami(token)).json()).toMatchObject({
        name: 'olga',
        orgs: [{ name: 'acme', roleInOrg: 'write' }],
        auth: { accessToken: { role, displayName: `a ${role} token` } },
      })
    }
    const organization = await test.hub.db.read
      .selectFrom('namespace')
      .where('name', '=', 'acme')
      .select(['id', 'name'])
      .executeTakeFirstOrThrow()
    await insertRepo(test.hub.db, { id: test.hub.clock.id(), owner: organization, name: 'x' })
    const token = await run([
      'create-token',
      '--user',
      'olga',
      '--name',
      'fine',
      '--role',
      'fineGrained',
      '--scoped',
      'model:acme/x=repo.content.read,repo.write',
      'org:acme=org.read',
      '--gated',
      '--expires',
      '2099-01-31',
    ])
    const { auth } = (await (await whoami(token)).json()) as { auth: Record<string, unknown> }
    expect(auth).toMatchObject({
      expiresAt: '2099-01-31T23:59:59.999Z',
      accessToken: {
        role: 'fineGrained',
        fineGrained: {
          canReadGatedRepos: true,
          scoped: expect.arrayContaining([
            {
              entity: expect.objectContaining({ type: 'model', name: 'acme/x' }),
              permissions: ['repo.content.read', 'repo.write'],
            },
            { entity: expect.objectContaining({ type: 'org', name: 'acme' }), permissions: ['org.read'] },
          ]),
        },
      },
    })
    await expect(
      run([
        'create-token',
        '--user',
        'olga',
        '--name',
        'no',
        '--role',
        'fineGrained',
        '--scoped',
        'model:acme/y=repo.write',
      ]),
    ).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(
      run(['create-token', '--user', 'olga', '--name', 'no', '--role', 'read', '--scoped', 'user:olga=repo.write']),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('deactivate-user, activate-user, set-admin', async () => {
    const token = await run(['create-token', '--user', 'olga', '--name', 'switch', '--role', 'read'])
    await run(['deactivate-user', 'olga'])
    expect((await whoami(token)).status).toBe(401)
    await run(['activate-user', 'olga'])
    expect((await whoami(token)).status).toBe(200)
    await expect(run(['set-admin', 'mara', '--off'])).rejects.toMatchObject({ code: 'last_admin' })
    await run(['set-admin', 'olga'])
    await run(['set-admin', 'mara', '--off'])
    expect(await run(['list-users'])).toContain('olga\tolga@example.org\tactive\tadmin')
  })

  it('invite prints a link with which one person joins', async () => {
    const secret = (await run(['invite'])).trim().split('/').at(-1) ?? ''
    const form = { email: 'guest@example.org', password: 'a long enough sentence', link: secret }
    expect((await post('/join', { ...form, username: 'guest' })).status).toBe(303)
    expect((await post('/join', { ...form, username: 'guest2' })).status).toBe(410)
    expect(await run(['verify-email', 'guest'])).toMatch(/^guest@example\.org\thttp\S+\/verify-email\/[\w-]{43}\n$/)
    const shown = await run(['show-links'])
    expect(shown).toMatch(/^guest guest@example\.org\thttp\S+\n$/)
    expect((await post('/verify-email', { link: shown.trim().split('/').at(-1) ?? '' })).status).toBe(200)
    expect(await run(['show-links'])).toBe('')
  })

  it('GPG-13: add-key adds a public key for somebody and prints its fingerprint; a private one is refused', async () => {
    await run(['create-user', 'signer', '--email', 'signer@example.com'])
    await using signers = await makeSigners()
    const file = await signers.sshKey('cli', 'ed25519')
    const fingerprint = (await signers.sh(`ssh-keygen -lf ${file}.pub`)).split(' ')[1]
    expect((await run(['add-key', 'signer', '--file', `${file}.pub`])).trim()).toBe(fingerprint)
    await expect(run(['add-key', 'signer', '--file', file])).rejects.toThrow()
    // From standard input, also where that is no file that could be opened by a path.
    const other = await signers.sshKey('cli-2', 'ed25519')
    const second = await run(['add-key', 'signer', '--file', '-'], await signers.sh(`cat ${other}.pub`))
    expect(second.trim()).toBe((await signers.sh(`ssh-keygen -lf ${other}.pub`)).split(' ')[1])
    const rows = await test.hub.db.read.selectFrom('signingKey').select('fingerprint').execute()
    expect(new Set(rows.map((row) => row.fingerprint))).toEqual(new Set([fingerprint, second.trim()]))
  })
})
