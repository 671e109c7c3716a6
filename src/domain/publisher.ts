/**
 * What a trusted publisher demands of an ID token, and what of the token is kept to say which run of automation it was. Claims are compared
 * letter for letter: a pattern that somebody got slightly wrong would let strangers in.
 */
import type { RunFacts } from './facts.ts'

/** Name of a claim to the values of which it must have one. */
export type ClaimRules = Readonly<Record<string, readonly string[]>>

export const mostClaims = 20
export const mostValues = 20
export const valueLimit = 500

/** A place whose ID tokens anybody can have: one of `identifying` must be demanded, else everybody is trusted. */
interface SharedIssuer {
  readonly name: string
  readonly isIssuer: (issuer: string) => boolean
  readonly identifying: readonly string[]
  /**
   * How `sub` begins where it says whose repository it is. Whoever has a repository at GitHub decides what its `sub` is made of: `environment:release`
   * can be anybody's. So can `job_workflow_ref`, which names the workflow that was called, not who called it.
   */
  readonly subject?: RegExp
}

const is = (known: string) => (issuer: string) => issuer.replace(/\/$/, '') === known

const sharedIssuers: readonly SharedIssuer[] = [
  {
    name: 'GitHub Actions',
    isIssuer: is('https://token.actions.githubusercontent.com'),
    identifying: ['repository_id', 'repository', 'repository_owner_id', 'repository_owner', 'sub'],
    subject: /^(repo|repository|repository_id|repository_owner|repository_owner_id):/,
  },
  {
    name: 'GitLab.com',
    isIssuer: is('https://gitlab.com'),
    identifying: ['project_id', 'project_path', 'namespace_id', 'namespace_path', 'sub'],
    subject: /^project_path:/,
  },
  {
    name: 'Forgejo Actions',
    isIssuer: (issuer) => /\/api\/actions\/?$/.test(issuer),
    identifying: ['repository_id', 'repository', 'repository_owner_id', 'repository_owner', 'sub'],
    subject: /^repo:/,
  },
  { name: 'Google', isIssuer: is('https://accounts.google.com'), identifying: ['sub', 'email'] },
  {
    name: 'Buildkite',
    isIssuer: is('https://agent.buildkite.com'),
    identifying: ['pipeline_id', 'organization_id', 'organization_slug', 'sub'],
  },
  {
    name: 'Terraform Cloud',
    isIssuer: is('https://app.terraform.io'),
    identifying: ['terraform_workspace_id', 'terraform_project_id', 'terraform_organization_id', 'sub'],
  },
]

/** Whether these values say whose ID token it is, and not only in which circumstances it was made. */
function identifies(shared: SharedIssuer, name: string, values: readonly string[]): boolean {
  if (!shared.identifying.includes(name)) return false
  return name !== 'sub' || shared.subject === undefined || values.every((value) => shared.subject?.test(value))
}

/** Of the token itself, not of who has it. */
const ofTheToken = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti', 'azp', 'at_hash', 'nonce', 'auth_time']

/** Why these rules would not do, as a sentence for who writes them; null where they do. */
export function rulesFault(issuer: string, rules: ClaimRules): string | null {
  const names = Object.keys(rules)
  if (names.length === 0) return 'Name at least one claim: without one, every ID token of the issuer would be taken.'
  if (names.length > mostClaims) return `A trusted publisher names at most ${mostClaims} claims.`
  for (const name of names) {
    if (name === '' || name.length > 200 || /[\p{Cc}\s]/u.test(name))
      return 'A claim has a name of 1 to 200 characters.'
    if (ofTheToken.includes(name)) return `"${name}" says nothing about who has the ID token: name another claim.`
    const values = rules[name] ?? []
    if (values.length === 0) return `Say which value "${name}" must have.`
    if (values.length > mostValues) return `A claim has at most ${mostValues} values.`
    for (const value of values) {
      if (value === '' || value.length > valueLimit || /\p{Cc}/u.test(value))
        return `A value of "${name}" has 1 to ${valueLimit} characters.`
      if (value.includes('*')) return `Values are compared letter for letter: "${value}" is not a pattern.`
    }
  }
  const shared = sharedIssuers.find(({ isIssuer }) => isIssuer(issuer))
  if (shared !== undefined && !names.some((name) => identifies(shared, name, rules[name] ?? []))) {
    const subject = shared.subject === undefined ? '' : ' (which must say whose repository it is)'
    return `Everybody gets ID tokens of ${shared.name}: name one of ${shared.identifying.join(', ')}${subject}, so that only yours are taken.`
  }
  return null
}

