/* The tabs over members, service accounts and invitations of an organization: the same pages as in the side list. */
import { membersPath, organizationSettingsPath } from './settings-frame.tsx'
import { Tabs } from './tabs.tsx'

type PeopleTabsProps = {
  organization: string
  current: 'members' | 'service-accounts' | 'invitations'
  members: number
  /** Null for who may not see them: then there is no tab. */
  serviceAccounts: number | null
  invitations: number | null
}

export function PeopleTabs(props: PeopleTabsProps) {
  const { organization, current } = props
  return (
    <Tabs
      label="People and machines"
      inPage={true}
      tabs={[
        {
          href: membersPath(organization),
          label: 'Members',
          count: props.members,
          current: current === 'members',
        },
        ...(props.serviceAccounts === null
          ? []
          : [
              {
                href: organizationSettingsPath(organization, 'service-accounts'),
                label: 'Service accounts',
                count: props.serviceAccounts,
                current: current === 'service-accounts',
              },
            ]),
        ...(props.invitations === null
          ? []
          : [
              {
                href: organizationSettingsPath(organization, 'invitations'),
                label: 'Invitations',
                count: props.invitations,
                current: current === 'invitations',
              },
            ]),
      ]}
    />
  )
}
