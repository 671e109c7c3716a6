/* The side list of settings pages. On phones it folds into a `<details>`. */
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import type { PageOrganization } from './page-context.ts'
import { Who } from './who.tsx'

export type SidePlace = { href: string; label: string; icon: IconName }
type SideGroup = { title: string; places: readonly SidePlace[] }

const yours: readonly SidePlace[] = [
  { href: '/settings/profile', label: 'Profile', icon: 'circle-user-round' },
  { href: '/settings/account', label: 'Account and e-mail', icon: 'mail' },
  { href: '/settings/authentication', label: 'Password and sign-in', icon: 'shield-check' },
  { href: '/settings/sessions', label: 'Sessions', icon: 'monitor' },
  { href: '/settings/tokens', label: 'Access Tokens', icon: 'key-round' },
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

export function membersPath(organization: string): string {
  return `/organizations/${encodeURIComponent(organization)}/settings/members`
}

export function OrganizationSettingsSide(props: { organization: string; current: string }) {
  return (
    <SideList
      label={`${props.organization} settings`}
      current={props.current}
      groups={[
        {
          title: 'People and machines',
          places: [{ href: membersPath(props.organization), label: 'Members', icon: 'users' }],
        },
      ]}
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
