/* An organization's profile and rules, whether its members need a second factor, and its new name or its end. */
import { newRepoPath, ownerCardRepo, repoId, repoPath, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { PickField, SelectField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { counted } from '../../web/size.ts'
import { memberRoles, roleChoices } from './role-words.tsx'

export type SettingsView = {
  fullname: string | null
  description: string | null
  defaultRole: string
  defaultVisibility: string
  membersVisibility: string
  workspaceCreation: string
  secondFactorRequired: boolean
}

type ProfileProps = {
  context: PageContext
  organization: string
  settings: SettingsView
  /** From the policy. Who may not change them sees them as they are. */
  mayChange: boolean
  /** The space whose README.md is the card is there, and the viewer may see it. */
  hasCard: boolean
  /** Members without a second factor. */
  withoutFactor: number
  /** The viewer has one: only then can they ask others for it. */
  viewerHasFactor: boolean
  form: FormState
  dialog: 'second-factor' | null
}

const workspaceWords: Readonly<Record<string, string>> = {
  admin: 'admins only',
  write: 'write and more',
  contributor: 'contributor and more',
  read: 'read and more',
}

/**
 * Posts `fullname`, `description`, `defaultRole`, `defaultVisibility`, `membersVisibility`, `workspaceCreation` to
 * /organizations/{org}/settings/profile, and `required` to .../settings/security. Dialog at ?dialog=second-factor.
 */
export function OrganizationProfilePage(props: ProfileProps) {
  const { organization } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Profile of ${organization}`}
      place="profile"
      dialog={props.dialog && <SecondFactorDialog {...props} />}
    >
      <PageHead title="Profile" lede={`What ${organization} says of itself, and what holds for its members.`} />
      {props.mayChange ? <ProfileForm {...props} /> : <ProfileFacts {...props} />}
      <CardOfOrganization {...props} />
      <SecondFactor {...props} />
    </OrganizationSettingsPage>
  )
}

function ProfileForm({ organization, settings, form }: ProfileProps) {
  return (
    <form class="panel p-4 grid gap-5" method="post" action={organizationSettingsPath(organization, 'profile')}>
      <FormProblem form={form} />
      <TextField
        form={form}
        name="fullname"
        label="Full name"
        optional={true}
        maxlength={100}
        value={settings.fullname ?? ''}
      />
      <TextArea
        form={form}
        name="description"
        label="Description"
        optional={true}
        maxlength={1_000}
        rows={3}
        value={settings.description ?? ''}
        help="Stands on the organization's page, for everyone."
      />
      <SelectField
        form={form}
        name="defaultRole"
        label="Default role"
        value={settings.defaultRole}
        choices={roleChoices.filter(({ value }) => value !== 'admin')}
        help="Of whoever is added or invited without a role being named."
      />
      <PickField
        form={form}
        name="defaultVisibility"
        legend="New repositories are"
        columns={2}
        value={settings.defaultVisibility}
        picks={[
          { value: 'private', label: 'private', help: 'Only members see them, unless said otherwise.' },
          { value: 'public', label: 'public', help: 'Everyone who reaches this hub sees them.' },
        ]}
      />
      <PickField
        form={form}
        name="membersVisibility"
        legend="Who sees the members"
        columns={2}
        value={settings.membersVisibility}
        picks={[
          { value: 'members', label: 'members', help: 'With the role read and more.' },
          { value: 'public', label: 'everyone', help: 'Names, without roles.' },
        ]}
      />
      <SelectField
        form={form}
        name="workspaceCreation"
        label="Who may create workspaces"
        value={settings.workspaceCreation}
        choices={memberRoles
          .filter((role) => role !== 'no_access')
          .map((role) => ({ value: role, label: workspaceWords[role] ?? role }))}
      />
      <div>
        <Button look="primary">Save profile</Button>
      </div>
    </form>
  )
}

function ProfileFacts({ organization, settings }: ProfileProps) {
  return (
    <section class="panel p-4 grid gap-4" aria-label={`Profile of ${organization}`}>
      <dl class="facts">
        <dt>Full name</dt>
        <dd>{settings.fullname ?? '–'}</dd>
        <dt>Description</dt>
        <dd class="whitespace-pre-line">{settings.description ?? '–'}</dd>
        <dt>Default role</dt>
        <dd>{settings.defaultRole}</dd>
        <dt>New repositories are</dt>
        <dd>{settings.defaultVisibility}</dd>
        <dt>Who sees the members</dt>
        <dd>{settings.membersVisibility === 'public' ? 'everyone' : 'members'}</dd>
        <dt>Who may create workspaces</dt>
        <dd>{workspaceWords[settings.workspaceCreation] ?? settings.workspaceCreation}</dd>
      </dl>
      <p class="text-sm text-muted">An admin of {organization} can change this.</p>
    </section>
  )
}

function CardOfOrganization({ organization, hasCard }: ProfileProps) {
  const repo = ownerCardRepo(organization)
  return (
    <SettingsSection id="card-h" title="Card">
      <div class="p-4 flex flex-wrap items-start gap-3">
        <p class="flex-1 min-w-64 text-sm">
          {hasCard ? 'The' : 'A'} README.md of the space <code class="break-all">{repoId(repo)}</code> stands on the
          page of {organization} as its card, for everyone who may see that space.
        </p>
        {hasCard ? (
          <LinkButton href={repoPath(repo)}>Open the space</LinkButton>
        ) : (
          <LinkButton href={withQuery(newRepoPath.space, { owner: organization, name: repo.name })}>
            Make the space
          </LinkButton>
        )}
      </div>
    </SettingsSection>
  )
}

function SecondFactor(props: ProfileProps) {
  const { organization, settings } = props
  const here = organizationSettingsPath(organization, 'profile')
  return (
    <SettingsSection id="second-factor-h" title="Second factor">
      <div class="p-4 flex flex-wrap items-start gap-3">
        <div class="flex-1 min-w-64 grid gap-1 text-sm">
          <p>
            {settings.secondFactorRequired ? (
              <Badge icon="shield-check" look="success">
                required
              </Badge>
            ) : (
              <Badge>not required</Badge>
            )}
          </p>
          <p>
            Where it is required, a member without one reaches only what is public in {organization}, with every
            credential, until they set one up. Service accounts are not asked.
          </p>
          {props.mayChange && (
            <p class="text-muted">
              {props.withoutFactor === 0
                ? 'Every member has one.'
                : `${counted(props.withoutFactor, 'member')} ${props.withoutFactor === 1 ? 'has' : 'have'} none.`}
            </p>
          )}
        </div>
        {props.mayChange && (settings.secondFactorRequired || props.viewerHasFactor) && (
          <LinkButton href={`${here}?dialog=second-factor`} dialog={true}>
            {settings.secondFactorRequired ? 'Stop requiring it' : 'Require a second factor'}
          </LinkButton>
        )}
        {props.mayChange && !settings.secondFactorRequired && !props.viewerHasFactor && (
          <p class="text-sm text-muted basis-full">
            You have none yourself: set one up under{' '}
            <a class="a" href="/settings/authentication">
              Password and sign-in
            </a>{' '}
            before you ask others for it.
          </p>
        )}
      </div>
    </SettingsSection>
  )
}

function SecondFactorDialog(props: ProfileProps) {
  const { organization, settings } = props
  const here = organizationSettingsPath(organization, 'profile')
  const turnsOn = !settings.secondFactorRequired
  return (
    <Dialog
      title={
        turnsOn ? `Require a second factor in ${organization}` : `Stop requiring a second factor in ${organization}`
      }
      closeHref={here}
      action={organizationSettingsPath(organization, 'security')}
      submit={
        <>
          <Button action={`${organizationSettingsPath(organization, 'security')}/preview`}>
            Preview who is affected
          </Button>
          <Button look="primary">{turnsOn ? 'Require it' : 'Stop requiring it'}</Button>
        </>
      }
    >
      <input type="hidden" name="required" value={turnsOn ? 'yes' : 'no'} />
      <p class="text-sm">
        {turnsOn
          ? props.withoutFactor === 0
            ? 'Every member has one today: nobody is kept out.'
            : `${counted(props.withoutFactor, 'member')} without one ${props.withoutFactor === 1 ? 'is' : 'are'} kept out from the next request, until they set one up. Their tokens too.`
          : 'Members without a second factor get back what their role gives them, on the next request.'}
      </p>
    </Dialog>
  )
}

export type Belongings = {
  repos: number
  serviceAccounts: number
  groups: number
  workspaces: number
  members: number
}

export type EndDialog = { kind: 'rename' | 'delete'; form: FormState }

type RenameOrDeleteProps = {
  context: PageContext
  organization: string
  belongings: Belongings
  /** Days for which deleted repos are kept. */
  undoDays: number
  form: FormState
  dialog: EndDialog | null
}

/**
 * Posts `name`, `confirm` to /organizations/{org}/settings/account/rename and `confirm` to .../account/delete. Dialogs at ?dialog=rename and
 * ?dialog=delete.
 */
export function RenameOrDeletePage(props: RenameOrDeleteProps) {
  const { organization } = props
  const here = organizationSettingsPath(organization, 'account')
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Rename or delete ${organization}`}
      place="account"
      dialog={props.dialog && <EndDialogs {...props} dialog={props.dialog} />}
    >
      <PageHead title="Rename or delete" lede={`What changes ${organization} for everybody.`} />
      <FormProblem form={props.form} />
      <ul class="panel divide-y divide-line">
        <Way
          title="Rename organization"
          text="Every address of it changes. Old addresses, git remotes too, lead to the new ones, and nobody else ever gets the old name."
        >
          <LinkButton href={`${here}?dialog=rename`} dialog={true}>
            Rename
          </LinkButton>
        </Way>
        <Way
          title="Delete organization"
          text={`With it go ${belongingWords(props.belongings)}. Its name goes to nobody else.`}
        >
          <LinkButton look="danger" href={`${here}?dialog=delete`} dialog={true}>
            Delete
          </LinkButton>
        </Way>
      </ul>
    </OrganizationSettingsPage>
  )
}

