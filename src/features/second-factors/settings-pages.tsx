/* Password and sign-in: the password, the second factors, and what it takes to set one up. */
import type { Child } from 'hono/jsx'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { TextField, WhosePassword } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import type { IconName } from '../../web/icon-names.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { PasskeyForm, PasskeyNeedsScript } from '../../web/passkey-form.tsx'
import { QrCode } from '../../web/qr-code.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Time } from '../../web/time.tsx'
import { type FactorDialog, FactorDialogs } from './factor-dialogs.tsx'
import { CodeField } from './sign-in-pages.tsx'

export const authenticationPath = '/settings/authentication'

export type Factors = {
  app: { createdAt: number; lastUsedAt: number | null } | null
  passkeys: readonly { id: string; name: string; isBackedUp: boolean; createdAt: number; lastUsedAt: number | null }[]
  recoveryCodes: { left: number; all: number }
  passkeysWork: boolean
  askedForBy: readonly string[]
}

/** Posts `current` and `password` to /settings/authentication; a press to .../app/start. Dialogs: see factor-dialogs.tsx. */
export function AuthenticationSettingsPage(props: {
  context: PageContext
  name: string
  form: FormState
  passwordChangedAt: number | null
  passwordMinimum: number
  factors: Factors
  /** Where it goes on once a factor is set up: the page that asked for one. */
  next: string | null
  dialog: FactorDialog | null
}) {
  const { factors } = props
  return (
    <YourSettingsPage
      context={props.context}
      title="Password and sign-in"
      current={authenticationPath}
      dialog={props.dialog && <FactorDialogs dialog={props.dialog} factors={factors} />}
    >
      <PageHead title="Password and sign-in" />
      <SecondFactors factors={factors} next={props.next} />
      <PasswordForm {...props} />
    </YourSettingsPage>
  )
}

function SecondFactors({ factors, next }: { factors: Factors; next: string | null }) {
  const hasAny = factors.app !== null || factors.passkeys.length > 0
  const onward = next === null ? '' : `?next=${encodeURIComponent(next)}`
  return (
    <SettingsSection id="factors-h" title="Second factors" help="asked for beside your password when you sign in">
      {!hasAny && factors.askedForBy.length > 0 && (
        <div class="p-4 pb-0">
          <Notice kind="warning" small={true} standing={true}>
            {list(factors.askedForBy)} {factors.askedForBy.length === 1 ? 'asks' : 'ask'} members for a second factor.
            Until you have one you reach only what is public there, with your tokens too.
          </Notice>
        </div>
      )}
      <ul class="[&>li]:px-4 [&>li]:py-3 [&>li+li]:border-t [&>li]:border-line">
        <Line
          icon="smartphone"
          title="Authenticator app"
          badge={factors.app !== null && <On />}
          actions={
            <>
              <form method="post" action={`${authenticationPath}/app/start`}>
                {next !== null && <input type="hidden" name="next" value={next} />}
                <Button look={hasAny ? 'line' : 'primary'}>
                  {factors.app === null ? 'Set up an app' : 'Move to another app'}
                </Button>
              </form>
              {factors.app !== null && (
                <LinkButton look="danger" href={`${authenticationPath}?dialog=remove-app`} dialog={true}>
                  Remove app
                </LinkButton>
              )}
            </>
          }
        >
          {factors.app === null ? (
            'An app on your phone, or in your password manager, shows a new code every 30 seconds.'
          ) : (
            <Used since={factors.app.createdAt} last={factors.app.lastUsedAt} />
          )}
        </Line>
        <Line
          icon="fingerprint-pattern"
          title="Passkeys"
          badge={factors.passkeys.length > 0 && <On />}
          actions={
            factors.passkeysWork && (
              <LinkButton href={`${authenticationPath}/passkeys/new${onward}`}>Add a passkey</LinkButton>
            )
          }
        >
          {factors.passkeysWork
            ? 'A security key, or your phone or computer with its finger, face or PIN. It signs you in without a password too.'
            : 'Browsers allow passkeys only by https and under a name; this hub is reached otherwise.'}
        </Line>
        {factors.passkeys.map((passkey) => (
          <Line
            title={passkey.name}
            badge={passkey.isBackedUp && <Badge>synced</Badge>}
            actions={
              <LinkButton
                look="danger"
                href={`${authenticationPath}?dialog=remove-passkey&passkey=${encodeURIComponent(passkey.id)}`}
                dialog={true}
                label={`Remove passkey ${passkey.name}`}
              >
                Remove
              </LinkButton>
            }
          >
            <Used since={passkey.createdAt} last={passkey.lastUsedAt} />
          </Line>
        ))}
        {hasAny && (
          <Line
            icon="ticket"
            title="Recovery codes"
            badge={
              factors.recoveryCodes.left < 4 && <Badge look="warning">{`${factors.recoveryCodes.left} left`}</Badge>
            }
            actions={
              <LinkButton href={`${authenticationPath}?dialog=recovery-codes`} dialog={true}>
                Make new codes
              </LinkButton>
            }
          >
            {`For when none of the above is at hand. Each works once; ${factors.recoveryCodes.left} of ${factors.recoveryCodes.all} are left.`}
          </Line>
        )}
      </ul>
    </SettingsSection>
  )
}

function On() {
  return (
    <Badge look="success" icon="circle-check">
      on
    </Badge>
  )
}