/** What names the ID token's holder for good: a repository that is deleted, or given another name, leaves its name to whoever takes it. */
const immutable: Readonly<Record<string, string>> = {
  repository: 'repository_id',
  repository_owner: 'repository_owner_id',
  project_path: 'project_id',
  namespace_path: 'namespace_id',
  organization_slug: 'organization_id',
}

/** Claims that would resist a takeover of the name, to add to these rules; empty where nothing is missing. */
export function missingIds(rules: ClaimRules): string[] {
  return Object.keys(rules).flatMap((name) => {
    const id = immutable[name]
    return id === undefined || id in rules ? [] : [id]
  })
}

/** Names of those claims that are not as the rules have it; empty where the ID token fits. */
export function misfits(rules: ClaimRules, payload: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(rules).flatMap(([name, values]) => {
    const found = claimText(payload, name)
    return found !== null && values.includes(found) ? [] : [name]
  })
}

/** A claim as text, or null. `kubernetes.io/serviceaccount/uid` reaches into objects where no claim has that name. */
export function claimText(payload: Readonly<Record<string, unknown>>, name: string): string | null {
  if (Object.hasOwn(payload, name)) return textOf(payload[name])
  let inside: unknown = payload
  for (const part of name.split('/')) {
    if (typeof inside !== 'object' || inside === null || Array.isArray(inside) || !Object.hasOwn(inside, part))
      return null
    inside = (inside as Record<string, unknown>)[part]
  }
  return textOf(inside)
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

const telling = [
  'sub',
  'jti',
  // GitHub, Forgejo
  'repository',
  'repository_id',
  'repository_owner',
  'ref',
  'sha',
  'workflow_ref',
  'job_workflow_ref',
  'run_id',
  'run_attempt',
  'event_name',
  'environment',
  'actor',
  'actor_id',
  // GitLab
  'project_path',
  'project_id',
  'ref_path',
  'pipeline_id',
  'pipeline_source',
  'job_id',
  'user_login',
  // Kubernetes
  'kubernetes.io/namespace',
  'kubernetes.io/serviceaccount/name',
  'kubernetes.io/serviceaccount/uid',
  'kubernetes.io/pod/name',
] as const

/** Which run it is. Also those claims by which it was let in. */
export function runOf(issuer: string, rules: ClaimRules, payload: Readonly<Record<string, unknown>>): RunFacts {
  const claims: Record<string, string> = {}
  for (const name of new Set([...telling, ...Object.keys(rules)])) {
    const found = claimText(payload, name)
    if (found !== null && found !== '') claims[name] = found.slice(0, 300)
  }
  return { issuer, claims }
}

/** `acme/train, run 123 (token.actions.githubusercontent.com)` */
export function runWords({ issuer, claims }: RunFacts): string {
  const { repository, project_path, sub, run_id, pipeline_id, job_id } = claims
  const pod = claims['kubernetes.io/pod/name']
  const who = repository ?? project_path ?? sub ?? 'automation'
  const which = [
    run_id === undefined ? null : `run ${run_id}`,
    pipeline_id === undefined ? null : `pipeline ${pipeline_id}`,
    job_id === undefined ? null : `job ${job_id}`,
    pod === undefined ? null : `pod ${pod}`,
  ].filter((part) => part !== null)
  return `${[who, ...which].join(', ')} (${hostOf(issuer)})`
}

/** `repository acme/train at GitHub Actions` */
export function publisherName(issuer: string, rules: ClaimRules): string {
  const shared = sharedIssuers.find(({ isIssuer }) => isIssuer(issuer))
  const order = ['repository', 'project_path', 'sub', 'repository_id', 'project_id', ...(shared?.identifying ?? [])]
  const name = order.find((one) => one in rules) ?? Object.keys(rules)[0] ?? ''
  const value = (rules[name] ?? []).join(' or ')
  return `${name} ${value.length > 80 ? `${value.slice(0, 79)}…` : value} at ${shared?.name ?? hostOf(issuer)}`
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer
}
