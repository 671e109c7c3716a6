/**
 * THE table: one row for each thing that can be done, read by the policy, the routes, the matrix test, docs/permissions.md and the pages.
 * Action names are the Hub's audit names where it has one. A route names an action; an action without a row does not compile.
 */
import type { Role } from './role.ts'
import type { TokenPermission } from './token-permissions.ts'

export interface PermissionRow {
  /** What the action is done to. */
  readonly on: 'instance' | 'self' | 'namespace' | 'organization' | 'group' | 'workspace' | 'repo'
  /** The least that the principal itself must be: `anyone`, `signed-in`, or a role on the resource. */
  readonly least: 'anyone' | 'signed-in' | Role
  /** The weaker role that is enough on repos which the principal created (ROL-a). */
  readonly leastOnOwnRepo?: Role
  /** Open to everybody where the repo is public. */
  readonly openWherePublic?: true
  /** Open to everybody where the organization shows its members. */
  readonly openWhereMembersShow?: true
  /** An organization may let weaker roles do it, down to `read` (WS-6). */
  readonly leastIsSetting?: 'workspaceCreation'
  /** On a repo of an organization: the role in the organization counts, whatever the role in the repo's workspace. */
  readonly byOrganization?: true
  /** Only people can do it: a service account has no such thing. */
  readonly people?: true
  /** Only in a session whose person proved a short while ago who they are. Tokens are not asked. */
  readonly fresh?: true
  /** A token that inherits what its account may do does not carry it: it has to be listed (SA-11). */
  readonly listed?: true
  /** It hands out content, or decides about who gets it: whom the gate of a gated repo keeps out may not (REP-6). */
  readonly behindGate?: true
  /** Those whom the organization keeps out for want of a second factor may still do it. */
  readonly whileRestricted?: true
  /**
   * What a token needs. `session`: no token can do it. `any`: every valid token can. Otherwise the classic role that is enough,
   * and the fine-grained permissions of which one is enough.
   */
  readonly token:
    | 'session'
    | 'any'
    | { readonly classic: 'read' | 'write'; readonly fineGrained: readonly TokenPermission[] }
  /** Written to the audit log when done. */
  readonly audited: boolean
  /** Completes "may ..." in documents and refusals. */
  readonly title: string
}

const content = { classic: 'read', fineGrained: ['repo.content.read', 'repo.write'] } as const
/** Seeing that a repo is there: whoever may change its settings must be able to. Its bytes stay with `content`. */
const metadata = { classic: 'read', fineGrained: ['repo.content.read', 'repo.write', 'repo.settings.write'] } as const
const write = { classic: 'write', fineGrained: ['repo.write'] } as const
const settings = { classic: 'write', fineGrained: ['repo.write', 'repo.settings.write'] } as const
const members = { classic: 'write', fineGrained: ['org.write', 'org.members.write'] } as const
const orgRead = { classic: 'read', fineGrained: ['org.read', 'org.write'] } as const
const orgWrite = { classic: 'write', fineGrained: ['org.write'] } as const
const machinesRead = {
  classic: 'write',
  fineGrained: ['org.serviceAccounts.read', 'org.serviceAccounts.write'],
} as const
const machinesWrite = { classic: 'write', fineGrained: ['org.serviceAccounts.write'] } as const
const groupRead = {
  classic: 'read',
  fineGrained: ['org.read', 'org.write', 'org.members.read', 'org.members.write'],
} as const
const placeRead = { classic: 'read', fineGrained: ['org.read', 'org.write', 'resourceGroup.write'] } as const
const placeWrite = { classic: 'write', fineGrained: ['resourceGroup.write'] } as const

