/** What a fine-grained token may list: the Hub's names, as far as this hub acts on them (behaviours.md, 2.1). Which of them an action needs stands in its row. */
export const tokenPermissions = {
  'repo.content.read': { on: ['user', 'org', 'repo'], label: 'Read contents of repositories' },
  'repo.write': { on: ['user', 'org', 'repo'], label: 'Write contents and settings of repositories' },
  'repo.content.write': { on: ['user', 'org', 'repo'], label: 'Write contents of repositories, not their settings' },
  'repo.settings.write': { on: ['user', 'org', 'repo'], label: 'Change settings of repositories, not their contents' },
  'repo.access.read': { on: ['user', 'org', 'repo'], label: 'See who asked for access' },
  'discussion.write': { on: ['user', 'org', 'repo'], label: 'Take part in discussions and pull requests' },
  'collection.read': { on: ['user', 'org'], label: 'Read collections' },
  'collection.write': { on: ['user', 'org'], label: 'Write collections' },
  'inference.serverless.write': { on: ['user', 'org'], label: 'Call inference providers' },
  'inference.endpoints.infer.write': { on: ['user', 'org'], label: 'Call dedicated inference endpoints' },
  'inference.endpoints.write': { on: ['user', 'org'], label: 'Manage dedicated inference endpoints' },
  'job.write': { on: ['user', 'org'], label: 'Run jobs' },
  'org.read': { on: ['org'], label: 'Read organization settings and members' },
  'org.write': { on: ['org'], label: 'Change organization settings and members' },
  'org.members.read': { on: ['org'], label: 'Read the member list' },
  'org.members.write': { on: ['org'], label: 'Change the member list' },
  'org.serviceAccounts.read': { on: ['org'], label: 'See service accounts' },
  'org.serviceAccounts.write': { on: ['org'], label: 'Manage service accounts and their tokens' },
  'org.auditLog.write': { on: ['org'], label: 'Export the audit log' },
  'org.repos.read': { on: ['org'], label: 'List repositories with their storage' },
  'resourceGroup.write': { on: ['user', 'org'], label: 'Manage workspaces' },
  'user.webhooks.read': { on: ['user'], label: 'See webhooks' },
  'user.webhooks.write': { on: ['user'], label: 'Manage webhooks' },
} as const satisfies Record<string, { on: readonly ('user' | 'org' | 'repo')[]; label: string }>

export type TokenPermission = keyof typeof tokenPermissions

export function isTokenPermission(value: string): value is TokenPermission {
  return Object.hasOwn(tokenPermissions, value)
}

/** Permissions that hold outside any entity: on other people's repos and posts. */
export const globalTokenPermissions = ['discussion.write', 'post.write'] as const
