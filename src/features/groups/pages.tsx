/* The groups of an organization, and one of them with its roster. Whoever may not change something sees it without the control. */

import { withQuery } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { type Choice, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { PartyRowHead, shownName } from '../../web/party-row-head.tsx'
import { partyWords } from '../../web/party-words.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { GroupDialog, type GroupDialogState, NewGroupDialog } from './dialogs.tsx'

export function groupsPath(organization: string): string {
  return organizationSettingsPath(organization, 'groups')
}

export function groupPath(organization: string, id: string): string {
  return `${groupsPath(organization)}/${encodeURIComponent(id)}`
}

export type GroupLine = {
  id: string
  name: string
  description: string | null
  people: number
  machines: number
}

type GroupsPageProps = {
  context: PageContext
  organization: string
  groups: readonly GroupLine[]
  nextHref: string | null
  firstHref: string | null
  mayCreate: boolean
  /** The form of a new group, open. */
  dialog: FormState | null
}

/** Posts `name` and `description` to /organizations/{org}/settings/groups. Dialog at ?dialog=new. */
export function GroupsPage(props: GroupsPageProps) {
  const { organization, groups } = props
  const here = groupsPath(organization)
  const newOne = props.mayCreate ? (
    <LinkButton look="primary" icon="plus" href={`${here}?dialog=new`} dialog={true}>
      New group
    </LinkButton>
  ) : null
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Groups of ${organization}`}
      place="groups"
      dialog={props.dialog && <NewGroupDialog here={here} form={props.dialog} />}
    >
      <PageHead
        title="Groups"
        lede="People and service accounts under one name. A group gives nothing by itself: give it a role in a workspace, and everybody in it has that role there."
        action={groups.length > 0 ? newOne : null}
      />
      <section class="panel" aria-label={`Groups of ${organization}`}>
        {groups.length === 0 ? (
          <Empty icon="users-round" title="No groups yet" action={newOne}>
            A group saves naming the same people again and again: a role that a workspace gives to a group goes to
            everybody in it, and to whoever is added later.
          </Empty>
        ) : (
          <Rows caption={`Groups of ${organization}`} columns={[{ label: 'Group' }, { label: 'Members' }]}>
            {groups.map((group) => (
              <Row>
                <RowHead before={<Icon name="users-round" />} description={group.description}>
                  <a class="quiet break-words" href={groupPath(organization, group.id)}>
                    {group.name}
                  </a>
                </RowHead>
                <Cell label="Members">{partyWords(group)}</Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
      {groups.length > 0 && (
        <MoreRows
          order="By name"
          shown={groups.length}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
    </OrganizationSettingsPage>
  )
}

export type RosterLine = {
  kind: 'user' | 'service-account'
  name: string
  fullname: string | null
  role: 'member' | 'manager'
  addedAt: number
  isOff: boolean
}

type GroupPageProps = {
  context: PageContext
  organization: string
  group: GroupLine
  roster: readonly RosterLine[]
  nextHref: string | null
  firstHref: string | null
  /** Workspaces in which the group has a role, as far as the viewer sees them. */
  workspaces: readonly { id: string; name: string; role: string }[]
  /** From the policy: who is in it; the group itself. */
  mayChangeMembers: boolean
  mayManage: boolean
  form: FormState
  /** Service accounts to pick: user name and what people call it. */
  offered: readonly Choice[]
  dialog: GroupDialogState | null
}

const roleChoices = ['member', 'manager'] as const

/**
 * Posts `username` and `role` to {group}/members, `role` to {group}/members/{name}, to {group}/members/{name}/remove, `name` and
 * `description` to {group}, and to {group}/delete. Dialogs at ?dialog=edit, ?dialog=delete, ?dialog=remove&member={name}.
 */
export function GroupPage(props: GroupPageProps) {
  const { organization, group, roster } = props
  const here = groupPath(organization, group.id)
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${group.name}, group of ${organization}`}
      place="groups"
      dialog={
        props.dialog && <GroupDialog organization={organization} here={here} group={group} dialog={props.dialog} />
      }
    >
      <PageHead
        title={group.name}
        lede={group.description ?? `A group of ${organization}.`}
        action={
          props.mayManage ? (
            <span class="flex flex-wrap gap-2">
              <LinkButton icon="pencil" href={`${here}?dialog=edit`} dialog={true}>
                Edit group
              </LinkButton>
              <LinkButton look="danger" icon="trash-2" href={`${here}?dialog=delete`} dialog={true}>
                Delete group
              </LinkButton>
            </span>
          ) : null
        }
      />
      {props.mayChangeMembers && (
        <AddMember organization={organization} here={here} form={props.form} offered={props.offered} />
      )}
      <section class="panel" aria-label={`Members of ${group.name}`}>
        {roster.length === 0 ? (
          <Empty icon="users-round" title="Nobody is in this group">
            Whoever is added has, from the next request on, every role that the group has in workspaces.
          </Empty>
        ) : (
          <Rows
            caption={`Members of ${group.name}`}
            columns={[
              { label: 'Member' },
              { label: 'Role in the group' },
              { label: 'Added' },
              { label: 'Actions', silent: true },
            ]}
          >
            {roster.map((member) => (
              <RosterRow here={here} member={member} mayChange={props.mayChangeMembers} />
            ))}
          </Rows>
        )}
      </section>
      {roster.length > 0 && (
        <MoreRows
          order="People by name, then service accounts"
          shown={roster.length}
          total={group.people + group.machines}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
      <SettingsSection id="group-workspaces-h" title="What it gives">
        {props.workspaces.length === 0 ? (
          <p class="p-4 text-sm text-muted">
            No role in a workspace{props.mayManage ? '' : ' that you see'}. Roles are given on the page of a{' '}
            <a class="a" href={organizationSettingsPath(organization, 'workspaces')}>
              workspace
            </a>
            .
          </p>
        ) : (
          <Rows
            caption={`Roles of ${group.name} in workspaces`}
            columns={[{ label: 'Workspace' }, { label: 'Role of everybody in the group' }]}
          >
            {props.workspaces.map((workspace) => (
              <Row>
                <RowHead before={<Icon name="layers" />}>
                  <a
                    class="quiet break-words"
                    href={`${organizationSettingsPath(organization, 'workspaces')}/${encodeURIComponent(workspace.id)}`}
                  >
                    {workspace.name}
                  </a>
                </RowHead>
                <Cell label="Role">{workspace.role}</Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
      <p class="text-sm text-muted">
        A manager says who is in this group and who manages it. Managing a group gives no role in a workspace by itself.
      </p>
    </OrganizationSettingsPage>
  )
}

function AddMember(props: { organization: string; here: string; form: FormState; offered: readonly Choice[] }) {
  return (
    <form class="panel p-4 grid gap-3" method="post" action={`${props.here}/members`}>
      <h2>Add to the group</h2>
      <FormProblem form={props.form} />
      <div class="grid gap-3 items-start sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
        <TextField
          form={props.form}
          name="username"
          label="User name"
          required={true}
          maxlength={100}
          verbatim={true}
          suggestions={props.offered}
          help={`A member of ${props.organization}, or a service account as sa- and its id.`}
        />
        <SelectField
          form={props.form}
          name="role"
          label="Role in the group"
          value="member"
          choices={roleChoices.map((role) => ({ value: role, label: role }))}
        />
        <div class="flex gap-2 sm:mt-6">
          <Button look="primary">Add</Button>
          <Button label="Preview who is affected by adding them" action={`${props.here}/members/preview`}>
            Preview
          </Button>
        </div>
      </div>
    </form>
  )
}

function RosterRow(props: { here: string; member: RosterLine; mayChange: boolean }) {
  const { member } = props
  const shown = shownName(member)
  return (
    <Row off={member.isOff}>
      <PartyRowHead party={member} />
      <Cell label="Role">
        {props.mayChange ? (
          <form
            class="flex max-md:flex-wrap gap-2 items-center"
            method="post"
            action={`${props.here}/members/${encodeURIComponent(member.name)}`}
          >
            <select class="select select-sm w-32!" name="role" aria-label={`Role of ${shown} in the group`}>
              {roleChoices.map((role) => (
                <option value={role} selected={role === member.role}>
                  {role}
                </option>
              ))}
            </select>
            <Button label={`Save the role of ${shown}`}>Save</Button>
          </form>
        ) : (
          member.role
        )}
      </Cell>
      <Cell label="Added" class="nowrap">
        <Time at={member.addedAt} />
      </Cell>
      <Cell class="act">
        {props.mayChange && (
          <a
            class="icon-btn"
            href={withQuery(props.here, { dialog: 'remove', member: member.name })}
            aria-label={`Remove ${shown} from the group`}
            data-dialog=""
          >
            <Icon name="trash-2" />
          </a>
        )}
      </Cell>
    </Row>
  )
}
