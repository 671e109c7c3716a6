/* Settings of one's own account: profile, e-mail addresses, and leaving. */
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Menu } from '../../web/menu.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Time } from '../../web/time.tsx'
import { TokenMailSection } from './token-mail-pages.tsx'

/** Posts `fullname` to /settings/profile. */
export function ProfileSettingsPage(props: {
  context: PageContext
  form: FormState
  profile: { name: string; fullname: string | null }
}) {
  return (
    <YourSettingsPage context={props.context} title="Profile" current="/settings/profile">
      <PageHead
        title="Profile"
        lede="What others see beside your commits and in the member lists of your organizations."
      />
      <form class="panel p-4 grid gap-4 max-w-xl" method="post" action="/settings/profile">
        <FormProblem form={props.form} />
        <dl class="facts">
          <dt>Username</dt>
          <dd class="font-medium">{props.profile.name}</dd>
        </dl>
        <TextField
          form={props.form}
          name="fullname"
          label="Full name"
          optional={true}
          value={props.profile.fullname ?? ''}
          autocomplete="name"
          maxlength={100}
        />
        <div>
          <Button look="primary">Save profile</Button>
        </div>
      </form>
    </YourSettingsPage>
  )
}

export type EmailRow = {
  id: string
  address: string
  isPrimary: boolean
  verifiedAt: number | null
}

export type AccountDialog =
  | { kind: 'deactivate'; form: FormState }
  | { kind: 'delete'; form: FormState }
  | { kind: 'remove-email'; email: EmailRow }

type AccountSettingsProps = {
  context: PageContext
  name: string
  emails: readonly EmailRow[]
  /** The form that adds an address. */
  form: FormState
  /** Organizations that would be left without an admin; while there are any, the account cannot go. */
  lastAdminOf: readonly string[]
  /** Repositories in one's own namespace, which go with the account. */
  repositories: number
  dialog: AccountDialog | null
  /** Without mail an administrator shows the links that verify addresses. */
  sendsMail: boolean
  /** The weekly mail about tokens. */
  tokenMail: boolean
}

const accountPath = '/settings/account'

/**
 * Posts `email` to /settings/account/emails; `do` = primary, resend or remove to /settings/account/emails/{id};
 * `confirm` to /settings/account/deactivate and /settings/account/delete. Dialogs at ?dialog=deactivate, ?dialog=delete,
 * ?dialog=remove-email&email={id}.
 */
export function AccountSettingsPage(props: AccountSettingsProps) {
  return (
    <YourSettingsPage
      context={props.context}
      title="Account and e-mail"
      current={accountPath}
      dialog={props.dialog && <AccountDialogs {...props} dialog={props.dialog} />}
    >
      <PageHead title="Account and e-mail" />
      <SettingsSection id="emails-h" title="E-mail addresses">
        <Rows
          caption="Your e-mail addresses"
          columns={[{ label: 'Address' }, { label: 'State' }, { label: 'Verified' }, { label: 'Change', silent: true }]}
        >
          {props.emails.map((email) => (
            <EmailLine email={email} sendsMail={props.sendsMail} />
          ))}
        </Rows>
      </SettingsSection>
      <form class="panel p-4 grid gap-3 max-w-xl" method="post" action={`${accountPath}/emails`}>
        <h2>Add an address</h2>
        <FormProblem form={props.form} />
        <TextField
          form={props.form}
          name="email"
          label="E-mail"
          type="email"
          autocomplete="email"
          required={true}
          maxlength={254}
          help={`It counts once you have opened the link that ${props.sendsMail ? 'is sent to it' : 'an administrator of this hub can show you, since this hub sends no e-mail'}. Commits with a verified address are shown as yours.`}
        />
        <div>
          <Button look="primary">Add address</Button>
        </div>
      </form>
      <TokenMailSection isOn={props.tokenMail} sendsMail={props.sendsMail} />
      <SettingsSection id="leave-h" title="Leave">
        {props.lastAdminOf.length > 0 && (
          <div class="p-4 pb-0">
            <Notice kind="warning" small={true}>
              You are the last admin of {props.lastAdminOf.join(', ')}. Make somebody else an admin there first; until
              then your account cannot be deactivated or deleted.
            </Notice>
          </div>
        )}
        <ul class="[&>li]:px-4 [&>li]:py-3 [&>li+li]:border-t [&>li]:border-line">
          <LeaveLine
            title="Deactivate the account"
            text="Your sessions end and your tokens stop, on the next request. Everything stays as it is until an administrator of this hub activates you again."
            href={props.lastAdminOf.length === 0 ? `${accountPath}?dialog=deactivate` : null}
            button="Deactivate account"
          />
          <LeaveLine
            title="Delete the account"
            text="Your sessions, tokens and the repositories in your own namespace are deleted. What you did in organizations stays with them."
            href={props.lastAdminOf.length === 0 ? `${accountPath}?dialog=delete` : null}
            button="Delete account"
          />
        </ul>
      </SettingsSection>
    </YourSettingsPage>
  )
}