export const permissions = {
  'instance.read': {
    on: 'instance',
    least: 'anyone',
    token: 'any',
    audited: false,
    title: 'see what this hub is and how it does',
  },
  'repo.list': {
    on: 'instance',
    least: 'anyone',
    token: 'any',
    audited: false,
    title: 'list the repos that are visible to the caller',
  },
  'user.read': { on: 'instance', least: 'anyone', token: 'any', audited: false, title: 'see a public profile' },
  'account.join': { on: 'instance', least: 'anyone', token: 'session', audited: true, title: 'make an account' },
  'account.recover': {
    on: 'instance',
    least: 'anyone',
    token: 'session',
    audited: true,
    title: 'use a link sent by e-mail',
  },
  'token.report': {
    on: 'instance',
    least: 'anyone',
    token: 'any',
    audited: false,
    title: 'report access tokens that leaked, which revokes them',
  },
  'session.create': { on: 'instance', least: 'anyone', token: 'session', audited: true, title: 'sign in' },

  'user.list': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: false,
    title: 'list the accounts of this hub',
  },
  'user.create': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'make an account or an invitation for somebody',
  },
  'user.make_link': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'make a link that verifies an address or sets a password for somebody',
  },
  'user.set_admin': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'make somebody an administrator of this hub, or no longer one',
  },
  'user.reset_second_factor': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: "take somebody's second factors away",
  },
  'user.deactivate': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: "deactivate somebody's account",
  },
  'user.activate': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'activate an account again',
  },

  'org.set_seat_limit': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'limit how many members an organization may have',
  },

  'scan.release': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'let a file that scanners found unsafe out of quarantine, or take that back',
  },

  'scan.read': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: false,
    title: 'see what scanners found unsafe on this hub, and what was released',
  },
  'download.read': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: false,
    title: 'see who downloaded a content, and export that',
  },

  'storage.read': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: false,
    title: 'see how much every namespace and repo stores',
  },
  'storage.collect': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'remove stored bytes that nothing needs',
  },
  'storage.scrub': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'check stored bytes against their hashes',
  },
  'repo.restore': {
    on: 'instance',
    least: 'admin',
    token: 'session',
    audited: true,
    title: 'bring back a repo that was deleted',
  },

  'account.read': { on: 'self', least: 'signed-in', token: 'any', audited: false, title: 'see who one is (whoami)' },
  'account.update': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "change one's profile, addresses and password",
  },
  'account.delete': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "deactivate or delete one's account",
  },
  'session.refresh': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'confirm who one is',
  },
  'account.second_factor.read': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: false,
    title: "see one's second factors",
  },
  'account.second_factor.update': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'add and remove second factors',
  },
  'org.invite.accept': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'accept an invitation to an organization',
  },
  'session.read': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: false,
    title: "list one's sessions",
  },
  'session.delete': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "end one's sessions",
  },
  'token.read': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: false,
    title: "list one's access tokens",
  },
  'token.create': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'create an access token',
  },
  'token.update': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'edit an access token',
  },
  'token.rotate': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'refresh an access token',
  },
  'token.delete': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: 'delete an access token',
  },
  'token.derive': {
    on: 'self',
    least: 'signed-in',
    token: 'any',
    audited: true,
    title: 'derive a narrower child token from the token in use',
  },
  'user.gpg_key.read': {
    on: 'self',
    least: 'signed-in',
    token: 'any',
    audited: false,
    title: "list one's OpenPGP keys",
  },
  'user.gpg_key.create': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "add an OpenPGP key that signs in one's name",
  },
  'user.gpg_key.delete': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "delete one's OpenPGP keys",
  },
  'user.ssh_key.read': {
    on: 'self',
    least: 'signed-in',
    token: 'any',
    audited: false,
    title: "list one's SSH keys",
  },
  'user.ssh_key.create': {
    on: 'self',
    people: true,
    fresh: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "add an SSH key that signs in one's name",
  },
  'user.ssh_key.delete': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: 'session',
    audited: true,
    title: "delete one's SSH keys",
  },
  'repo.list_own': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: { classic: 'read', fineGrained: [] },
    audited: false,
    title: "list one's repos with their storage",
  },
  'org.create': {
    on: 'self',
    people: true,
    least: 'signed-in',
    token: { classic: 'write', fineGrained: [] },
    audited: true,
    title: 'create an organization',
  },

  'org.read': {
    on: 'organization',
    least: 'anyone',
    token: 'any',
    audited: false,
    title: 'see the public profile of an organization',
  },
  'org.settings.read': {
    on: 'organization',
    least: 'read',
    token: orgRead,
    audited: false,
    title: 'see the settings of an organization',
  },
  'org.members.read': {
    on: 'organization',
    least: 'read',
    openWhereMembersShow: true,
    token: { classic: 'read', fineGrained: ['org.read', 'org.write', 'org.members.read', 'org.members.write'] },
    audited: false,
    title: 'see the full list of members',
  },
  'org.repos.read': {
    on: 'organization',
    least: 'read',
    token: { classic: 'read', fineGrained: ['org.repos.read', 'org.read', 'org.write'] },
    audited: false,
    title: 'list the repos of an organization with their storage',
  },
  'org.add_user': { on: 'organization', least: 'admin', token: members, audited: true, title: 'add a member' },
  'org.change_role': {
    on: 'organization',
    least: 'admin',
    token: members,
    audited: true,
    title: 'change the role of a member',
  },
  'org.remove_user': { on: 'organization', least: 'admin', token: members, audited: true, title: 'remove a member' },
  'org.invite_user': {
    on: 'organization',
    least: 'admin',
    token: members,
    audited: true,
    title: 'invite somebody by e-mail, and see or withdraw invitations',
  },
  'org.leave': {
    on: 'organization',
    people: true,
    whileRestricted: true,
    least: 'no_access',
    token: { classic: 'write', fineGrained: [] },
    audited: true,
    title: 'leave an organization',
  },
  'org.update_settings': {
    on: 'organization',
    least: 'admin',
    token: orgWrite,
    audited: true,
    title: 'change the settings of an organization',
  },
  'org.settings.security': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide whether members need a second factor',
  },
  'org.rename': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'rename an organization',
  },
  'org.delete': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'delete an organization with everything in it',
  },
  'org.token_policy.update': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide which access tokens of its members an organization takes',
  },
  'org.token.read': {
    on: 'organization',
    least: 'admin',
    token: { classic: 'write', fineGrained: ['org.read', 'org.write'] },
    audited: false,
    title: 'list the access tokens that reach an organization, without their values',
  },
  'org.token.approve': {
    on: 'organization',
    least: 'admin',
    people: true,
    token: 'session',
    audited: true,
    title: "approve or deny a member's access token for an organization",
  },
  'org.token.revoke': {
    on: 'organization',
    least: 'admin',
    token: orgWrite,
    audited: true,
    title: "revoke a member's access token for an organization",
  },
  'org.audit_log.read': {
    on: 'organization',
    least: 'admin',
    token: { classic: 'write', fineGrained: ['org.auditLog.write'] },
    audited: false,
    title: 'read and export the audit log of an organization',
  },

  'org.scan.read': {
    on: 'organization',
    least: 'admin',
    token: { classic: 'write', fineGrained: ['org.auditLog.write'] },
    audited: false,
    title: 'see what scanners found unsafe in the repos of an organization',
  },
  'org.download.read': {
    on: 'organization',
    least: 'admin',
    token: { classic: 'write', fineGrained: ['org.auditLog.write'] },
    audited: false,
    title: 'see who downloaded a content from the repos of an organization, and export that',
  },

  'org.service_account.read': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesRead,
    audited: false,
    title: 'see service accounts and their tokens',
  },
  'org.service_account.create': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'add a service account',
  },
  'org.service_account.update': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'edit a service account, and change its role',
  },
  'org.service_account.disable': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'disable a service account',
  },
  'org.service_account.enable': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'enable a service account',
  },
  'org.service_account.delete': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'delete a service account for good',
  },
  'org.service_account.token.create': {
    on: 'organization',
    least: 'admin',
    listed: true,
    fresh: true,
    token: machinesWrite,
    audited: true,
    title: 'add a token to a service account',
  },
  'org.service_account.token.update': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'edit a token of a service account',
  },
  'org.service_account.token.rotate': {
    on: 'organization',
    least: 'admin',
    listed: true,
    fresh: true,
    token: machinesWrite,
    audited: true,
    title: 'refresh a token of a service account',
  },
  'org.service_account.token.delete': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesWrite,
    audited: true,
    title: 'delete tokens of a service account',
  },
  'org.service_account.ask_access': {
    on: 'organization',
    least: 'admin',
    people: true,
    token: 'session',
    audited: true,
    title: 'agree to the terms of a gated repo for a service account, and withdraw that',
  },
  'org.service_account.key.read': {
    on: 'organization',
    least: 'admin',
    listed: true,
    token: machinesRead,
    audited: false,
    title: 'see the signing keys of service accounts',
  },
  'org.service_account.key.create': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'add a signing key to a service account',
  },
  'org.service_account.key.delete': {
    on: 'organization',
    least: 'admin',
    people: true,
    token: 'session',
    audited: true,
    title: 'delete a signing key of a service account',
  },
  'org.signing_policy.read': {
    on: 'organization',
    least: 'read',
    token: orgRead,
    audited: false,
    title: 'see which commits an organization asks to be signed',
  },
  'org.signing_policy.update': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide which commits must be signed',
  },
  'org.signing_policy.bypass': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'let unsigned pushes through for a while, or end that',
  },
  'org.model_key.list': {
    on: 'organization',
    least: 'read',
    token: orgRead,
    audited: false,
    title: 'see whose signatures of models an organization trusts, and whether it hands out others',
  },
  'org.model_key.create': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'trust a key or a certificate to sign models',
  },
  'org.model_key.delete': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'no longer trust a key or a certificate to sign models',
  },
  'org.signed_models.update': {
    on: 'organization',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide whether an organization hands out signed models alone',
  },

  'org.group.list': {
    on: 'organization',
    least: 'no_access',
    token: groupRead,
    audited: false,
    title: 'list the groups of an organization',
  },
  'org.group.create': { on: 'organization', least: 'admin', token: members, audited: true, title: 'create a group' },
  'org.group.read': {
    on: 'group',
    least: 'read',
    token: groupRead,
    audited: false,
    title: 'see a group and who is in it',
  },
  'org.group.update': {
    on: 'group',
    least: 'admin',
    token: members,
    audited: true,
    title: 'rename or describe a group',
  },
  'org.group.delete': { on: 'group', least: 'admin', token: members, audited: true, title: 'delete a group' },
  'org.group.change_members': {
    on: 'group',
    least: 'write',
    token: members,
    audited: true,
    title: 'add and remove members of a group, and name its managers',
  },

  'resource_group.list': {
    on: 'organization',
    least: 'no_access',
    token: placeRead,
    audited: false,
    title: 'list the workspaces that one has a role in',
  },
  'resource_group.create': {
    on: 'organization',
    least: 'admin',
    leastIsSetting: 'workspaceCreation',
    token: placeWrite,
    audited: true,
    title: 'create a workspace',
  },
  'resource_group.read': {
    on: 'workspace',
    least: 'read',
    token: placeRead,
    audited: false,
    title: 'see a workspace, who is in it and what is in it',
  },
  'resource_group.settings': {
    on: 'workspace',
    least: 'admin',
    token: placeWrite,
    audited: true,
    title: 'rename or describe a workspace, and say who joins it',
  },
  'resource_group.signed_models': {
    on: 'workspace',
    least: 'admin',
    byOrganization: true,
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide whether a workspace hands out signed models alone',
  },
  'resource_group.delete': {
    on: 'workspace',
    least: 'admin',
    byOrganization: true,
    token: placeWrite,
    audited: true,
    title: 'delete a workspace; its repos stay in the organization',
  },
  'resource_group.add_users': {
    on: 'workspace',
    least: 'admin',
    token: placeWrite,
    audited: true,
    title: 'add people, service accounts and groups to a workspace',
  },
  'resource_group.change_role': {
    on: 'workspace',
    least: 'admin',
    token: placeWrite,
    audited: true,
    title: 'change a role in a workspace',
  },
  'resource_group.remove_users': {
    on: 'workspace',
    least: 'admin',
    token: placeWrite,
    audited: true,
    title: 'remove people, service accounts and groups from a workspace',
  },

  'repo.create': {
    on: 'namespace',
    least: 'contributor',
    token: write,
    audited: true,
    title: 'create a repo, or move one into the namespace',
  },

  'repo.read': {
    on: 'repo',
    least: 'read',
    openWherePublic: true,
    token: metadata,
    audited: false,
    title: 'see a repo, its card and its file list',
  },
  'repo.content.read': {
    on: 'repo',
    least: 'read',
    openWherePublic: true,
    behindGate: true,
    token: content,
    audited: false,
    title: 'download files, clone and fetch',
  },
  'repo.push': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    token: write,
    audited: true,
    title: 'push, commit, upload, and change branches and tags',
  },
  'repo.allow_secrets': {
    on: 'repo',
    least: 'admin',
    token: write,
    audited: true,
    title: 'push what push protection takes for a secret, with a reason',
  },
  'repo.unlock_any': {
    on: 'repo',
    least: 'admin',
    token: write,
    audited: true,
    title: "break somebody else's file lock",
  },
  'repo.update_settings': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    token: settings,
    audited: true,
    title: 'change visibility and settings of a repo',
  },
  'repo.update_gate': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    behindGate: true,
    token: settings,
    audited: true,
    title: 'decide who has to ask for access to the files of a repo',
  },
  'repo.access.ask': {
    on: 'repo',
    least: 'signed-in',
    people: true,
    token: { classic: 'write', fineGrained: [] },
    audited: true,
    title: 'ask for access to a gated repo, and withdraw that',
  },
  'repo.access.read': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    behindGate: true,
    token: { classic: 'write', fineGrained: ['repo.access.read', 'repo.write'] },
    audited: false,
    title: 'see who asked for access to a gated repo, and what they said',
  },
  'repo.access.handle': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    behindGate: true,
    token: write,
    audited: true,
    title: 'accept, reject and withdraw access to a gated repo',
  },
  'repo.move': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    token: settings,
    audited: true,
    title: 'rename a repo',
  },
  'repo.transfer': {
    on: 'repo',
    least: 'admin',
    byOrganization: true,
    token: settings,
    audited: true,
    title: 'move a repo to another namespace',
  },
  'repo.update_resource_group': {
    on: 'repo',
    least: 'admin',
    byOrganization: true,
    token: { classic: 'write', fineGrained: ['repo.write', 'resourceGroup.write'] },
    audited: true,
    title: 'move a repo into a workspace, or out of one',
  },
  'repo.download.read': {
    on: 'repo',
    least: 'admin',
    token: { classic: 'write', fineGrained: ['repo.access.read'] },
    audited: false,
    title: 'see who downloaded files of a repo',
  },
  'repo.signing_policy.read': {
    on: 'repo',
    least: 'read',
    token: metadata,
    audited: false,
    title: 'see which commits a repo asks to be signed',
  },
  'repo.signing_policy.update': {
    on: 'repo',
    least: 'admin',
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'decide which commits to a repo must be signed',
  },
  'repo.signing_policy.bypass': {
    on: 'repo',
    least: 'admin',
    byOrganization: true,
    people: true,
    fresh: true,
    token: 'session',
    audited: true,
    title: 'let unsigned pushes to a repo through for a while, or end that',
  },
  'repo.delete': {
    on: 'repo',
    least: 'write',
    leastOnOwnRepo: 'contributor',
    token: settings,
    audited: true,
    title: 'delete a repo',
  },
} as const satisfies Record<string, PermissionRow>

export type Action = keyof typeof permissions

export function permissionRow(action: Action): PermissionRow {
  return permissions[action]
}
