/* A page of an organization's settings, with its side list and the way to it. */
import type { Child } from 'hono/jsx'
import { Breadcrumbs, type Crumb } from './breadcrumbs.tsx'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'
import { OrganizationSettingsSide, organizationSettingsPath } from './settings-frame.tsx'

type OrganizationSettingsPageProps = {
  context: PageContext
  organization: string
  title: string
  /** The last part of the address of the place in the side list: `groups`. */
  place: string
  /** The way down from the place to a page below it. */
  crumbs?: readonly Crumb[]
  dialog?: Child
  children: Child
}

export function OrganizationSettingsPage(props: OrganizationSettingsPageProps) {
  const { context, organization } = props
  const role = context.viewer?.organizations.find(({ name }) => name === organization)?.role
  const side = (
    <OrganizationSettingsSide
      organization={organization}
      current={organizationSettingsPath(organization, props.place)}
      isAdmin={role === 'admin'}
      legacyTokens={context.legacyOrgTokens === true}
    />
  )
  return (
    <Page
      context={context}
      title={props.title}
      place={
        <Breadcrumbs
          viewer={context.viewer}
          namespace={{ name: organization, kind: 'organization' }}
          crumbs={
            props.crumbs
              ? [{ label: 'Settings', href: organizationSettingsPath(organization, 'members') }, ...props.crumbs]
              : [{ label: 'Settings' }]
          }
          switchTo={(name, kind) =>
            kind === 'organization' ? organizationSettingsPath(name, props.place) : '/settings/profile'
          }
        />
      }
      frame={{ kind: 'settings', side }}
      dialog={props.dialog}
    >
      {props.children}
    </Page>
  )
}
