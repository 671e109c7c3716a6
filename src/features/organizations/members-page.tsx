/* The members of an organization: who, as what, since when. Administrators add, invite, change and remove. */
import type { Child } from 'hono/jsx'
import { strongerThan } from '../../domain/role.ts'
import { namespacePath } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Breadcrumbs } from '../../web/breadcrumbs.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { PeopleTabs } from '../../web/people-tabs.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { RaiseDialog, type TemporaryLine, TemporaryRole, TermFields } from '../../web/temporary-role.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { type MemberRole, memberRoles, RoleMeanings, roleChoices } from './role-words.tsx'

export type MemberLineRow = {
  name: string
  fullname: string | null
  role: MemberRole
  temporary: TemporaryLine | null
  joinedAt: number
  isActive: boolean
  hasSecondFactor: boolean
}

export type MembersFilter = { search: string; role: string; factor: string }

export type MembersDialog =
  | { kind: 'remove'; name: string }
  | { kind: 'leave' }
  /** `lasting`: what is left after the temporary role. */
  | { kind: 'raise'; name: string; lasting: string | null; running: string | null; form: FormState }

type MembersPageProps = {
  context: PageContext
  organization: string
  members: readonly MemberLineRow[]
  /** All members, whatever the filter. */
  total: number
  /** For the tabs; null where the viewer may not see them. */
  serviceAccounts: number | null
  invitations: number | null
  filter: MembersFilter
  /** The next page of members; null on the last. */
  nextHref: string | null
  firstHref: string | null
  /** From the policy: whether roles can be changed and people added. */
  mayManage: boolean
  /** The viewer has a role in the organization, which can be laid down. */
  isMember: boolean
  /** The role is read or more; to others, where the organization shows its members, the page says only who they are. */
  seesRoles: boolean
  /** The viewer is the last admin, so it can neither leave nor step down. */
  isLastAdmin: boolean
  defaultRole: string
  /** No seat is left: this many are there. Null where there is room. */
  fullAt: number | null
  form: FormState
  dialog: MembersDialog | null
}

/**
 * Posts to /organizations/{org}/settings/members (`username`, `role`), .../members/{name} (`role`),
 * .../members/{name}/remove, .../members/{name}/temporary (and /end), and /organizations/{org}/leave. Dialogs at
 * ?dialog=remove&member={name}, ?dialog=raise&member={name}, ?dialog=leave.
 * Filters by GET: ?search= &role= &factor=.
 */
export function MembersPage(props: MembersPageProps) {
  const { organization, context } = props
  const here = membersPath(organization)
  const viewer = context.viewer?.name
  const dialog = props.dialog && <MemberDialog organization={organization} dialog={props.dialog} />
  if (!props.seesRoles) return <PublicMembersPage {...props} dialogSheet={dialog} />
  return (
    <OrganizationSettingsPage
      context={context}
      organization={organization}
      title={`Members of ${organization}`}
      place="members"
      dialog={dialog}
    >
      <PageHead
        title="Members"
        lede={`The people of ${organization} and what each may do. A changed role holds from the next request.`}
        action={<HeadActions {...props} />}
      />
      <PeopleTabs
        organization={organization}
        current="members"
        members={props.total}
        serviceAccounts={props.serviceAccounts}
        invitations={props.invitations}
      />
      {props.mayManage && props.fullAt !== null && (
        <Notice kind="info" small={true} standing={true}>
          All {props.fullAt} seats of {organization} are taken: nobody can be added or invited. Service accounts take
          none.{' '}
          <a class="a" href={organizationSettingsPath(organization, 'storage')}>
            Seats and storage
          </a>
        </Notice>
      )}
      {props.mayManage && props.fullAt === null && <AddMember {...props} />}
      {props.mayManage && props.fullAt !== null && <FormProblem form={props.form} />}
      <Filter {...props} />
      <section class="panel" aria-label={`Members of ${organization}`}>
        {props.members.length === 0 ? (
          <Empty icon="users" title="No member fits" action={<LinkButton href={here}>Clear filters</LinkButton>}>
            Nobody of {organization} is like that.
          </Empty>
        ) : (
          <Rows
            caption={`Members of ${organization}, ${props.members.length} of ${props.total}`}
            columns={[
              { label: 'Member' },
              { label: `Role in ${organization}` },
              ...(props.mayManage ? [{ label: 'Second factor' }] : []),
              { label: 'Member since' },
              { label: 'Actions', silent: true },
            ]}
          >
            {props.members.map((member) => (
              <MemberLine
                organization={organization}
                member={member}
                showsFactor={props.mayManage}
                // The last admin stays one until there is another: no control that then says no.
                mayChange={props.mayManage && !(props.isLastAdmin && member.name === viewer)}
                isViewer={member.name === viewer}
              />
            ))}
          </Rows>
        )}
      </section>
      <MoreRows
        order="By name"
        shown={props.members.length}
        total={isFiltered(props.filter) ? null : props.total}
        olderHref={props.nextHref}
        olderWord="More"
        firstHref={props.firstHref}
      />
      {props.isLastAdmin && (
        <Notice kind="info" small={true}>
          You are the last admin of {organization}. Make somebody else an admin before you leave or take another role.
        </Notice>
      )}
      <RoleMeanings forAdmins={props.mayManage} />
    </OrganizationSettingsPage>
  )
}

