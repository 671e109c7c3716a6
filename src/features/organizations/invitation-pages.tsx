/* Invitations of an organization, for its administrators; and the page behind the link, for whom it was sent to. */
import type { Child } from 'hono/jsx'
import { Badge, Expiry } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { PeopleTabs } from '../../web/people-tabs.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { exactTime } from '../../web/time-words.ts'
import { Who } from '../../web/who.tsx'
import type { InvitationState } from './present.ts'
import { RoleMeanings, roleChoices } from './role-words.tsx'

export type InvitationLine = {
  id: string
  address: string
  role: string
  inviter: string
  expiresAt: number
  sentAt: number | null
  byMail: boolean
  state: InvitationState
}

export type InvitationsDialog = { kind: 'invite'; form: FormState } | { kind: 'withdraw'; id: string; address: string }

type InvitationsPageProps = {
  context: PageContext
  organization: string
  invitations: readonly InvitationLine[]
  counts: { members: number; serviceAccounts: number; invitations: number }
  sendsMail: boolean
  defaultRole: string
  /** No seat is left: this many are there. */
  fullAt: number | null
  nextHref: string | null
  firstHref: string | null
  /** A link that is shown once: in the answer to the form that made it. */
  once: { address: string; link: string } | null
  form: FormState
  dialog: InvitationsDialog | null
}

export function invitationsPath(organization: string): string {
  return organizationSettingsPath(organization, 'invitations')
}

