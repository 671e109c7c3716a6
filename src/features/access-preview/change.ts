/** The changes that can be previewed, as programs send them, with the action and the target that the change itself has. */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { repoKinds } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { scanPolicies } from '../../domain/quarantine.ts'
import { roles } from '../../domain/role.ts'
import { tokenPolicies } from '../../domain/token-policy.ts'
import { signingLevels } from '../signatures/service.ts'

const name = z.string().min(1).max(200)
const role = z.enum(roles).nullable()
const repo = z.strictObject({
  type: z.enum(repoKinds),
  name: z
    .string()
    .max(250)
    .regex(/^[^/]+\/[^/]+$/),
})
const longestLifetimeDays = 3_650

export const mostRepos = 50

const accessChanges = [
  /** `role` null: they are removed. */
  z.strictObject({ kind: z.literal('member_role'), organization: name, user: name, role }),
  /** `workspace`: its id. `role` null: what they have there of their own is taken away. */
  z.strictObject({
    kind: z.literal('workspace_role'),
    organization: name,
    workspace: name,
    user: name.optional(),
    group: name.optional(),
    role,
  }),
  /** `isMember` false: they leave it. */
  z.strictObject({
    kind: z.literal('group_member'),
    organization: name,
    group: name,
    user: name,
    isMember: z.boolean(),
  }),
  /** `workspace` null: out of any. */
  z.strictObject({
    kind: z.literal('repo_workspace'),
    repos: z.array(repo).min(1).max(mostRepos),
    workspace: name.nullable(),
  }),
  z.strictObject({ kind: z.literal('repo_visibility'), repo, visibility: z.enum(['public', 'private', 'protected']) }),
  z.strictObject({
    kind: z.literal('repo_gate'),
    repo,
    gated: z.union([z.literal(false), z.enum(['auto', 'manual'])]).optional(),
    orgMembersGated: z.boolean().optional(),
  }),
  /** What is absent stays. */
  z.strictObject({
    kind: z.literal('token_policy'),
    organization: name,
    policy: z.enum(tokenPolicies).optional(),
    mostDays: z.number().int().min(1).max(longestLifetimeDays).nullable().optional(),
    classicTokensAdminister: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('second_factor'), organization: name, required: z.boolean() }),
] as const

const level = z.enum(signingLevels)

/** Policies that nobody's role depends on: what is tried is what was pushed, and what lies there. */
const policyChanges = [
  z.strictObject({
    kind: z.literal('signing_policy'),
    organization: name,
    level,
    humanSignatureOnly: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('repo_signing_policy'),
    repo,
    level,
    humanSignatureOnly: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('scan_policy'), organization: name, policy: z.enum(scanPolicies) }),
  z.strictObject({ kind: z.literal('signed_models'), organization: name, signedModelsOnly: z.boolean() }),
] as const

export const changeShape = z.discriminatedUnion('kind', [...accessChanges, ...policyChanges])

/** A change of who may do what. */
export type Change = z.output<(typeof accessChanges)[number]>
export type PolicyChange = z.output<(typeof policyChanges)[number]>

type Repo = z.output<typeof repo>

export function repoTarget({ type, name: fullName }: Repo): Target {
  const [namespace = '', short = ''] = fullName.split('/')
  return { on: 'repo', kind: type, namespace, name: short }
}

const isMachine = (user: string): boolean => /^sa-/i.test(user)

/** Who may make the change may preview it, and nobody else. */
export function actionOf(change: Change | PolicyChange): Action {
  switch (change.kind) {
    case 'member_role':
      if (isMachine(change.user)) return 'org.service_account.update'
      return change.role === null ? 'org.remove_user' : 'org.change_role'
    case 'workspace_role':
      return change.role === null ? 'resource_group.remove_users' : 'resource_group.change_role'
    case 'group_member':
      return 'org.group.change_members'
    case 'repo_workspace':
      return 'repo.update_resource_group'
    case 'repo_visibility':
      return 'repo.update_settings'
    case 'repo_gate':
      return 'repo.update_gate'
    case 'token_policy':
      return 'org.token_policy.update'
    case 'second_factor':
      return 'org.settings.security'
    case 'signing_policy':
      return 'org.signing_policy.update'
    case 'repo_signing_policy':
      return 'repo.signing_policy.update'
    case 'scan_policy':
      return 'org.update_settings'
    case 'signed_models':
      return 'org.signed_models.update'
  }
}

export function targetOf(change: Change | PolicyChange): Target {
  switch (change.kind) {
    case 'workspace_role':
      return { on: 'workspace', organization: change.organization, id: change.workspace }
    case 'group_member':
      return { on: 'group', organization: change.organization, id: change.group }
    case 'repo_workspace':
      // There is at least one by its shape.
      return repoTarget(change.repos[0] as Repo)
    case 'repo_visibility':
    case 'repo_gate':
    case 'repo_signing_policy':
      return repoTarget(change.repo)
    default:
      return { on: 'organization', name: change.organization }
  }
}

export function isPolicyChange(change: Change | PolicyChange): change is PolicyChange {
  return policyChanges.some(({ shape }) => shape.kind.value === change.kind)
}
