/* What every page needs to know about the request that asked for it. The layout reads it, features only pass it on. */

export type PageOrganization = { name: string; role: string }

export type PageEmergency = { organization: string; who: string; until: number; reason: string }

export type PageAnnouncement = { id: string; text: string; kind: 'info' | 'warning' }

export type PageViewer = {
  name: string
  fullname: string | null
  avatarUrl?: string
  organizations: PageOrganization[]
  isAdmin: boolean
  /** Organizations of theirs that somebody administers in an emergency at this moment. */
  emergencies?: readonly PageEmergency[]
} | null

export type PageTheme = 'light' | 'dark' | null

export type FlashKind = 'success' | 'error' | 'info' | 'warning'

export type PageContext = {
  viewer: PageViewer
  /** What the footer and the sign-in page call this instance, usually its host. */
  instanceName: string
  version: string
  /** From the `theme` cookie; null follows the system. */
  theme: PageTheme
  /** Path and query of this page, for forms that come back to it. */
  path: string
  flash: { kind: FlashKind; text: string } | null
  /** False where a stranger cannot make an account, so that no link promises it. Absent counts as true. */
  signUpOpen?: boolean
  /** What administrators of the hub say on every page, without what this reader closed. */
  announcements?: readonly PageAnnouncement[]
  /** Whether this hub takes the deprecated tokens of organizations. */
  legacyOrgTokens?: boolean
}