function Way(props: { title: string; text: string; children: unknown }) {
  return (
    <li class="p-4 flex flex-wrap items-center gap-3">
      <div class="flex-1 min-w-64">
        <h2 class="text-base">{props.title}</h2>
        <p class="text-sm text-muted">{props.text}</p>
      </div>
      {props.children}
    </li>
  )
}

function belongingWords(belongings: Belongings): string {
  const words = [
    counted(belongings.repos, 'repository', 'repositories'),
    counted(belongings.serviceAccounts, 'service account'),
    counted(belongings.groups, 'group'),
    counted(belongings.workspaces, 'workspace'),
  ]
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function EndDialogs(props: RenameOrDeleteProps & { dialog: EndDialog }) {
  const { organization, dialog, belongings } = props
  const here = organizationSettingsPath(organization, 'account')
  if (dialog.kind === 'rename') {
    return (
      <Dialog
        title={`Rename ${organization}`}
        closeHref={here}
        action={`${here}/rename`}
        submit={<Button look="primary">Rename organization</Button>}
      >
        <div class="grid gap-4">
          <FormProblem form={dialog.form} />
          <TextField
            form={dialog.form}
            name="name"
            label="New name"
            required={true}
            maxlength={42}
            verbatim={true}
            autofocus={true}
            help="Letters, digits, hyphens. A name that somebody else had once cannot be taken."
          />
          <p class="text-sm">
            {counted(belongings.repos, 'repository', 'repositories')}{' '}
            {belongings.repos === 1 ? 'gets a new address' : 'get new addresses'}. Old ones keep leading there, for git
            and every client. Roles, tokens and service accounts stay as they are.
          </p>
          <TypedConfirmation form={dialog.form} word={organization} />
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={`Delete ${organization}`}
      closeHref={here}
      action={`${here}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete organization
        </Button>
      }
    >
      <div class="grid gap-4">
        <FormProblem form={dialog.form} />
        <p class="text-sm">
          {belongingWords(belongings)} are gone for everyone on the next request, and tokens of service accounts stop.{' '}
          {counted(belongings.members, 'member loses', 'members lose')} what {organization} gave them. The audit log
          stays with this hub.
        </p>
        <Notice kind="warning" small={true} standing={true}>
          This cannot be undone. For {counted(props.undoDays, 'day')}, an administrator of this hub can bring single
          repositories back, into another namespace.
        </Notice>
        <TypedConfirmation form={dialog.form} word={organization} autofocus={true} />
      </div>
    </Dialog>
  )
}