function EmailLine({ email, sendsMail }: { email: EmailRow; sendsMail: boolean }) {
  return (
    <Row>
      <RowHead>
        <span class="[overflow-wrap:anywhere]">{email.address}</span>
      </RowHead>
      <Cell label="State">
        <span class="flex flex-wrap gap-1">
          {email.isPrimary && <Badge>primary</Badge>}
          {email.verifiedAt === null && (
            <Badge look="warning" icon="circle-alert">
              not verified
            </Badge>
          )}
        </span>
      </Cell>
      <Cell label="Verified" class="nowrap">
        {email.verifiedAt === null ? <span class="text-muted">not yet</span> : <Time at={email.verifiedAt} />}
      </Cell>
      <Cell class="act">
        {(!email.isPrimary || (sendsMail && email.verifiedAt === null)) && (
          <EmailMenu email={email} sendsMail={sendsMail} />
        )}
      </Cell>
    </Row>
  )
}

/** The verified primary address has no menu: it can be neither verified again nor removed. */
function EmailMenu({ email, sendsMail }: { email: EmailRow; sendsMail: boolean }) {
  return (
    <Menu
      id={`email-${email.id}`}
      buttonClass="icon-btn"
      label={`More for ${email.address}`}
      button={<Icon name="ellipsis-vertical" />}
    >
      <form method="post" action={`${accountPath}/emails/${encodeURIComponent(email.id)}`}>
        {sendsMail && email.verifiedAt === null && (
          <button type="submit" name="do" value="resend">
            <Icon name="mail" />
            Send the link again
          </button>
        )}
        {!email.isPrimary && email.verifiedAt !== null && (
          <button type="submit" name="do" value="primary">
            <Icon name="check" />
            Make primary
          </button>
        )}
      </form>
      {!email.isPrimary && (
        <a
          class="danger"
          href={`${accountPath}?dialog=remove-email&email=${encodeURIComponent(email.id)}`}
          data-dialog=""
        >
          <Icon name="trash-2" />
          Remove address
        </a>
      )}
    </Menu>
  )
}

function LeaveLine(props: { title: string; text: string; href: string | null; button: string }) {
  return (
    <li class="flex flex-wrap items-center gap-x-4 gap-y-2">
      <div class="flex-1 min-w-60">
        <b class="font-semibold">{props.title}</b>
        <p class="text-sm text-muted">{props.text}</p>
      </div>
      {props.href && (
        <LinkButton look="danger" href={props.href} dialog={true}>
          {props.button}
        </LinkButton>
      )}
    </li>
  )
}

function AccountDialogs(props: AccountSettingsProps & { dialog: AccountDialog }) {
  const { dialog } = props
  switch (dialog.kind) {
    case 'deactivate':
      return (
        <Dialog
          title={`Deactivate account “${props.name}”`}
          closeHref={accountPath}
          action={`${accountPath}/deactivate`}
          submit={<Button look="error">Deactivate account</Button>}
        >
          <p class="text-sm">
            You are signed out everywhere and your tokens stop, on the next request. Your repositories, memberships and
            tokens are kept for when an administrator of this hub activates you again.
          </p>
          <TypedConfirmation form={dialog.form} word={props.name} autofocus={true} />
        </Dialog>
      )
    case 'delete':
      return (
        <Dialog
          title={`Delete account “${props.name}”`}
          closeHref={accountPath}
          action={`${accountPath}/delete`}
          submit={
            <Button look="error" icon="trash-2">
              Delete account
            </Button>
          }
        >
          <p class="text-sm">
            Your sessions and tokens stop on the next request.{' '}
            {props.repositories > 0 &&
              `${props.repositories === 1 ? 'The repository' : `The ${props.repositories} repositories`} in your own namespace ${props.repositories === 1 ? 'is' : 'are'} deleted for everyone. `}
            What you did in organizations stays with them, and nobody else gets your name. This cannot be undone.
          </p>
          <TypedConfirmation form={dialog.form} word={props.name} autofocus={true} />
        </Dialog>
      )
    case 'remove-email':
      return (
        <Dialog
          title={`Remove ${dialog.email.address}`}
          closeHref={accountPath}
          action={`${accountPath}/emails/${encodeURIComponent(dialog.email.id)}`}
          submit={
            <Button look="error" name="do" value="remove">
              Remove address
            </Button>
          }
        >
          <p class="text-sm">
            Nothing is sent there any more, and commits with this address are no longer shown as yours. You can add it
            again.
          </p>
        </Dialog>
      )
  }
}
