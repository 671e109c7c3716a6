/** Addresses of the pages of workspaces. */
import { organizationSettingsPath } from '../../web/settings-frame.tsx'

export function workspacesPath(organization: string): string {
  return organizationSettingsPath(organization, 'workspaces')
}

export function workspacePath(organization: string, id: string): string {
  return `${workspacesPath(organization)}/${encodeURIComponent(id)}`
}
