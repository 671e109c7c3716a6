/** Explaining and deciding are two ways to say the same: the first row that fails is the denial, over every action and facts nobody thought of. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HttpRequest } from '../access/http-request.ts'
import { tokenPace } from '../access/token-pace.ts'
import { HoldfastError } from './errors.ts'
import { denialOf, explain } from './explain.ts'
import { explainLimits } from './explain-limits.ts'
import { type Credential, type Facts, noStanding, type Principal, type Resource, type Standing } from './facts.ts'
import { type Action, permissionRow, permissions } from './permissions.ts'
import { authorize, decide, refusal } from './policy.ts'
import { roles } from './role.ts'
import { noLimits } from './token-limits.ts'
import { tokenPermissions } from './token-permissions.ts'

const actions = Object.keys(permissions) as Action[]
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 })
const role = fc.constantFrom(...roles)

const principal: fc.Arbitrary<Principal> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Principal>({ kind: 'anonymous' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('user' as const),
      id: fc.constantFrom('a', 'b'),
      name: fc.constant('ada'),
      fullname: fc.constant(null),
      isAdmin: fc.boolean(),
      hasSecondFactor: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constant<Principal>({
      kind: 'service-account',
      id: 'm',
      name: 'sa-m',
      fullname: 'ci',
      organization: { id: 'o', name: 'acme' },
    }),
  },
  { weight: 1, arbitrary: fc.constant<Principal>({ kind: 'organization', id: 'o', name: 'acme', fullname: null }) },
)

const token = (tokenRole: fc.Arbitrary<'read' | 'write' | 'fineGrained' | 'inherit'>): fc.Arbitrary<Credential> =>
  fc.record({
    kind: fc.constant('token' as const),
    id: fc.constant('t'),
    name: fc.constant('ci'),
    last4: fc.constant('abcd'),
    role: tokenRole,
    canReadGatedRepos: fc.boolean(),
    globalPermissions: fc.constant([]),
    createdAt: fc.constant(0),
    rotatedAt: fc.constant(null),
    expiresAt: fc.constant(null),
    networks: fc.constant([]),
    limits: fc.constantFrom(
      noLimits,
      noLimits,
      noLimits,
      { ...noLimits, paths: ['*.safetensors'] },
      { ...noLimits, programs: ['git', 'hf_hub'] },
      { ...noLimits, requestsPerMinute: 2 },
      { ...noLimits, programs: ['git'], requestsPerMinute: 1, paths: ['*.bin'] },
    ),
    taken: fc.constant(null),
    former: fc.constant(null),
    parent: fc.constantFrom(null, { id: 'p', role: 'read' as const, createdAt: 0, rotatedAt: null, expiresAt: null }),
    usesLeft: fc.constantFrom(null, null, null, 0, 1),
  })
const session = fc.record({ kind: fc.constant('session' as const), id: fc.constant('s'), isFresh: fc.boolean() })

const credentialOf = (who: Principal): fc.Arbitrary<Credential | null> => {
  if (who.kind === 'anonymous') return fc.constant(null)
  if (who.kind === 'organization') return token(fc.constantFrom('read', 'write'))
  if (who.kind === 'service-account') return token(fc.constantFrom('inherit', 'fineGrained', 'fineGrained'))
  return fc.oneof(session, token(fc.constantFrom('read', 'write', 'fineGrained', 'fineGrained')))
}

const organization = fc.record({
  id: fc.constant('o'),
  kind: fc.constant('organization' as const),
  name: fc.constant('acme'),
  workspaceCreation: role,
  showsMembers: fc.boolean(),
  classicTokensAdminister: fc.boolean(),
})
const user = fc.constantFrom('a', 'b').map((id) => ({ id, kind: 'user' as const, name: `user-${id}` }))
const plain = fc.constant({ id: 'o', kind: 'organization' as const, name: 'acme' })
const part = maybe(fc.record({ id: fc.constant('p'), name: fc.constant('part'), organization }))
const repo = fc.record({
  id: fc.constant('r'),
  kind: fc.constant('model' as const),
  owner: fc.oneof(plain, plain, user),
  name: fc.constant('x'),
  visibility: fc.constantFrom('public', 'private', 'protected'),
  creatorId: fc.constantFrom('a', 'b', 'm'),
  workspaceId: maybe(fc.constant('w')),
  isDisabled: fc.integer({ max: 4, min: 0 }).map((n) => n === 0),
  headCommit: fc.constant(null),
  gated: fc.constantFrom(false as const, false as const, 'auto' as const, 'manual' as const),
  orgMembersGated: fc.boolean(),
})

function resourceOn(on: Resource['on']): fc.Arbitrary<Resource> {
  switch (on) {
    case 'instance':
    case 'self':
      return fc.constant({ on })
    case 'namespace':
      return fc.record({
        on: fc.constant(on),
        name: fc.constant('acme'),
        owner: maybe(fc.oneof(plain, user)),
        workspace: fc.constantFrom(null, undefined, { id: 'w', name: 'prod' }),
      }) as fc.Arbitrary<Resource>
    case 'organization':
      return fc.record({ on: fc.constant(on), name: fc.constant('acme'), organization: maybe(organization) })
    case 'group':
      return fc.record({ on: fc.constant(on), group: part })
    case 'workspace':
      return fc.record({ on: fc.constant(on), workspace: part })
    case 'repo':
      return fc.record({ on: fc.constant(on), kind: fc.constant('model' as const), repo: maybe(repo) })
  }
}

const standing: fc.Arbitrary<Standing> = fc.record({
  organizationRole: maybe(role),
  workspaceRole: maybe(role),
  groupRole: maybe(fc.constantFrom('member' as const, 'manager' as const)),
  repoRole: fc.option(role, { nil: null, freq: 1 }),
  tokenGrants: fc.subarray(Object.keys(tokenPermissions)),
  holderGrants: fc.subarray(Object.keys(tokenPermissions)),
  restriction: fc.constantFrom<Standing['restriction']>(
    ...([null, null, null, null, null, 'second_factor', 'token_policy', 'token_pending', 'token_denied'] as const),
  ),
  access: maybe(fc.record({ status: fc.constantFrom('pending', 'accepted', 'rejected'), reason: fc.constant(null) })),
})

/** Those about repos and with rules of their own come up often. */
const action = fc.oneof(
  fc.constantFrom(...actions),
  fc.constantFrom<Action>(
    'repo.read',
    'repo.content.read',
    'repo.push',
    'repo.access.read',
    'org.rename',
    'org.update_settings',
    'token.create',
  ),
)

