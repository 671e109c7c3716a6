/** The gate in small, case by case; over real rows it stands in tests/permissions (REP-6, REP-7, AUTH-6). */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Credential, Facts, Principal, RepoFacts, Standing } from './facts.ts'
import { noStanding } from './facts.ts'
import { isOpenToAll } from './gate.ts'
import { type Action, permissions } from './permissions.ts'
import { decide, refusal } from './policy.ts'
import { roles } from './role.ts'
import { noLimits } from './token-limits.ts'

const bob: Principal = { kind: 'user', id: 'b', name: 'bob', fullname: null, isAdmin: false, hasSecondFactor: false }
const session: Credential = { kind: 'session', id: 's', isFresh: true }
const repo: RepoFacts = {
  id: 'r',
  kind: 'model',
  owner: { id: 'o', kind: 'organization', name: 'acme' },
  name: 'x',
  visibility: 'public',
  creatorId: 'c',
  workspaceId: null,
  isDisabled: false,
  headCommit: null,
  gated: 'manual',
  orgMembersGated: false,
}

function facts(
  about: Partial<RepoFacts> = {},
  standing: Partial<Standing> = {},
  principal: Principal = bob,
  credential: Credential | null = session,
): Facts {
  return {
    principal,
    credential,
    resource: { on: 'repo', kind: 'model', repo: { ...repo, ...about } },
    standing: { ...noStanding, ...standing },
  }
}
const token = (canReadGatedRepos: boolean): Credential => ({
  kind: 'token',
  id: 't',
  name: 'ci',
  last4: 'abcd',
  role: 'fineGrained',
  canReadGatedRepos,
  globalPermissions: [],
  createdAt: 0,
  rotatedAt: null,
  networks: [],
  limits: noLimits,
  taken: null,
  former: null,
  parent: null,
  usesLeft: null,
  expiresAt: null,
})
const reads = (given: Facts): boolean => decide('repo.content.read', given).allow
const code = (given: Facts): string => {
  const decision = decide('repo.content.read', given)
  return decision.allow ? '+' : decision.denial.kind === 'hidden' ? 'hidden' : decision.denial.denied.code
}
const accepted = { access: { status: 'accepted', reason: null } } as const

describe('the gate', () => {
  it('stands before every action that hands out content or decides who gets it, and before no other', () => {
    const behind = (Object.keys(permissions) as Action[]).filter((action) => 'behindGate' in permissions[action])
    expect(behind.sort()).toEqual(['repo.access.handle', 'repo.access.read', 'repo.content.read', 'repo.update_gate'])
    expect(decide('repo.read', facts()).allow).toBe(true)
  })

  it('AUTH-6: says which of the reasons it is, and is GatedRepo on the wire', () => {
    expect(code(facts({}, {}, { kind: 'anonymous' }, null))).toBe('gated_sign_in')
    expect(code(facts())).toBe('gated_not_asked')
    expect(code(facts({}, { access: { status: 'pending', reason: null } }))).toBe('gated_pending')
    expect(code(facts({}, { access: { status: 'rejected', reason: 'no' } }))).toBe('gated_rejected')
    expect(code(facts({}, { ...accepted }, bob, token(false)))).toBe('gated_token')
    for (const given of [facts(), facts({}, {}, { kind: 'anonymous' }, null), facts({}, accepted, bob, token(false))]) {
      const decision = decide('repo.content.read', given)
      if (decision.allow) throw new Error('The gate was open.')
      const error = refusal(decision.denial, given)
      expect(error.entry.hub).toBe('GatedRepo')
      expect(error.status).toBe(given.principal.kind === 'anonymous' ? 401 : 403)
    }
    const rejected = facts({}, { access: { status: 'rejected', reason: 'no; need=admin' } })
    const decision = decide('repo.content.read', rejected)
    if (decision.allow || !('denied' in decision.denial)) throw new Error('The gate was open.')
    // What an author wrote is in the message alone, not among the fields of the header.
    expect(JSON.stringify(decision.denial.denied)).not.toContain('no; need=admin')
    expect(refusal(decision.denial, rejected).message).toContain('no; need=admin')
  })

  it('REP-7: a fine-grained token passes where it lists the content, or with the flag, never beyond its owner', () => {
    for (const permission of ['repo.content.read', 'repo.write']) {
      expect(reads(facts({}, { ...accepted, tokenGrants: [permission] }, bob, token(false)))).toBe(true)
      expect(reads(facts({}, { tokenGrants: [permission] }, bob, token(true)))).toBe(false)
    }
    for (const permission of ['repo.settings.write', 'repo.access.read', 'discussion.write']) {
      expect(reads(facts({}, { ...accepted, tokenGrants: [permission] }, bob, token(false)))).toBe(false)
    }
    expect(reads(facts({}, accepted, bob, token(true)))).toBe(true)
    // The flag is about public gated repos: a private one has to be listed.
    expect(code(facts({ visibility: 'private' }, { ...accepted, organizationRole: 'read' }, bob, token(true)))).toBe(
      'hidden',
    )
  })

  it('AUTH-4e: whom the organization keeps out passes neither by role nor, for want of one, as a member', () => {
    const kept = { restriction: 'second_factor', organizationRole: 'admin' } as const
    expect(code(facts({}, kept))).toBe('second_factor')
    expect(code(facts({ gated: false }, kept))).toBe('+')
    // As anybody else who was let in.
    expect(code(facts({}, { ...kept, ...accepted }))).toBe('+')
  })

  it('REP-6: opens for exactly those who could read the repo if it were private, and for those who were let in', () => {
    const role = fc.option(fc.constantFrom(...roles), { nil: null })
    const world = fc.record({
      organizationRole: role,
      workspaceRole: role,
      repoRole: role,
      inWorkspace: fc.boolean(),
      status: fc.constantFrom(null, 'pending' as const, 'accepted' as const, 'rejected' as const),
    })
    fc.assert(
      fc.property(world, ({ organizationRole, workspaceRole, repoRole, inWorkspace, status }) => {
        const standing = { organizationRole, workspaceRole, repoRole }
        const place = { workspaceId: inWorkspace ? 'w' : null }
        const access = status === null ? null : { status, reason: null }
        const asPrivate = reads(facts({ ...place, visibility: 'private', gated: false }, standing))
        expect(reads(facts(place, { ...standing, access }))).toBe(asPrivate || status === 'accepted')
        // What is private and gated asks for both.
        expect(reads(facts({ ...place, visibility: 'private' }, { ...standing, access }))).toBe(asPrivate)
        const members = { ...place, orgMembersGated: true }
        if (reads(facts(members, standing))) expect(asPrivate).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is what tells open from restricted', () => {
    expect(isOpenToAll(repo)).toBe(false)
    expect(isOpenToAll({ ...repo, gated: false })).toBe(true)
    expect(isOpenToAll({ visibility: 'private', gated: false })).toBe(false)
  })
})