/** To strangers, and to members without access: who is of the organization, and no more. */
function PublicMembersPage(props: MembersPageProps & { dialogSheet: Child }) {
  const { organization } = props
  const leave = props.isMember && !props.isLastAdmin
  return (
    <Page
      context={props.context}
      title={`Members of ${organization}`}
      frame={{ kind: 'narrow' }}
      dialog={props.dialogSheet}
      place={
        <Breadcrumbs
          viewer={props.context.viewer}
          namespace={{ name: organization, kind: 'organization' }}
          crumbs={[{ label: 'Members' }]}
          switchTo={(name) => namespacePath(name)}
        />
      }
    >
      <PageHead
        title={`Members of ${organization}`}
        action={
          leave ? (
            <LinkButton look="danger" href={`${membersPath(organization)}?dialog=leave`} dialog={true}>
              Leave {organization}
            </LinkButton>
          ) : null
        }
      />
      <section class="panel" aria-label={`Members of ${organization}`}>
        <Rows caption={`Members of ${organization}`} columns={[{ label: 'Member' }]}>
          {props.members.map((member) => (
            <Row>
              <RowHead before={<Who kind="user" name={member.fullname ?? member.name} />} description={member.fullname}>
                <a class="quiet" href={namespacePath(member.name)}>
                  {member.name}
                </a>
              </RowHead>
            </Row>
          ))}
        </Rows>
      </section>
      <MoreRows
        order="By name"
        shown={props.members.length}
        total={props.total}
        olderHref={props.nextHref}
        olderWord="More"
        firstHref={props.firstHref}
      />
    </Page>
  )
}

export function isFiltered({ search, role, factor }: MembersFilter): boolean {
  return search !== '' || role !== '' || factor !== ''
}

function HeadActions(props: MembersPageProps) {
  const here = membersPath(props.organization)
  return (
    <div class="flex flex-wrap gap-2">
      {props.isMember && !props.isLastAdmin && (
        <LinkButton look="danger" href={`${here}?dialog=leave`} dialog={true}>
          Leave {props.organization}
        </LinkButton>
      )}
      {props.mayManage && props.fullAt === null && (
        <LinkButton
          look="primary"
          icon="mail"
          // Over the page of invitations, not over this one: whoever closes it sees who was invited.
          href={`${organizationSettingsPath(props.organization, 'invitations')}?dialog=invite`}
        >
          Invite by e-mail
        </LinkButton>
      )}
    </div>
  )
}

function AddMember(props: MembersPageProps) {
  return (
    <form class="panel p-4 grid gap-3" method="post" action={membersPath(props.organization)}>
      <h2>Add member</h2>
      <FormProblem form={props.form} />
      <div class="grid gap-3 items-start sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
        <TextField
          form={props.form}
          name="username"
          label="Username"
          required={true}
          verbatim={true}
          help="Somebody with an account on this hub. Whoever has none is invited by e-mail."
        />
        <SelectField form={props.form} name="role" label="Role" value={props.defaultRole} choices={roleChoices} />
        <Button class="sm:mt-6">Add</Button>
      </div>
      <details open={formValue(props.form, 'personUntil') !== ''}>
        <summary class="text-sm font-medium">Only for a while</summary>
        <div class="pt-3">
          <TermFields form={props.form} prefix="person" />
        </div>
      </details>
    </form>
  )
}

function Filter(props: MembersPageProps) {
  const { filter } = props
  const here = membersPath(props.organization)
  return (
    <search>
      <form class="flex flex-wrap gap-2 items-center" action={here}>
        <label class="input input-sm flex-1 min-w-48">
          <span class="sr-only">Find members by name</span>
          <Icon name="search" />
          <input type="search" name="search" placeholder="Find by name" value={filter.search} autocomplete="off" />
        </label>
        <select class="select select-sm w-36!" name="role" aria-label="Only this role">
          <option value="">Every role</option>
          {memberRoles.map((role) => (
            <option value={role} selected={role === filter.role}>
              {role}
            </option>
          ))}
        </select>
        {props.mayManage && (
          <select class="select select-sm w-44!" name="factor" aria-label="Only with or without a second factor">
            <option value="">With and without</option>
            <option value="with" selected={filter.factor === 'with'}>
              second factor
            </option>
            <option value="without" selected={filter.factor === 'without'}>
              no second factor
            </option>
          </select>
        )}
        <Button icon="list-filter">Filter</Button>
        {isFiltered(filter) && <LinkButton href={here}>Clear filters</LinkButton>}
      </form>
    </search>
  )
}

