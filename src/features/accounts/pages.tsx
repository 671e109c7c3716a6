/* The pages before one is signed in: sign in, make an account, get a new password, verify an address. They never say
   whether a name or an address is known here. */
import { Button, LinkButton } from '../../web/button.tsx'
import { EntryPage } from '../../web/entry-page.tsx'
import { TextField, WhosePassword } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PasskeyForm } from '../../web/passkey-form.tsx'

/**
 * Posts `username`, `password`, `next` to /login, and what a passkey answers to /login/passkey. `next` is a path on this hub, checked by the
 * server again.
 */
export function SignInPage(props: {
  context: PageContext
  form: FormState
  next: string | null
  /** Whether browsers allow passkeys at the address of this hub. */
  passkeys: boolean
  /** Through whose provider people sign in; `isOnly`: nobody but administrators of the hub does otherwise. */
  company: { readonly name: string; readonly isOnly: boolean } | null
}) {
  const { company } = props
  return (
    <EntryPage context={props.context} title="Sign in to holdfast">
      {company !== null && (
        <LinkButton look="primary" large={true} href={withNext('/login/company', props.next)}>
          Sign in with {company.name}
        </LinkButton>
      )}
      {company?.isOnly === true ? (
        <details open={props.form.problem !== undefined}>
          <summary class="text-sm text-muted">For administrators of this hub</summary>
          <div class="grid gap-4 pt-4">
            <OwnWays {...props} />
          </div>
        </details>
      ) : (
        <OwnWays {...props} />
      )}
      <p class="text-center text-sm text-muted">
        Signing in with git or a program? Use a{' '}
        <a class="a" href="/settings/tokens">
          token
        </a>{' '}
        in place of the password.
        {props.context.signUpOpen !== false && (
          <>
            <br />
            New here?{' '}
            <a class="a" href="/join">
              Create an account
            </a>
          </>
        )}
      </p>
    </EntryPage>
  )
}

function withNext(path: string, next: string | null): string {
  return next === null ? path : `${path}?next=${encodeURIComponent(next)}`
}

/** Password and passkey. */
function OwnWays(props: { form: FormState; next: string | null; passkeys: boolean; company: object | null }) {
  const { form } = props
  return (
    <>
      <form class="panel p-5 grid gap-4" method="post" action="/login">
        <FormProblem form={form} />
        {props.next && <input type="hidden" name="next" value={props.next} />}
        <TextField
          form={form}
          name="username"
          label="Username or e-mail"
          autocomplete="username"
          required={true}
          verbatim={true}
          large={true}
          autofocus={formValue(form, 'username') === ''}
        />
        <TextField
          form={form}
          name="password"
          label="Password"
          type="password"
          autocomplete="current-password"
          required={true}
          large={true}
          autofocus={formValue(form, 'username') !== ''}
          aside={
            <a class="a text-xs" href="/password-reset">
              Forgot it?
            </a>
          }
        />
        <Button look={props.company === null ? 'primary' : 'line'} large={true}>
          Sign in
        </Button>
      </form>
      {props.passkeys && (
        <PasskeyForm action="/login/passkey" options="/login/passkey/options" hidden={{ next: props.next }}>
          Use a passkey
        </PasskeyForm>
      )}
    </>
  )
}

/** How one may join: freely, by an invitation, as the first administrator of a new hub, or not at all. */
export type JoinState =
  | { kind: 'open' }
  /** `address`: an organization invited it; the account is for nobody else. */
  | { kind: 'invited'; link: string; address?: string | null }
  | { kind: 'setup'; link: string }
  | { kind: 'invitation-needed' }
  | { kind: 'link-spent' }
  | { kind: 'closed' }

const joinClosed: Readonly<Record<'invitation-needed' | 'link-spent' | 'closed', string>> = {
  'invitation-needed': 'New accounts need an invitation here. Ask an administrator of this hub to send you one.',
  'link-spent': 'This link was used already, or is too old. Ask an administrator of this hub for a new one.',
  closed: 'Nobody can create an account here. An administrator of this hub can make one for you.',
}

