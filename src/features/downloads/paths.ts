/** Where the pages of downloads are. */
import { hubSettingsPath, organizationSettingsPath, type RepoAddress, repoPath, withQuery } from '../../web/address.ts'

export function downloadsOnHub(content: string): string {
  return hubSettingsPath(`contents/${encodeURIComponent(content)}`)
}

export function downloadsOfOrganization(organization: string, content: string): string {
  return organizationSettingsPath(organization, `scanning/contents/${encodeURIComponent(content)}`)
}

export function downloadsOfRepo(repo: RepoAddress): string {
  return repoPath(repo, '/trust/downloads')
}

/** With an organization: from its repos. */
export function exportPath(content: string, organization: string | null): string {
  return withQuery(`/api/scan/contents/${encodeURIComponent(content)}/downloads/export`, { organization })
}
