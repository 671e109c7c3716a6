/**
 * The classic "why 403?", as huggingface_hub tells them: each in the text of its own error, with the code of the reason and what to do (issue 6, idea 1).
 * A download begins with HEAD, whose answer has no body: there the reason stands in the text of the header, or in the client's warnings.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { type GateWorld, password, startGateWorld } from '../support/gate.ts'
import { findPython, runClient } from './clients.ts'

const script = fileURLToPath(new URL('python/why_denied.py', import.meta.url))
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')

describe('a 403 that says why', () => {
  let world: GateWorld
  let eve: TestUser

  beforeAll(async () => {
    world = await startGateWorld('sqlite')
    eve = await makeUser(world.site, 'eve', { tokenRole: 'write', password })
  })
  afterAll(() => world.site.stop())

  const patch = async (id: string, values: Record<string, string | number>) => {
    await world.site.hub.transaction((tx) => tx.updateTable('accessToken').set(values).where('id', '=', id).execute())
  }
  async function tokenId(value: string): Promise<string> {
    const rows = await world.site.hub.db.read
      .selectFrom('accessToken')
      .select('id')
      .where('last4', '=', value.slice(-4))
      .execute()
    expect(rows).toHaveLength(1)
    return rows[0]?.id ?? ''
  }
  async function makePrivate(organization: string, owner: TestUser, resourceGroupId?: string): Promise<string> {
    const name = `p${world.next()}`
    const made = await world.ask('POST', '/api/repos/create', owner.token, {
      name,
      organization,
      private: true,
      ...(resourceGroupId === undefined ? {} : { resourceGroupId }),
    })
    expect(made.status, made.text).toBe(200)
    await world.commit(`${organization}/${name}`, { 'weights.txt': 'weights' }, owner.token)
    return `${organization}/${name}`
  }
  /** An organization of its own for each policy. */
  async function makeStrict(): Promise<string> {
    const name = `strict${world.next()}`
    await makeOrganization(world.site, name, world.ada, { eve: 'write' })
    return name
  }

  describe.each(['newest', 'last1'] as const)('huggingface_hub, %s', (set) => {
    const python = findPython(set)
    const say = async (token: string | null, ...args: string[]) => {
      const ran = await runClient(python ?? '', [script, ...args], {
        env: { HF_ENDPOINT: world.site.url, HF_HUB_DISABLE_XET: '1', ...(token === null ? {} : { HF_TOKEN: token }) },
      })
      expect(ran.code, ran.stderr).toBe(0)
      return { text: ran.stdout.trim(), log: ran.stderr }
    }
    const trap = (title: string, act: () => Promise<void>) =>
      it.skipIf(python === null)(title, { timeout: 120_000 }, act)

    trap('1: a fine-grained token without the gated flag', async () => {
      const repo = await world.makeGated('auto')
      await world.at(repo).askAccess(world.bob.token)
      const forgot = await makeToken(world.site, world.bob, { role: 'fineGrained' })
      for (const way of ['download', 'check']) {
        const { text } = await say(forgot, way, repo)
        expect(text).toMatch(
          /^GatedRepoError 403 .*Reason: gated_token; need=repo\.content\.read or repo\.write on this repo; have=none/,
        )
        expect(text).toContain(`entity=model:${repo}`)
      }
    })

    trap('2: a read token that pushes', async () => {
      const repo = await makePrivate('acme', world.ada)
      const read = await makeToken(world.site, world.ada, { role: 'read' })
      const { text } = await say(read, 'upload', repo)
      expect(text).toMatch(
        /403 .*This token has the role read; this needs write\..*Reason: token_role; need=write; have=read/,
      )
      expect((await say(read, 'create', 'acme/new-one')).text).toContain('Reason: token_role; need=write; have=read')
    })

    trap('3: a gate: not asked, pending, rejected', async () => {
      const repo = await world.makeGated()
      const { askAccess, handle } = world.at(repo)
      expect((await say(eve.token, 'download', repo)).text).toContain('Reason: gated_not_asked;')
      await askAccess(eve.token)
      expect((await say(eve.token, 'download', repo)).text).toContain('Reason: gated_pending;')
      await handle({ user: 'eve', status: 'rejected', rejectionReason: 'No company given' })
      const { text } = await say(eve.token, 'download', repo)
      expect(text).toMatch(
        /rejected by the repo's authors: No company given.*Reason: gated_rejected;.*can still take the rejection back/,
      )
    })

    trap('4: expired, revoked and wrong tokens are told apart, where a body is read and where none is', async () => {
      const repo = await makePrivate('acme', world.ada)
      const expired = await makeToken(world.site, world.ada, { role: 'read', expiresAt: Date.now() + 60_000 })
      await patch(await tokenId(expired), { expiresAt: 1 })
      const revoked = await makeToken(world.site, world.ada, { role: 'read' })
      await world.site.hub.transaction(async (tx) => {
        await tx.deleteFrom('accessToken').where('last4', '=', revoked.slice(-4)).execute()
      })
      for (const [token, code, next] of [
        [expired, 'token_expired', 'The token has expired. Refresh it'],
        [revoked, 'token_revoked', 'it was deleted or refreshed. Use the value that it was refreshed to'],
        [`hf_${'x'.repeat(34)}`, 'invalid_credentials', 'it was never made here. Look whether the right token is set'],
      ] as const) {
        const { text } = await say(token, 'info', repo)
        expect(text, code).toMatch(new RegExp(`401 .*Invalid credentials in Authorization header.*Reason: ${code}`))
        // What is wrong with this one, and not all that can be wrong with any.
        expect(text).toContain(next)
        // Of these two the client makes a text of its own.
        for (const way of ['whoami', 'download']) {
          const { log } = await say(token, way, repo)
          expect(log, `${way} ${code}`).toContain(`Reason: ${code}`)
          expect(log).toContain(next)
        }
      }
    })

    trap(
      '5: a fine-grained token that does not list the repo: private, it is not there; public, it lacks the permission',
      async () => {
        const [listed, other] = [await makePrivate('acme', world.ada), await makePrivate('acme', world.ada)]
        const token = await makeToken(world.site, world.ada, {
          role: 'fineGrained',
          scoped: [`model:${listed}=repo.content.read`],
        })
        expect((await say(token, 'info', listed)).text).toBe('allowed')
        expect((await say(token, 'upload', listed)).text).toMatch(
          /Reason: token_permission; need=repo\.write or repo\.content\.write; have=repo\.content\.read; entity=model/,
        )
        const hidden = await say(token, 'info', other)
        expect(hidden.text).toMatch(/^RepositoryNotFoundError 404/)
        expect(hidden.text).not.toContain('Reason:')
      },
    )

    trap('6: a role in a workspace that is lower than the one in the organization', async () => {
      const made = await world.ask('POST', '/api/organizations/acme/resource-groups', world.ada.token, {
        name: `prod ${world.next()}`,
        users: [{ user: 'dora', role: 'read' }],
      })
      expect(made.status, made.text).toBeLessThan(300)
      const repo = await makePrivate('acme', world.ada, made.json<{ id: string }>().id)
      const { text } = await say(world.dora.token, 'upload', repo)
      expect(text).toMatch(/Reason: role; need=write; have=read; entity=model:/)
      expect(text).toContain('Your role on model')
    })

    trap('7: a token outside of its network', async () => {
      const token = await makeToken(world.site, world.ada, { role: 'read' })
      await patch(await tokenId(token), { networks: '["10.1.0.0/16"]' })
      const { text } = await say(token, 'whoami', 'acme/x')
      expect(text).toMatch(/403 .*Reason: token_outside_network; need=a network of the token; have=(127\.0\.0\.1|::1)/)
      const repo = await makePrivate('acme', world.ada)
      const download = await say(token, 'download', repo)
      expect(`${download.text} ${download.log}`).toContain('Reason: token_outside_network')
    })

    trap('8: an organization that takes fine-grained tokens only, and approval: pending and denied', async () => {
      const name = await makeStrict()
      const repo = await makePrivate(name, world.ada)
      const session = await signInAs(world.site, { ...world.ada, password })
      const put = await world.ask('PUT', `/api/organizations/${name}/token-policy`, session, { policy: 'approval' })
      expect(put.status, put.text).toBe(200)
      expect((await say(eve.token, 'info', repo)).text).toMatch(/403 .*Reason: token_policy; need=a fine-grained token/)
      const token = await makeToken(world.site, eve, { role: 'fineGrained', scoped: [`org:${name}=repo.content.read`] })
      const pending = await say(token, 'download', repo)
      expect(`${pending.text} ${pending.log}`).toContain('Reason: token_pending;')
      const denied = await world.ask(
        'POST',
        `/api/organizations/${name}/settings/tokens/${await tokenId(token)}/deny`,
        session,
      )
      expect(denied.status, denied.text).toBe(200)
      expect((await say(token, 'info', repo)).text).toContain('Reason: token_denied;')
    })

    trap('9: an organization that asks for a second factor', async () => {
      const name = await makeStrict()
      const repo = await makePrivate(name, world.ada)
      await world.site.hub.transaction((tx) =>
        tx
          .updateTable('organization')
          .set({ secondFactorRequired: 1 })
          .where('id', '=', tx.selectFrom('namespace').select('id').where('name', '=', name))
          .execute(),
      )
      const { text } = await say(eve.token, 'info', repo)
      expect(text).toMatch(/403 .*Reason: second_factor; need=a second factor; have=none\. /)
    })

    trap('10: a file that is held because scanners found it unsafe', async () => {
      const name = await makeStrict()
      const repo = await makePrivate(name, world.ada)
      await world.ask('PATCH', `/api/organizations/${name}/settings`, world.ada.token, { scanPolicy: 'block_infected' })
      await world.commit(repo, { 'eicar.com': eicar })
      await vi.waitFor(
        async () => {
          const answer = await world.ask('GET', `/${repo}/resolve/main/eicar.com`, world.ada.token)
          expect(answer.status).toBe(403)
        },
        { timeout: 30_000, interval: 100 },
      )
      const { text, log } = await say(world.ada.token, 'download', repo, 'eicar.com')
      expect(text).toMatch(/403 .*Access to this resource is disabled/)
      expect(log).toContain(`Reason: content_held; entity=model:${repo}`)
    })

    trap('11: an organization that takes commits only with their authors’ signatures', async () => {
      const name = await makeStrict()
      const repo = await makePrivate(name, world.ada)
      const session = await signInAs(world.site, { ...world.ada, password })
      const put = await world.ask('PUT', `/api/organizations/${name}/signing-policy`, session, {
        level: 'verified',
        humanSignatureOnly: true,
      })
      expect(put.status, put.text).toBe(200)
      const { text } = await say(world.ada.token, 'upload', repo)
      expect(text).toMatch(/403 .*Reason: human_signature_only; entity=model:.*Commit with git, signed/)
    })
  })
})
