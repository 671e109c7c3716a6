/* Organizations: making one, and its members with their roles. */
import { namespacePath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { PickField, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'

export const memberRoles = ['admin', 'write', 'contributor', 'read', 'no_access'] as const
export type MemberRole = (typeof memberRoles)[number]

const roleHelp: Readonly<Record<MemberRole, string>> = {
  admin: 'everything, members and settings too',
  write: 'push to every repository and create new ones',
  contributor: 'create repositories and push to their own, read the rest',
  read: 'read every repository',
  no_access: 'only what a workspace or a repository gives them',
}

export type MemberRow = {
  name: string
  fullname: string | null
  role: MemberRole
  joinedAt: number
}

export type MembersDialog = { kind: 'remove'; member: MemberRow } | { kind: 'leave' }

type MembersPageProps = {
  context: PageContext
  organization: string
  members: readonly MemberRow[]
  total: number
  /** The next page of members; null on the last. */
  nextHref: string | null
  firstHref: string | null
  /** From the policy: whether roles can be changed and people added. */
  mayManage: boolean
  /** The viewer is the last admin, so it can neither leave nor step down. */
  isLastAdmin: boolean
  form: FormState
  dialog: MembersDialog | null
}

/**
 * Posts to /organizations/{org}/settings/members (`username`, `role`), .../members/{name} (`role`),
 * .../members/{name}/remove and /organizations/{org}/leave. Dialogs at ?dialog=remove&member={name}, ?dialog=leave.
 */
export function MembersPage(props: MembersPageProps) {
  const { organization, context } = props
  const here = membersPath(organization)
  const viewer = context.viewer?.name
  return (
    <OrganizationSettingsPage
      context={context}
      organization={organization}
      title={`Members of ${organization}`}
      place="members"
      dialog={props.dialog && <MemberDialog organization={organization} dialog={props.dialog} />}
    >
      <PageHead
        title="Members"
        lede={`The people of ${organization} and what each may do. A changed role holds from the next request.`}
        action={
          viewer && !props.isLastAdmin ? (
            <LinkButton look="danger" href={`${here}?dialog=leave`} dialog={true}>
              Leave {organization}
            </LinkButton>
          ) : null
        }
      />
      {props.mayManage && <AddMember organization={organization} form={props.form} />}
      <section class="panel" aria-label={`Members of ${organization}`}>
        <Rows
          caption={`Members of ${organization}, ${props.members.length} of ${props.total}`}
          columns={[
            { label: 'Member' },
            { label: `Role in ${organization}` },
            { label: 'Member since' },
            { label: 'Actions', silent: true },
          ]}
        >
          {props.members.map((member) => (
            <MemberLine
              organization={organization}
              member={member}
              // The last admin stays one until there is another: no control that then says no.
              mayChange={props.mayManage && !(props.isLastAdmin && member.name === viewer)}
              isViewer={member.name === viewer}
            />
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
      {props.isLastAdmin && (
        <Notice kind="info" small={true}>
          You are the last admin of {organization}. Make somebody else an admin before you leave or take another role.
        </Notice>
      )}
      <RoleMeanings />
    </OrganizationSettingsPage>
  )
}

function AddMember(props: { organization: string; form: FormState }) {
  return (
    <form class="panel p-4 grid gap-3" method="post" action={membersPath(props.organization)}>
      <h2>Add member</h2>
      <FormProblem form={props.form} />
      <div class="grid gap-3 items-start sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
        <TextField form={props.form} name="username" label="Username" required={true} verbatim={true} />
        <SelectField
          form={props.form}
          name="role"
          label="Role"
          value="read"
          choices={memberRoles.map((role) => ({ value: role, label: role }))}
        />
        <Button look="primary" class="sm:mt-6">
          Add
        </Button>
      </div>
    </form>
  )
}

function MemberLine(props: { organization: string; member: MemberRow; mayChange: boolean; isViewer: boolean }) {
  const { member } = props
  const here = membersPath(props.organization)
  const formId = `role-${member.name}`
  return (
    <Row>
      <RowHead before={<Who kind="user" name={member.fullname ?? member.name} />} description={member.fullname}>
        <a class="quiet" href={namespacePath(member.name)}>
          {member.name}
        </a>
        {props.isViewer && <span class="text-muted font-normal"> you</span>}
      </RowHead>
      <Cell label="Role">
        {props.mayChange ? (
          <form
            class="flex gap-2 items-center"
            id={formId}
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
          </form>
        ) : (
          member.role
        )}
      </Cell>
      <Cell label="Since" class="nowrap">
        <Time at={member.joinedAt} />
      </Cell>
      <Cell class="act">
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

function RoleMeanings() {
  return (
    <details class="text-sm">
      <summary class="font-medium">What each role may do</summary>
      <dl class="facts pt-3">
        {memberRoles.map((role) => (
          <>
            <dt>{role}</dt>
            <dd>{roleHelp[role]}</dd>
          </>
        ))}
      </dl>
    </details>
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
          You and your tokens lose what {props.organization} gives you, on the next request. What you pushed stays. An
          admin of {props.organization} can add you again.
        </p>
      </Dialog>
    )
  }
  const { member } = props.dialog
  return (
    <Dialog
      title={`Remove ${member.name} from ${props.organization}`}
      closeHref={here}
      action={`${here}/${encodeURIComponent(member.name)}/remove`}
      submit={<Button look="error">Remove</Button>}
    >
      <p class="text-sm">
        {member.name} and their tokens lose what {props.organization} gives them, on the next request. What they pushed
        stays. You can add them again.
      </p>
    </Dialog>
  )
}

/** Posts `name`, `fullname`, `defaultVisibility` to /organizations/new. */
export function NewOrganizationPage(props: { context: PageContext; form: FormState }) {
  const { form } = props
  return (
    <Page context={props.context} title="New organization" frame={{ kind: 'narrow' }}>
      <PageHead
        title="New organization"
        lede="A name that several people share. Its repositories belong to it and stay when a person leaves. You become its first admin."
      />
      <form class="panel p-4 grid gap-4" method="post" action="/organizations/new">
        <FormProblem form={form} />
        <TextField
          form={form}
          name="name"
          label="Name"
          required={true}
          maxlength={96}
          verbatim={true}
          help="Part of every address of its repositories. Letters, digits, hyphens."
        />
        <TextField form={form} name="fullname" label="Full name" optional={true} maxlength={100} />
        <PickField
          form={form}
          name="defaultVisibility"
          legend="New repositories are"
          columns={2}
          value="private"
          picks={[
            { value: 'private', label: 'private', help: 'Only members see them, unless said otherwise.' },
            { value: 'public', label: 'public', help: 'Everyone who reaches this hub sees them.' },
          ]}
        />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Create organization</Button>
          <LinkButton href="/">Cancel</LinkButton>
        </div>
      </form>
    </Page>
  )
}
