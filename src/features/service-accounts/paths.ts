/* Where the pages of service accounts stand. */
import { organizationSettingsPath } from '../../web/settings-frame.tsx'

export function accountsPath(organization: string): string {
  return organizationSettingsPath(organization, 'service-accounts')
}

export function accountPath(organization: string, id: string): string {
  return `${accountsPath(organization)}/${encodeURIComponent(id)}`
}

export function accountTokenPath(organization: string, account: string, token: string): string {
  return `${accountPath(organization, account)}/tokens/${encodeURIComponent(token)}`
}