/** Posts `username`, `email`, `password` and, where there is one, `link` to /join. */
export function JoinPage(props: { context: PageContext; form: FormState; join: JoinState; passwordMinimum: number }) {
  const { form, join } = props
  if (join.kind === 'invitation-needed' || join.kind === 'link-spent' || join.kind === 'closed') {
    return (
      <EntryPage context={props.context} title="Create an account">
        <div class="panel p-5 grid gap-4">
          <p>{joinClosed[join.kind]}</p>
          <LinkButton look="primary" large={true} href="/login">
            Sign in
          </LinkButton>
        </div>
      </EntryPage>
    )
  }
  const title = join.kind === 'setup' ? 'Create the first administrator' : 'Create an account'
  return (
    <EntryPage
      context={props.context}
      title={title}
      lede={join.kind === 'setup' ? 'This account can do everything on this hub.' : undefined}
    >
      <form class="panel p-5 grid gap-4" method="post" action="/join">
        <FormProblem form={form} />
        {join.kind !== 'open' && <input type="hidden" name="link" value={join.link} />}
        <TextField
          form={form}
          name="username"
          label="Username"
          autocomplete="username"
          required={true}
          maxlength={96}
          verbatim={true}
          large={true}
          autofocus={true}
          help="Your repositories will be at this name. Letters, digits, hyphens."
        />
        {join.kind === 'invited' && join.address ? (
          <p class="text-sm">
            <span class="block font-medium">E-mail</span>
            <span class="break-all">{join.address}</span>
            <span class="help block">The address that was invited.</span>
          </p>
        ) : (
          <TextField
            form={form}
            name="email"
            label="E-mail"
            type="email"
            autocomplete="email"
            required={true}
            maxlength={254}
            large={true}
          />
        )}
        <TextField
          form={form}
          name="password"
          label="Password"
          type="password"
          autocomplete="new-password"
          required={true}
          minlength={props.passwordMinimum}
          large={true}
          help={`At least ${props.passwordMinimum} characters; a sentence is good.`}
        />
        <Button look="primary" large={true}>
          Create account
        </Button>
      </form>
      {join.kind !== 'setup' && (
        <p class="text-center text-sm text-muted">
          You have an account?{' '}
          <a class="a" href="/login">
            Sign in
          </a>
        </p>
      )}
    </EntryPage>
  )
}

/** Posts `email` to /password-reset. `sent` is shown for every address, known or not. */
export function PasswordResetRequestPage(props: {
  context: PageContext
  form: FormState
  sent: boolean
  /** Without mail only an administrator can hand out the link. */
  sendsMail: boolean
}) {
  return (
    <EntryPage context={props.context} title="Get a new password">
      {props.sent ? (
        <div class="panel p-5 grid gap-4">
          <p role="status">
            If an account here has this address, a link is on its way to it. It works once, and not for long.
          </p>
          <LinkButton look="primary" large={true} href="/login">
            Sign in
          </LinkButton>
        </div>
      ) : props.sendsMail ? (
        <form class="panel p-5 grid gap-4" method="post" action="/password-reset">
          <FormProblem form={props.form} />
          <TextField
            form={props.form}
            name="email"
            label="E-mail"
            type="email"
            autocomplete="email"
            required={true}
            large={true}
            autofocus={true}
            help="A verified address of your account. The link to choose a new password goes there."
          />
          <Button look="primary" large={true}>
            Send the link
          </Button>
        </form>
      ) : (
        <div class="panel p-5 grid gap-4">
          <p>This hub sends no e-mail. Ask an administrator of this hub for a link to choose a new password.</p>
          <LinkButton large={true} href="/login">
            Sign in
          </LinkButton>
        </div>
      )}
    </EntryPage>
  )
}

/** Posts `link` and `password` to /password-reset/set. `reset` null: spent, expired or unknown, which look the same. */
export function PasswordResetPage(props: {
  context: PageContext
  form: FormState
  reset: { link: string; name: string } | null
  passwordMinimum: number
}) {
  return (
    <EntryPage context={props.context} title="Choose a new password">
      {props.reset === null ? (
        <div class="panel p-5 grid gap-4">
          <p>This link was used already, or is too old.</p>
          <LinkButton look="primary" large={true} href="/password-reset">
            Send a new link
          </LinkButton>
        </div>
      ) : (
        <form class="panel p-5 grid gap-4" method="post" action="/password-reset/set">
          <FormProblem form={props.form} />
          <input type="hidden" name="link" value={props.reset.link} />
          <WhosePassword name={props.reset.name} />
          <TextField
            form={props.form}
            name="password"
            label="New password"
            type="password"
            autocomplete="new-password"
            required={true}
            minlength={props.passwordMinimum}
            large={true}
            autofocus={true}
            help={`At least ${props.passwordMinimum} characters. You are signed out everywhere else.`}
          />
          <Button look="primary" large={true}>
            Save the password
          </Button>
        </form>
      )}
    </EntryPage>
  )
}

export type EmailVerification =
  /** A press is asked for, because mail scanners open every link. */
  { kind: 'ask'; address: string; link: string } | { kind: 'verified'; address: string } | { kind: 'spent' }

/** Posts `link` to /verify-email. */
export function EmailVerificationPage(props: { context: PageContext; verification: EmailVerification }) {
  const { verification } = props
  const onward = props.context.viewer
    ? { href: '/settings/account', words: 'See your addresses' }
    : { href: '/login', words: 'Sign in' }
  return (
    <EntryPage context={props.context} title="Verify your e-mail">
      {verification.kind === 'ask' ? (
        <form class="panel p-5 grid gap-4" method="post" action="/verify-email">
          <input type="hidden" name="link" value={verification.link} />
          <p>
            <b class="font-semibold break-all">{verification.address}</b> will count as yours on this hub.
          </p>
          <Button look="primary" large={true}>
            Verify this address
          </Button>
        </form>
      ) : (
        <div class="panel p-5 grid gap-4">
          {verification.kind === 'verified' ? (
            <p role="status">
              <b class="font-semibold break-all">{verification.address}</b> is verified.
            </p>
          ) : (
            <p>This link was used already, or is too old. A new one can be sent from your account settings.</p>
          )}
          <LinkButton look="primary" large={true} href={onward.href}>
            {onward.words}
          </LinkButton>
        </div>
      )}
    </EntryPage>
  )
}