type MemberLineProps = {
  organization: string
  member: MemberLineRow
  showsFactor: boolean
  mayChange: boolean
  isViewer: boolean
}

function MemberLine(props: MemberLineProps) {
  const { member } = props
  const here = membersPath(props.organization)
  const raiseHref = `${here}?dialog=raise&member=${encodeURIComponent(member.name)}`
  return (
    <Row off={!member.isActive}>
      <RowHead before={<Who kind="user" name={member.fullname ?? member.name} />} description={member.fullname}>
        <a class="quiet" href={namespacePath(member.name)}>
          {member.name}
        </a>
        {props.isViewer && <span class="text-muted font-normal"> you</span>}
        {!member.isActive && (
          <>
            {' '}
            <Badge icon="ban">deactivated</Badge>
          </>
        )}
      </RowHead>
      <Cell label="Role">
        {member.temporary !== null ? (
          <TemporaryRole
            role={member.role}
            temporary={member.temporary}
            shown={member.name}
            change={
              props.mayChange
                ? {
                    extendHref: raiseHref,
                    endAction: `${here}/${encodeURIComponent(member.name)}/temporary/end`,
                  }
                : null
            }
          />
        ) : props.mayChange ? (
          <form
            class="flex max-md:flex-wrap gap-2 items-center"
            id={`role-${member.name}`}
            method="post"
            action={`${here}/${encodeURIComponent(member.name)}`}
          >
            <select class="select select-sm w-36!" name="role" aria-label={`Role of ${member.name}`}>
              {memberRoles.map((role) => (
                <option value={role} selected={role === member.role}>
                  {role}
                </option>
              ))}
            </select>
            <Button label={`Save the role of ${member.name}`}>Save</Button>
            <Button
              label={`Preview who is affected by the role of ${member.name}`}
              action={`${here}/${encodeURIComponent(member.name)}/preview`}
            >
              Preview
            </Button>
          </form>
        ) : (
          member.role
        )}
      </Cell>
      {props.showsFactor && (
        <Cell label="Second factor">
          {member.hasSecondFactor ? <Badge icon="shield-check">on</Badge> : <span class="text-muted">none</span>}
        </Cell>
      )}
      <Cell label="Since" class="nowrap">
        <Time at={member.joinedAt} />
      </Cell>
      <Cell class="act">
        {props.mayChange && !props.isViewer && member.temporary === null && member.role !== 'admin' && (
          <a class="icon-btn" href={raiseHref} aria-label={`Give ${member.name} a role for a while`} data-dialog="">
            <Icon name="clock-alert" />
          </a>
        )}
        {props.mayChange && !props.isViewer && (
          <a
            class="icon-btn"
            href={`${here}?dialog=remove&member=${encodeURIComponent(member.name)}`}
            aria-label={`Remove ${member.name}`}
            data-dialog=""
          >
            <Icon name="trash-2" />
          </a>
        )}
      </Cell>
    </Row>
  )
}

function MemberDialog(props: { organization: string; dialog: MembersDialog }) {
  const here = membersPath(props.organization)
  if (props.dialog.kind === 'leave') {
    return (
      <Dialog
        title={`Leave ${props.organization}`}
        closeHref={here}
        action={`/organizations/${encodeURIComponent(props.organization)}/leave`}
        submit={<Button look="error">Leave {props.organization}</Button>}
      >
        <p class="text-sm">
          You and your tokens lose what {props.organization} gives you, its groups and workspaces too, on the next
          request. What you pushed stays. An admin of {props.organization} can add you again.
        </p>
      </Dialog>
    )
  }
  const { name } = props.dialog
  if (props.dialog.kind === 'raise') {
    const { lasting, running, form } = props.dialog
    return (
      <RaiseDialog
        shown={name}
        closeHref={here}
        action={`${here}/${encodeURIComponent(name)}/temporary`}
        roles={strongerThan(lasting)}
        lasting={lasting}
        running={running}
        form={form}
      />
    )
  }
  return (
    <Dialog
      title={`Remove ${name} from ${props.organization}`}
      closeHref={here}
      action={`${here}/${encodeURIComponent(name)}/remove`}
      submit={
        <>
          <Button action={`${here}/${encodeURIComponent(name)}/remove/preview`}>Preview who is affected</Button>
          <Button look="error">Remove</Button>
        </>
      }
    >
      <p class="text-sm">
        {name} and their tokens lose what {props.organization} gives them, on the next request, and leave its groups and
        workspaces. What they pushed stays, and so do the service accounts that they made. You can add them again; their
        groups and workspaces do not come back by themselves.
      </p>
    </Dialog>
  )
}
