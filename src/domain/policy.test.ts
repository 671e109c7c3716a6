/** The rules in small, case by case; the whole matrix over real rows is in tests/permissions. */

import { describe, expect, it } from 'vitest'
import type { Credential, Facts, Principal, RepoFacts, Standing } from './facts.ts'
import { noStanding } from './facts.ts'
import { type Action, permissions } from './permissions.ts'
import { authorize, canSee, decide, describeResource, effectiveRole, refusal, systemGrant } from './policy.ts'
import { noLimits } from './token-limits.ts'

const ada = {
  kind: 'user',
  id: 'a',
  name: 'ada',
  fullname: null,
  isAdmin: false,
  hasSecondFactor: false,
} as const satisfies Principal
const anonymous: Principal = { kind: 'anonymous' }
const session: Credential = { kind: 'session', id: 's', isFresh: true }
const token = (role: 'read' | 'write' | 'fineGrained'): Credential => ({
  kind: 'token',
  id: 't',
  name: 'ci',
  last4: 'abcd',
  role,
  canReadGatedRepos: false,
  globalPermissions: [],
  createdAt: 0,
  rotatedAt: null,
  expiresAt: null,
  former: null,
  parent: null,
  usesLeft: null,
  networks: [],
  limits: noLimits,
  taken: null,
})
const repo: RepoFacts = {
  id: 'r',
  kind: 'model',
  owner: { id: 'o', kind: 'organization', name: 'acme' },
  name: 'x',
  visibility: 'private',
  creatorId: 'c',
  workspaceId: null,
  isDisabled: false,
  headCommit: null,
  gated: false,
  orgMembersGated: false,
}

function facts(
  principal: Principal,
  credential: Credential | null,
  about: Partial<RepoFacts> | null,
  standing: Partial<Standing> = {},
): Facts {
  const found = about === null ? null : { ...repo, ...about }
  return {
    principal,
    credential,
    resource: { on: 'repo', kind: 'model', repo: found },
    standing: { ...noStanding, ...standing },
  }
}

describe('the effective role', () => {
  const of = (about: Partial<RepoFacts>, standing: Partial<Standing>) =>
    effectiveRole(facts(ada, session, about, standing), { ...repo, ...about })

  it('is the organization’s outside workspaces, and the workspace’s inside (C15, WS-3)', () => {
    expect(of({}, { organizationRole: 'write' })).toBe('write')
    expect(of({ workspaceId: 'w' }, { organizationRole: 'write' })).toBeNull()
    expect(of({ workspaceId: 'w' }, { organizationRole: 'no_access', workspaceRole: 'read' })).toBe('read')
    expect(of({ workspaceId: 'w' }, { organizationRole: 'admin' })).toBe('admin')
    expect(of({}, { organizationRole: 'read', workspaceRole: 'admin' })).toBe('read')
  })
  it('is raised by a grant on the repo, never lowered', () => {
    expect(of({}, { organizationRole: 'read', repoRole: 'write' })).toBe('write')
    expect(of({}, { organizationRole: 'write', repoRole: 'read' })).toBe('write')
    expect(of({ workspaceId: 'w' }, { organizationRole: 'no_access', repoRole: 'read' })).toBe('read')
  })
  it('in one’s own namespace is admin', () => {
    expect(of({ owner: { id: 'a', kind: 'user', name: 'ada' } }, {})).toBe('admin')
    expect(of({ owner: { id: 'b', kind: 'user', name: 'bob' } }, {})).toBeNull()
  })
})

describe('what is hidden', () => {
  it('AUTH-7: is refused in the words of what is missing, with no reason', () => {
    const hidden = facts(ada, session, {}, {})
    const missing = facts(ada, session, null)
    for (const action of ['repo.read', 'repo.push', 'repo.delete'] as const) {
      const [one, other] = [hidden, missing].map((each) => {
        const decision = decide(action, each)
        return decision.allow ? null : refusal(decision.denial, each)
      })
      expect(one?.message).toBe(other?.message)
      expect([one?.status, one?.extras]).toEqual([other?.status, other?.extras])
      expect([one?.status, one?.extras.denied]).toEqual([404, undefined])
    }
    const stranger = facts(anonymous, null, {})
    const decision = decide('repo.read', stranger)
    expect(decision.allow ? null : refusal(decision.denial, stranger).status).toBe(401)
  })
  it('UAT-7: is computed through the token', () => {
    const owner = { organizationRole: 'admin' } as const
    expect(canSee(facts(ada, token('read'), {}, owner), repo)).toBe(true)
    expect(canSee(facts(ada, token('fineGrained'), {}, owner), repo)).toBe(false)
    expect(canSee(facts(ada, token('fineGrained'), {}, { ...owner, tokenGrants: ['repo.content.read'] }), repo)).toBe(
      true,
    )
    // A grant does not outlive the owner's access (UAT-9).
    expect(canSee(facts(ada, token('fineGrained'), {}, { tokenGrants: ['repo.write'] }), repo)).toBe(false)
  })
})

