/* The side list of settings pages. On phones it folds into a `<details>`. */
import { hubSettingsPath, organizationSettingsPath } from './address.ts'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import type { PageOrganization } from './page-context.ts'
import { Who } from './who.tsx'

export { hubSettingsPath, organizationSettingsPath }

export type SidePlace = { href: string; label: string; icon: IconName }
type SideGroup = { title: string; places: readonly SidePlace[] }

const yours: readonly SidePlace[] = [
  { href: '/settings/profile', label: 'Profile', icon: 'circle-user-round' },
  { href: '/settings/account', label: 'Account and e-mail', icon: 'mail' },
  { href: '/settings/authentication', label: 'Password and sign-in', icon: 'shield-check' },
  { href: '/settings/company-sign-in', label: 'Connected sign-in', icon: 'link' },
  { href: '/settings/sessions', label: 'Sessions', icon: 'monitor' },
  { href: '/settings/tokens', label: 'Access Tokens', icon: 'key-round' },
  { href: '/settings/connected-applications', label: 'Connected applications', icon: 'app-window' },
  { href: '/settings/keys', label: 'GPG and SSH keys', icon: 'file-badge' },
  { href: '/settings/gated-repos', label: 'Gated repositories', icon: 'ticket' },
  { href: '/settings/usage', label: 'Usage', icon: 'activity' },
  { href: '/settings/organizations', label: 'Organizations', icon: 'building-2' },
]

/** The settings of the person who is signed in; `current` is the address of this page's place. */
export function YourSettingsSide(props: { current: string; organizations: readonly PageOrganization[] }) {
  return (
    <SideList
      label="Settings"
      current={props.current}
      groups={[{ title: 'You', places: yours }]}
      organizations={props.organizations}
    />
  )
}

const hubGroups: readonly SideGroup[] = [
  {
    title: 'This hub',
    places: [
      { href: hubSettingsPath(''), label: 'Overview', icon: 'activity' },
      { href: hubSettingsPath('users'), label: 'Users', icon: 'users' },
      { href: hubSettingsPath('organizations'), label: 'Organizations', icon: 'building-2' },
      { href: hubSettingsPath('announcements'), label: 'Announcements', icon: 'message-square' },
      { href: hubSettingsPath('settings'), label: 'Settings', icon: 'settings' },
    ],
  },
  {
    title: 'Running it',
    places: [
      { href: hubSettingsPath('jobs'), label: 'Jobs and queues', icon: 'list-filter' },
      { href: hubSettingsPath('scanners'), label: 'Scanners', icon: 'scan-search' },
      { href: hubSettingsPath('storage'), label: 'Storage', icon: 'hard-drive' },
    ],
  },
  {
    title: 'Quarantine',
    places: [
      { href: hubSettingsPath('held'), label: 'Unsafe files', icon: 'bug' },
      { href: hubSettingsPath('releases'), label: 'Released files', icon: 'shield-check' },
    ],
  },
]

/** What administrators of the hub decide about; `current` is the address of this page's place. */
export function HubSettingsSide(props: { current: string }) {
  return <SideList label="This hub" current={props.current} groups={hubGroups} organizations={[]} />
}

export function membersPath(organization: string): string {
  return organizationSettingsPath(organization, 'members')
}

type OrganizationPlace = Omit<SidePlace, 'href'> & {
  readonly place: string
  /** Administrators alone see it. */
  readonly forAdmins?: true
  /** Only on a hub that takes the deprecated tokens of organizations. */
  readonly ifLegacyTokens?: true
}

/** Everybody of the organization with the role read and more sees these pages; who may not change them sees them read-only. */
const organizationPlaces: readonly { title: string; places: readonly OrganizationPlace[] }[] = [
  {
    title: 'People and machines',
    places: [
      { place: 'members', label: 'Members', icon: 'users' },
      { place: 'service-accounts', label: 'Service accounts', icon: 'bot', forAdmins: true },
      { place: 'groups', label: 'Groups', icon: 'users-round' },
      { place: 'workspaces', label: 'Workspaces', icon: 'layers' },
      { place: 'company-groups', label: 'Company groups', icon: 'link', forAdmins: true },
    ],
  },
  {
    title: 'Trust',
    places: [
      { place: 'tokens', label: 'Tokens that reach us', icon: 'key-round', forAdmins: true },
      { place: 'signing', label: 'Signing', icon: 'badge-check' },
      { place: 'model-signatures', label: 'Model signatures', icon: 'file-badge' },
      { place: 'scanning', label: 'Scanning and quarantine', icon: 'scan-search' },
      { place: 'organization-token', label: 'Organization token', icon: 'key-round', ifLegacyTokens: true },
      { place: 'emergency', label: 'Emergency administration', icon: 'triangle-alert' },
      { place: 'audit-log', label: 'Audit log', icon: 'scroll-text', forAdmins: true },
      { place: 'audited-downloads', label: 'Audited downloads', icon: 'download', forAdmins: true },
      { place: 'security-webhooks', label: 'Security webhooks', icon: 'webhook', forAdmins: true },
    ],
  },
  {
    title: 'Organization',
    places: [
      { place: 'profile', label: 'Profile', icon: 'building-2' },
      { place: 'storage', label: 'Seats and storage', icon: 'hard-drive' },
      { place: 'usage', label: 'Usage', icon: 'activity', forAdmins: true },
      { place: 'inference-limits', label: 'Inference limits', icon: 'activity', forAdmins: true },
      { place: 'account', label: 'Rename or delete', icon: 'settings', forAdmins: true },
    ],
  },
]

export function OrganizationSettingsSide(props: {
  organization: string
  current: string
  isAdmin: boolean
  legacyTokens: boolean
}) {
  const groups = organizationPlaces.map(({ title, places }) => ({
    title,
    places: places
      .filter(({ forAdmins }) => props.isAdmin || forAdmins !== true)
      .filter(({ ifLegacyTokens }) => props.legacyTokens || ifLegacyTokens !== true)
      .map(({ place, label, icon }) => ({ href: organizationSettingsPath(props.organization, place), label, icon })),
  }))
  return (
    <SideList
      label={`${props.organization} settings`}
      current={props.current}
      groups={groups.filter(({ places }) => places.length > 0)}
      organizations={[]}
    />
  )
}

type SideListProps = {
  label: string
  current: string
  groups: readonly SideGroup[]
  organizations: readonly PageOrganization[]
}

function SideList(props: SideListProps) {
  return (
    <>
      <details class="side-fold md:hidden panel px-3 py-2">
        <summary class="font-semibold">{props.label} menu</summary>
        <SideLinks {...props} />
      </details>
      <nav class="side hidden md:block" aria-label={props.label}>
        <SideLinks {...props} />
      </nav>
    </>
  )
}

function SideLinks(props: SideListProps) {
  return (
    <div class="side">
      {props.groups.map((group) => (
        <>
          <h2>{group.title}</h2>
          {group.places.map((place) => (
            <a href={place.href} aria-current={place.href === props.current ? 'page' : undefined}>
              <Icon name={place.icon} />
              {place.label}
            </a>
          ))}
        </>
      ))}
      {props.organizations.length > 0 && (
        <>
          <h2>Organizations</h2>
          {props.organizations.map(({ name }) => (
            <a href={membersPath(name)}>
              <Who kind="organization" name={name} size="small" />
              {name}
            </a>
          ))}
        </>
      )}
    </div>
  )
}
