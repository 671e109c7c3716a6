/* Who has a role in a workspace: people and service accounts, then groups. */

import { withQuery } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { type Choice, SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import { PartyRowHead, shownName } from '../../web/party-row-head.tsx'
import { partyWords } from '../../web/party-words.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { type TemporaryLine, TemporaryRole, TermFields } from '../../web/temporary-role.tsx'
import { Time } from '../../web/time.tsx'

export const workspaceRoles = ['read', 'contributor', 'write', 'admin', 'no_access'] as const

export type HolderLine = {
  kind: 'user' | 'service-account'
  name: string
  fullname: string | null
  role: string
  temporary: TemporaryLine | null
  addedAt: number
  isOff: boolean
}

export type GroupHolderLine = {
  id: string
  name: string
  description: string | null
  role: string
  temporary: TemporaryLine | null
  people: number
  machines: number
}

export type PageOf<Line> = { lines: readonly Line[]; nextHref: string | null; firstHref: string | null }

type SectionProps = {
  organization: string
  /** The address of the workspace's page. */
  here: string
  workspace: string
  mayManage: boolean
  form: FormState
}

/** Posts `username` and `role` to {workspace}/users, `role` to {workspace}/users/{name}. Dialog at ?dialog=remove&member={name}. */
export function PeopleSection(
  props: SectionProps & { holders: PageOf<HolderLine>; total: number; offered: readonly Choice[] },
) {
  const { holders } = props
  return (
    <>
      <SettingsSection id="people-h" title="People and service accounts">
        {props.mayManage && (
          <form class="p-4 grid gap-3" method="post" action={`${props.here}/users`}>
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
              <RoleField form={props.form} name="role" label="Role" />
              <Button look="primary" class="sm:mt-6">
                Add
              </Button>
            </div>
            <ForAWhile form={props.form} prefix="person" />
          </form>
        )}
        {holders.lines.length === 0 ? (
          <p class="p-4 text-sm text-muted">Nobody has a role of their own here.</p>
        ) : (
          <Rows
            caption={`People and service accounts with a role in ${props.workspace}`}
            columns={[{ label: 'Who' }, { label: 'Role' }, { label: 'Added' }, { label: 'Actions', silent: true }]}
          >
            {holders.lines.map((holder) => (
              <HolderRow here={props.here} holder={holder} mayManage={props.mayManage} />
            ))}
          </Rows>
        )}
      </SettingsSection>
      {holders.lines.length > 0 && (
        <MoreRows
          order="By age of the account"
          shown={holders.lines.length}
          total={props.total}
          olderHref={holders.nextHref}
          olderWord="More"
          firstHref={holders.firstHref}
        />
      )}
    </>
  )
}

function HolderRow(props: { here: string; holder: HolderLine; mayManage: boolean }) {
  const { holder, here } = props
  const shown = shownName(holder)
  return (
    <Row off={holder.isOff}>
      <PartyRowHead party={holder} />
      <RoleCell
        action={`${here}/users/${encodeURIComponent(holder.name)}`}
        role={holder.role}
        temporary={holder.temporary}
        raiseHref={withQuery(here, { dialog: 'raise', member: holder.name })}
        shown={shown}
        mayManage={props.mayManage}
      />
      <Cell label="Added" class="nowrap">
        <Time at={holder.addedAt} />
      </Cell>
      <Cell class="act">
        {props.mayManage && (
          <RemoveLink href={withQuery(here, { dialog: 'remove', member: holder.name })} shown={shown} />
        )}
      </Cell>
    </Row>
  )
}

type GroupsSectionProps = SectionProps & {
  groups: PageOf<GroupHolderLine>
  total: number
  /** Groups of the organization to choose from; null where there are too many for a list. */
  choices: readonly Choice[] | null
}

/** Posts `group` and `groupRole` to {workspace}/groups, `role` to {workspace}/groups/{id}. Dialog at ?dialog=remove-group&group={id}. */
export function GroupsSection(props: GroupsSectionProps) {
  const { groups, form } = props
  return (
    <>
      <SettingsSection id="groups-h" title="Groups" help="Everybody in a group has the role of the group.">
        {props.mayManage && props.choices?.length !== 0 && (
          <form class="p-4 grid gap-3" method="post" action={`${props.here}/groups`}>
            <div class="grid gap-3 items-start sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
              {props.choices === null ? (
                <TextField form={form} name="group" label="Group" required={true} maxlength={100} help="By name." />
              ) : (
                <SelectField form={form} name="group" label="Group" choices={props.choices} />
              )}
              <RoleField form={form} name="groupRole" label="Role of everybody in it" />
              <Button class="sm:mt-6">Add group</Button>
            </div>
            <ForAWhile form={form} prefix="group" />
          </form>
        )}
        {groups.lines.length === 0 ? (
          <p class="p-4 text-sm text-muted">
            {props.mayManage && props.choices?.length === 0 ? (
              <>
                {props.organization} has no other groups.{' '}
                <a class="a" href={organizationSettingsPath(props.organization, 'groups')}>
                  Groups of {props.organization}
                </a>
              </>
            ) : (
              'No group has a role here.'
            )}
          </p>
        ) : (
          <Rows
            caption={`Groups with a role in ${props.workspace}`}
            columns={[{ label: 'Group' }, { label: 'Role' }, { label: 'Members' }, { label: 'Actions', silent: true }]}
          >
            {groups.lines.map((group) => (
              <Row>
                <RowHead before={<Icon name="users-round" />} description={group.description}>
                  <a
                    class="quiet break-words"
                    href={`${organizationSettingsPath(props.organization, 'groups')}/${encodeURIComponent(group.id)}`}
                  >
                    {group.name}
                  </a>
                </RowHead>
                <RoleCell
                  action={`${props.here}/groups/${encodeURIComponent(group.id)}`}
                  role={group.role}
                  temporary={group.temporary}
                  raiseHref={withQuery(props.here, { dialog: 'raise-group', group: group.id })}
                  shown={group.name}
                  mayManage={props.mayManage}
                />
                <Cell label="Members">{partyWords(group)}</Cell>
                <Cell class="act">
                  {props.mayManage && (
                    <RemoveLink
                      href={withQuery(props.here, { dialog: 'remove-group', group: group.id })}
                      shown={group.name}
                    />
                  )}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
      {(groups.nextHref !== null || groups.firstHref !== null) && (
        <MoreRows
          order="By age of the group"
          shown={groups.lines.length}
          total={props.total}
          olderHref={groups.nextHref}
          olderWord="More"
          firstHref={groups.firstHref}
        />
      )}
    </>
  )
}

export function RoleField(props: { form: FormState; name: string; label: string; value?: string; without?: string }) {
  const choices = workspaceRoles.filter((role) => role !== props.without)
  return (
    <SelectField
      form={props.form}
      name={props.name}
      label={props.label}
      value={props.value ?? 'read'}
      choices={choices.map((role) => ({ value: role, label: role }))}
    />
  )
}

function ForAWhile(props: { form: FormState; prefix: 'person' | 'group' }) {
  return (
    <details open={formValue(props.form, `${props.prefix}Until`) !== ''}>
      <summary class="text-sm font-medium">Only for a while</summary>
      <div class="pt-3">
        <TermFields form={props.form} prefix={props.prefix} />
      </div>
    </details>
  )
}

function RoleCell(props: {
  action: string
  role: string
  temporary: TemporaryLine | null
  raiseHref: string
  shown: string
  mayManage: boolean
}) {
  if (props.temporary !== null) {
    const change = props.mayManage ? { extendHref: props.raiseHref, endAction: `${props.action}/temporary/end` } : null
    return (
      <Cell label="Role">
        <TemporaryRole role={props.role} temporary={props.temporary} shown={props.shown} change={change} />
      </Cell>
    )
  }
  return (
    <Cell label="Role">
      {props.mayManage ? (
        <form class="flex max-md:flex-wrap gap-2 items-center" method="post" action={props.action}>
          <select class="select select-sm w-36!" name="role" aria-label={`Role of ${props.shown}`}>
            {workspaceRoles.map((role) => (
              <option value={role} selected={role === props.role}>
                {role}
              </option>
            ))}
          </select>
          <Button label={`Save the role of ${props.shown}`}>Save</Button>
          <Button label={`Preview who is affected by the role of ${props.shown}`} action={`${props.action}/preview`}>
            Preview
          </Button>
          {props.role !== 'admin' && (
            <a
              class="icon-btn"
              href={props.raiseHref}
              aria-label={`Give ${props.shown} a role for a while`}
              data-dialog=""
            >
              <Icon name="clock-alert" />
            </a>
          )}
        </form>
      ) : (
        props.role
      )}
    </Cell>
  )
}

function RemoveLink(props: { href: string; shown: string }) {
  return (
    <a class="icon-btn" href={props.href} aria-label={`Remove ${props.shown} from the workspace`} data-dialog="">
      <Icon name="trash-2" />
    </a>
  )
}