describe('refusals say what is missing', () => {
  const denied = (action: Action, given: Facts) => {
    const decision = decide(action, given)
    return decision.allow ? null : refusal(decision.denial, given)
  }
  it('a role', () => {
    const error = denied('repo.push', facts(ada, session, {}, { organizationRole: 'read' }))
    expect([error?.code, error?.status, error?.extras.denied]).toEqual([
      'forbidden',
      403,
      { code: 'role', need: 'write', have: 'read' },
    ])
    expect(error?.message).toBe('Your role on model acme/x is read; this needs write.')
  })
  it('UAT-6: a token’s role', () => {
    const error = denied('repo.push', facts(ada, token('read'), {}, { organizationRole: 'write' }))
    expect(error?.message).toBe('This token has the role read; this needs write.')
  })
  it('a permission of a fine-grained token', () => {
    // By two ways, as a token of a service account has what it has on its organization: named once.
    const tokenGrants = ['repo.content.read', 'repo.content.read']
    const standing = { organizationRole: 'write', tokenGrants } as const
    const error = denied('repo.push', facts(ada, token('fineGrained'), {}, standing))
    expect(error?.message).toBe('This token lacks the permission repo.write or repo.content.write on model acme/x.')
    expect(error?.extras.denied).toEqual({
      code: 'token_permission',
      need: 'repo.write or repo.content.write',
      have: 'repo.content.read',
    })
  })
  it('a session, for what no token may do', () => {
    const given: Facts = { principal: ada, credential: token('write'), resource: { on: 'self' }, standing: noStanding }
    expect(denied('token.create', given)?.code).toBe('session_needed')
  })
  it('an administrator of the hub, who is nothing more on repos', () => {
    const given: Facts = { principal: ada, credential: session, resource: { on: 'instance' }, standing: noStanding }
    expect(denied('user.create', given)?.code).toBe('instance_admin_needed')
    const root: Principal = { ...ada, isAdmin: true }
    expect(decide('user.create', { ...given, principal: root }).allow).toBe(true)
    expect(decide('user.create', { ...given, principal: root, credential: token('write') }).allow).toBe(false)
    expect(decide('repo.read', facts(root, session, {})).allow).toBe(false)
  })
  it('that content is withheld', () => {
    const error = denied('repo.content.read', facts(ada, session, { isDisabled: true }, { organizationRole: 'admin' }))
    expect(error?.message).toBe('Access to this resource is disabled.')
    expect(decide('repo.read', facts(ada, session, { isDisabled: true }, { organizationRole: 'read' })).allow).toBe(
      true,
    )
  })
})

describe('proofs', () => {
  it('ROL-a: a contributor pushes to what they created, as long as they are one', () => {
    const mine = { creatorId: 'a' }
    expect(decide('repo.push', facts(ada, session, mine, { organizationRole: 'contributor' })).allow).toBe(true)
    expect(decide('repo.push', facts(ada, session, {}, { organizationRole: 'contributor' })).allow).toBe(false)
    expect(decide('repo.push', facts(ada, session, mine, { organizationRole: 'read' })).allow).toBe(false)
  })
  it('carry the thing that was decided on', () => {
    const allowed = authorize('repo.read', facts(ada, session, { visibility: 'public' }))
    expect([allowed.action, allowed.resource.id, allowed.principal.kind]).toEqual(['repo.read', 'r', 'user'])
    expect(() => authorize('repo.push', facts(anonymous, null, { visibility: 'public' }))).toThrow(
      'Sign in to do this.',
    )
  })
  it('of the hub itself name their reason', () => {
    const allowed = systemGrant('repo.delete', { on: 'repo', kind: 'model', repo }, 'clean-up')
    expect(allowed.principal).toEqual({ kind: 'system', reason: 'clean-up' })
  })
  it('are described in words', () => {
    expect(describeResource({ on: 'repo', kind: 'model', repo: null })).toBe('this model')
    expect(describeResource({ on: 'organization', name: 'acme', organization: null })).toBe('acme')
  })
})

describe('the table', () => {
  it('never lets a fine-grained token do what a classic write token may not, and audits every change', () => {
    for (const [action, row] of Object.entries(permissions)) {
      expect(row.title.length, action).toBeGreaterThan(5)
      if (typeof row.token !== 'string' && row.token.classic === 'write' && !action.endsWith('.read'))
        expect(row.audited, action).toBe(true)
    }
  })
})