function Line(props: { icon?: IconName; title: string; badge?: Child; actions?: Child; children: Child }) {
  return (
    <li class="flex flex-wrap items-center gap-x-4 gap-y-2">
      <div class={props.icon ? 'flex-1 min-w-60' : 'flex-1 min-w-60 sm:pl-6.5'}>
        <span class="flex flex-wrap items-center gap-2">
          {props.icon && <Icon name={props.icon} />}
          <b class="font-semibold [overflow-wrap:anywhere]">{props.title}</b>
          {props.badge}
        </span>
        <p class={props.icon ? 'text-sm text-muted sm:pl-6.5' : 'text-sm text-muted'}>{props.children}</p>
      </div>
      {props.actions && <div class="flex flex-wrap gap-2">{props.actions}</div>}
    </li>
  )
}

function Used(props: { since: number; last: number | null }) {
  return (
    <>
      Added <Time at={props.since} />,{' '}
      {props.last === null ? (
        'not used yet'
      ) : (
        <>
          last used <Time at={props.last} />
        </>
      )}
      .
    </>
  )
}

function PasswordForm(props: {
  name: string
  form: FormState
  passwordChangedAt: number | null
  passwordMinimum: number
}) {
  const { form } = props
  return (
    <form class="panel p-4 grid gap-4 max-w-xl" method="post" action={authenticationPath}>
      <h2>Change the password</h2>
      <WhosePassword name={props.name} />
      {props.passwordChangedAt !== null && (
        <p class="text-sm text-muted">
          Last changed <Time at={props.passwordChangedAt} />.
        </p>
      )}
      <FormProblem form={form} />
      <TextField
        form={form}
        name="current"
        label="Current password"
        type="password"
        autocomplete="current-password"
        required={true}
      />
      <TextField
        form={form}
        name="password"
        label="New password"
        type="password"
        autocomplete="new-password"
        required={true}
        minlength={props.passwordMinimum}
        help={`At least ${props.passwordMinimum} characters; a sentence is good. Your other sessions end; your tokens keep working.`}
      />
      <div>
        <Button>Save password</Button>
      </div>
    </form>
  )
}

/** Posts `code` and `next` to /settings/authentication/app. The key stands in the text and in no attribute. */
export function AppSetupPage(props: {
  context: PageContext
  form: FormState
  setup: { secret: string; address: string }
  next: string | null
}) {
  return (
    <YourSettingsPage context={props.context} title="Set up an authenticator app" current={authenticationPath}>
      <PageHead
        title="Set up an authenticator app"
        lede="Scan the picture with the app, then type the code that it shows. Nothing changes before that."
      />
      <div class="panel p-4 grid gap-5 max-w-xl">
        <FormProblem form={props.form} />
        <div class="flex flex-wrap gap-5 items-start">
          <QrCode text={props.setup.address} label="QR code with the key for your authenticator app" />
          <div class="grid gap-2 flex-1 min-w-60">
            <p class="text-sm">No camera? Type this key into the app, as a time-based one:</p>
            <div class="secret">
              <code>{props.setup.secret.match(/.{1,4}/g)?.join(' ')}</code>
              <CopyButton label="Copy the key" />
            </div>
          </div>
        </div>
        <form class="grid gap-4" method="post" action={`${authenticationPath}/app`}>
          {props.next !== null && <input type="hidden" name="next" value={props.next} />}
          <CodeField form={props.form} label="Code that the app shows now" />
          <div class="flex flex-wrap gap-2">
            <Button look="primary">Turn the app on</Button>
            <LinkButton href={authenticationPath}>Cancel</LinkButton>
          </div>
        </form>
      </div>
    </YourSettingsPage>
  )
}

/** Posts `name`, `response` and `next` to /settings/authentication/passkeys. */
export function NewPasskeyPage(props: { context: PageContext; form: FormState; next: string | null }) {
  return (
    <YourSettingsPage context={props.context} title="Add a passkey" current={authenticationPath}>
      <PageHead
        title="Add a passkey"
        lede="Give it a name that tells you where it is. Then your browser asks for the device, or for the security key."
      />
      <div class="panel p-4 grid gap-4 max-w-xl">
        <FormProblem form={props.form} />
        <PasskeyNeedsScript />
        <PasskeyForm
          action={`${authenticationPath}/passkeys`}
          options={`${authenticationPath}/passkeys/options`}
          does="create"
          look="primary"
          large={false}
          class="grid gap-4 justify-items-start [&>.field]:w-full"
          hidden={{ next: props.next }}
          fields={
            <TextField
              form={props.form}
              name="name"
              label="Name"
              required={true}
              maxlength={60}
              autofocus={true}
              placeholder="Laptop"
            />
          }
        >
          Add the passkey
        </PasskeyForm>
        <p class="text-sm">
          <a class="a" href={authenticationPath}>
            Back without one
          </a>
        </p>
      </div>
    </YourSettingsPage>
  )
}

/** The only answer that ever carries the codes. */
export function RecoveryCodesPage(props: {
  context: PageContext
  codes: readonly string[]
  next: string
  lede: string
}) {
  return (
    <YourSettingsPage context={props.context} title="Recovery codes" current={authenticationPath}>
      <PageHead title="Recovery codes" lede={props.lede} />
      <section class="notice notice-once" role="status" aria-labelledby="once-h">
        <Icon name="ticket" />
        <div class="col-span-2 grid gap-3">
          <h2 id="once-h">Store these codes now</h2>
          <p>
            This is the only time they are shown. Each signs you in once, beside your password, when your other second
            factors are not at hand. Keep them where those are not: print them, or put them into a password manager.
          </p>
          <div class="snip max-w-md">
            <pre>{props.codes.join('\n')}</pre>
            <CopyButton label="Copy the codes" />
          </div>
          <div class="text-sm">
            <a class="a" href={props.next}>
              I have stored them, go on
            </a>
          </div>
        </div>
      </section>
    </YourSettingsPage>
  )
}

function list(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names)
}