/** Posts `email`, `role` to /organizations/{org}/settings/invitations; .../{id}/resend and .../{id}/withdraw. */
export function InvitationsPage(props: InvitationsPageProps) {
  const { organization } = props
  const here = invitationsPath(organization)
  const invite = (
    <LinkButton look="primary" icon="mail" href={`${here}?dialog=invite`} dialog={true}>
      Invite by e-mail
    </LinkButton>
  )
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Invitations to ${organization}`}
      place="members"
      dialog={props.dialog && <InvitationDialog {...props} dialog={props.dialog} />}
    >
      <PageHead
        title="Invitations"
        lede="People who were invited by e-mail and have not answered. They take no seat until they accept."
        action={props.fullAt === null && props.invitations.length > 0 ? invite : null}
      />
      <PeopleTabs organization={organization} current="invitations" {...props.counts} />
      <FormProblem form={props.form} />
      {props.once && <LinkOnce {...props.once} closeHref={here} />}
      {props.fullAt !== null && (
        <Notice kind="info" small={true} standing={true}>
          All {props.fullAt} seats of {organization} are taken: nobody can be invited, and who was invited cannot accept
          until a seat is free.
        </Notice>
      )}
      <section class="panel" aria-label={`Invitations to ${organization}`}>
        {props.invitations.length === 0 ? (
          <Empty icon="mail" title="No open invitations" action={props.fullAt === null ? invite : null}>
            Invite somebody by their e-mail address, whether they have an account on this hub or not.
          </Empty>
        ) : (
          <Rows
            caption={`Open invitations to ${organization}`}
            columns={[
              { label: 'Address' },
              { label: 'Role' },
              { label: 'Invited by' },
              { label: 'Sent' },
              { label: 'Expires' },
              { label: 'Actions', silent: true },
            ]}
          >
            {props.invitations.map((row) => (
              <Line organization={organization} row={row} mayResend={props.fullAt === null} />
            ))}
          </Rows>
        )}
      </section>
      {props.invitations.length > 0 && (
        <MoreRows
          order="By address"
          shown={props.invitations.length}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
    </OrganizationSettingsPage>
  )
}

function Line({ organization, row, mayResend }: { organization: string; row: InvitationLine; mayResend: boolean }) {
  const here = invitationsPath(organization)
  return (
    <Row off={row.state !== 'open'}>
      <RowHead
        description={row.state === 'no longer effective' ? `${row.inviter} is no longer an admin: send it again` : null}
      >
        <span class="break-all">{row.address}</span>
        {row.state === 'no longer effective' && (
          <>
            {' '}
            <Badge icon="circle-off">no longer effective</Badge>
          </>
        )}
      </RowHead>
      <Cell label="Role">{row.role}</Cell>
      <Cell label="Invited by">{row.inviter}</Cell>
      <Cell label="Sent" class="nowrap">
        {!row.byMail ? (
          'link handed over'
        ) : row.sentAt === null ? (
          <span class="text-muted">on its way</span>
        ) : (
          <Time at={row.sentAt} />
        )}
      </Cell>
      <Cell label="Expires" class="nowrap">
        <Expiry at={row.expiresAt} />
      </Cell>
      <Cell class="act">
        <span class="flex gap-1 justify-end">
          {mayResend && (
            <form method="post" action={`${here}/${row.id}/resend`}>
              <button class="icon-btn" type="submit" aria-label={`Send the invitation of ${row.address} again`}>
                <Icon name="refresh-cw" />
              </button>
            </form>
          )}
          <a
            class="icon-btn"
            href={`${here}?dialog=withdraw&invitation=${row.id}`}
            aria-label={`Withdraw the invitation of ${row.address}`}
            data-dialog=""
          >
            <Icon name="trash-2" />
          </a>
        </span>
      </Cell>
    </Row>
  )
}

function LinkOnce(props: { address: string; link: string; closeHref: string }) {
  return (
    <section class="notice notice-once" role="status" aria-labelledby="once-h">
      <Icon name="key-round" />
      <div class="col-span-2 grid gap-2">
        <h2 id="once-h">Hand this link to {props.address}, and to nobody else</h2>
        <p>
          This hub sends no e-mail. Whoever opens the link first, signed in, can accept the invitation. This is the only
          time it is shown; if it is lost, send the invitation again to get another.
        </p>
        <div class="secret">
          <code>{props.link}</code>
          <CopyButton />
        </div>
        <div class="flex text-sm">
          <a class="a ml-auto" href={props.closeHref}>
            I have stored it, close
          </a>
        </div>
      </div>
    </section>
  )
}

function InvitationDialog(props: InvitationsPageProps & { dialog: InvitationsDialog }) {
  const here = invitationsPath(props.organization)
  const { dialog } = props
  if (dialog.kind === 'withdraw') {
    return (
      <Dialog
        title={`Withdraw the invitation of ${dialog.address}`}
        closeHref={here}
        action={`${here}/${dialog.id}/withdraw`}
        submit={<Button look="error">Withdraw</Button>}
      >
        <p class="text-sm">The link that was sent stops working at once. You can invite the address again.</p>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={`Invite somebody to ${props.organization}`}
      closeHref={here}
      action={here}
      submit={<Button look="primary">{props.sendsMail ? 'Send invitation' : 'Make invitation'}</Button>}
    >
      <div class="grid gap-4">
        <FormProblem form={dialog.form} />
        <TextField
          form={dialog.form}
          name="email"
          label="E-mail"
          type="email"
          required={true}
          maxlength={254}
          autofocus={true}
          help={
            props.sendsMail
              ? 'They get a link that works for two weeks, for an account with this address alone.'
              : 'This hub sends no e-mail: you are shown a link to hand over. It works once, for two weeks.'
          }
        />
        <SelectField form={dialog.form} name="role" label="Role" value={props.defaultRole} choices={roleChoices} />
        <RoleMeanings forAdmins={false} />
      </div>
    </Dialog>
  )
}

export type AnswerState =
  | { kind: 'spent' }
  /** Nobody is signed in. `mayJoin`: an account can be made with this link. */
  | ({ kind: 'stranger'; link: string; mayJoin: boolean; hasAccount: boolean } & InvitationFacts)
  | ({ kind: 'ready'; link: string } & InvitationFacts)
  | ({ kind: 'member' } & InvitationFacts)
  /** Signed in with an account that has not verified the address. */
  | ({ kind: 'other-address'; link: string } & InvitationFacts)

type InvitationFacts = {
  organization: string
  fullname: string | null
  role: string
  inviter: string
  address: string
  expiresAt: number
}

/** Posts `link` to /invitations/accept and /invitations/decline. */
export function AnswerInvitationPage(props: { context: PageContext; state: AnswerState; form: FormState }) {
  const { context, state } = props
  if (state.kind === 'spent') {
    return (
      <Page context={context} title="This invitation is over" frame={{ kind: 'narrow' }}>
        <PageHead
          title="This invitation is over"
          lede="It was answered, was withdrawn, or is too old. Ask an admin of the organization to invite you again."
        />
        <div>
          <LinkButton href="/">To the first page</LinkButton>
        </div>
      </Page>
    )
  }
  const title = `Join ${state.organization}`
  return (
    <Page context={context} title={title} frame={{ kind: 'narrow' }}>
      <div class="flex items-start gap-3">
        <Who kind="organization" name={state.fullname ?? state.organization} size="large" />
        <PageHead
          title={title}
          lede={`${state.inviter} invites you to ${state.fullname ?? state.organization}, with the role ${state.role}.`}
        />
      </div>
      <FormProblem form={props.form} />
      <section class="panel p-4 grid gap-4" aria-label="Your answer">
        <dl class="facts">
          <dt>For</dt>
          <dd>{state.address}</dd>
          <dt>Until</dt>
          <dd>{exactTime(state.expiresAt)}</dd>
        </dl>
        <Answer context={context} state={state} />
      </section>
      <RoleMeanings forAdmins={false} />
    </Page>
  )
}

function Answer({ context, state }: { context: PageContext; state: Exclude<AnswerState, { kind: 'spent' }> }) {
  switch (state.kind) {
    case 'stranger': {
      const here = `/invitations/${encodeURIComponent(state.link)}`
      return (
        <>
          <p class="text-sm">
            {state.mayJoin
              ? 'Sign in to answer. If you have no account on this hub, create one with this invitation.'
              : 'Sign in to answer.'}
          </p>
          <Buttons>
            <LinkButton look="primary" href={`/login?next=${encodeURIComponent(here)}`}>
              Sign in
            </LinkButton>
            {state.mayJoin && (
              <LinkButton href={`/join/${encodeURIComponent(state.link)}`}>Create an account</LinkButton>
            )}
          </Buttons>
        </>
      )
    }
    case 'member':
      return (
        <>
          <p class="text-sm">
            You are a member of {state.organization} already, as {context.viewer?.name}. Your role stays as it is.
          </p>
          <Buttons>
            <LinkButton href={`/${encodeURIComponent(state.organization)}`}>To {state.organization}</LinkButton>
          </Buttons>
        </>
      )
    case 'other-address':
      return (
        <>
          <Notice kind="info" small={true} standing={true}>
            You are signed in as {context.viewer?.name}, and {state.address} is no verified address of yours. An
            invitation can be forwarded, so the link alone does not prove that it is meant for you.
          </Notice>
          <p class="text-sm">
            Add the address to your account and open the link that is sent to it, then come back here; or sign in with
            the account that has it.
          </p>
          <Buttons>
            <LinkButton look="primary" href="/settings/account">
              Account and e-mail
            </LinkButton>
          </Buttons>
        </>
      )
    case 'ready':
      return (
        <>
          <p class="text-sm">You answer as {context.viewer?.name}. Members of the organization will see your name.</p>
          <Buttons>
            <form method="post" action="/invitations/accept">
              <input type="hidden" name="link" value={state.link} />
              <Button look="primary">Accept</Button>
            </form>
            <form method="post" action="/invitations/decline">
              <input type="hidden" name="link" value={state.link} />
              <Button>Decline</Button>
            </form>
          </Buttons>
        </>
      )
  }
}

function Buttons(props: { children: Child }) {
  return <div class="flex flex-wrap gap-2">{props.children}</div>
}