const asked = fc.tuple(action, principal).chain(([done, who]) =>
  fc.record({
    action: fc.constant(done),
    facts: fc.record({
      principal: fc.constant(who),
      credential: credentialOf(who),
      resource: resourceOn(permissionRow(done).on),
      path: fc.constantFrom(undefined, 'model.safetensors', 'model.bin'),
      standing: who.kind === 'anonymous' ? fc.constant(noStanding) : standing,
    }) as fc.Arbitrary<Facts>,
  }),
)

/** What a request was refused with before and in the decision, by the code that refuses requests; null: it went on. */
function thrownBy(act: () => void): HoldfastError | null {
  try {
    act()
    return null
  } catch (thrown) {
    if (thrown instanceof HoldfastError) return thrown
    throw thrown
  }
}

/** As much of a request as the pace of a token looks at. */
function requestOf(userAgent: string | null): HttpRequest {
  const response = { setHeader: () => undefined }
  return { origin: { ip: null, userAgent, requestId: '' }, response } as unknown as HttpRequest
}

describe('rows of an explanation', () => {
  it('idea 1: the first that fails is the denial of the decision, over every action', { timeout: 60_000 }, () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(asked, ({ action: done, facts }) => {
        const rows = explain(done, facts)
        const decision = decide(done, facts)
        expect(denialOf(rows)).toEqual(decision.allow ? null : decision.denial)
        const outcome = decision.allow ? 'allow' : 'denied' in decision.denial ? decision.denial.denied.code : 'hidden'
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        for (const { denial, need, have } of rows) {
          if (denial === null || !('denied' in denial)) continue
          expect([need, have]).toEqual([denial.denied.need ?? null, denial.denied.have ?? null])
        }
      }),
      { numRuns: 100_000 },
    )
    // The worlds are rich enough for each way to be refused: the rarest comes up some fifteen times.
    const codes =
      'allow hidden unauthenticated role token_role token_permission session_needed person_needed second_factor '
    const more = 'token_policy token_pending repo_disabled gated_sign_in gated_not_asked gated_pending gated_rejected '
    for (const code of `${codes}${more}gated_token token_outside_paths token_administration fresh_sign_in`.split(' ')) {
      expect(seen.get(code) ?? 0, code).toBeGreaterThan(0)
    }
  })

  // An agent had used up its child token, was told so at every request, and "Why was I denied?" answered that everything was allowed.
  it('idea 1, idea 11: with the limits of the token, the first row that fails is what the request is refused with', {
    timeout: 60_000,
  }, () => {
    const seen = new Map<string, number>()
    const programs = fc.constantFrom(null, 'git/2.40', 'unknown/None; hf_hub/1.2.0; python/3.11', 'curl/8')
    fc.assert(
      fc.property(asked, programs, fc.integer({ min: 0, max: 3 }), ({ action: done, facts }, userAgent, before) => {
        const { credential } = facts
        const pace = tokenPace(() => 1_000)
        const allowedProgram = requestOf('git/2')
        for (let count = 0; count < before; count++) thrownBy(() => pace.judge(credential, allowedProgram))
        const minute = credential?.kind === 'token' ? pace.look(credential) : undefined
        const rows = explainLimits(credential, { userAgent, minute })
        const denial = denialOf(explain(done, facts))
        const said =
          rows.find(({ fault }) => fault !== null)?.fault ?? (denial === null ? null : refusal(denial, facts))
        const real = thrownBy(() => {
          if (credential?.kind === 'token' && credential.usesLeft === 0) throw new HoldfastError('token_used_up')
          pace.judge(credential, requestOf(userAgent))
          authorize(done, facts)
        })
        expect([said?.code, said?.status]).toEqual([real?.code, real?.status])
        expect(said?.denied?.code).toBe(real?.denied?.code)
        seen.set(said?.code ?? 'allow', (seen.get(said?.code ?? 'allow') ?? 0) + 1)
      }),
      { numRuns: 100_000 },
    )
    for (const code of ['allow', 'token_used_up', 'token_outside_program', 'token_too_fast', 'token_outside_paths']) {
      expect(seen.get(code) ?? 0, code).toBeGreaterThan(10)
    }
  })

  // Mallory holds a token that does not list a private model, or stands outside of its organization. She asks why she may not push to
  // names that she guesses, and compares the answers: a row more or less would tell her which of them are there.
  it('AUTH-7: those of what is hidden are those of what is missing, whatever the action', () => {
    let hidden = 0
    fc.assert(
      fc.property(asked, ({ action: done, facts }) => {
        const rows = explain(done, facts)
        const isHidden = denialOf(rows)?.kind === 'hidden'
        if (!isHidden || facts.resource.on !== 'repo') return
        hidden++
        const missing: Facts = {
          ...facts,
          resource: { ...facts.resource, repo: null },
          standing: { ...facts.standing, repoRole: null, workspaceRole: null, access: null },
        }
        expect(rows).toEqual(explain(done, missing))
        expect(rows.at(-1)).toEqual({ check: 'resource', denial: { kind: 'hidden' }, need: null, have: null })
      }),
      { numRuns: 5_000 },
    )
    expect(hidden).toBeGreaterThan(100)
  })

  it('goes on behind the first failure: a reader with a read token needs both, a role and another token', () => {
    const facts: Facts = {
      principal: { kind: 'user', id: 'a', name: 'ada', fullname: null, isAdmin: false, hasSecondFactor: false },
      credential: {
        kind: 'token',
        id: 't',
        name: 'ci',
        last4: 'abcd',
        role: 'read',
        canReadGatedRepos: false,
        globalPermissions: [],
        createdAt: 0,
        rotatedAt: null,
        expiresAt: null,
        networks: [],
        limits: noLimits,
        taken: null,
        former: null,
        parent: null,
        usesLeft: null,
      },
      resource: {
        on: 'repo',
        kind: 'model',
        repo: {
          id: 'r',
          kind: 'model',
          owner: { id: 'o', kind: 'organization', name: 'acme' },
          name: 'x',
          visibility: 'private',
          creatorId: 'b',
          workspaceId: 'w',
          isDisabled: false,
          headCommit: null,
          gated: false,
          orgMembersGated: false,
        },
      },
      standing: { ...noStanding, organizationRole: 'write', workspaceRole: 'read' },
    }
    const rows = explain('repo.push', facts)
    expect(rows.map(({ check, denial }) => [check, denial === null])).toEqual([
      ['second_factor', true],
      ['organization_policy', true],
      ['resource', true],
      ['signed_in', true],
      ['role', false],
      ['token', false],
    ])
    expect(rows.find(({ check }) => check === 'role')).toMatchObject({
      need: 'write',
      have: 'read',
      sources: [
        { of: 'organization', role: 'write', counts: false },
        { of: 'workspace', role: 'read', counts: true },
      ],
    })
    const denial = denialOf(rows)
    expect(denial === null ? null : refusal(denial, facts).denied?.code).toBe('role')
  })
})
