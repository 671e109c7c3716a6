/* Proving who one is: the second step of signing in, and confirming it again in a session that is older. */
import { Button, LinkButton } from '../../web/button.tsx'
import { EntryPage } from '../../web/entry-page.tsx'
import { TextField, WhosePassword } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PasskeyForm, PasskeyNeedsScript } from '../../web/passkey-form.tsx'

type Step = { name: string; hasApp: boolean; hasPasskeys: boolean; recoveryCodesLeft: number }

/** Posts `code`, `recovery` or `response`, with `next`, to /login/second-factor. `step` null: nothing waits any more. */
export function SecondStepPage(props: {
  context: PageContext
  form: FormState
  next: string | null
  step: Step | null
}) {
  const { form, next, step } = props
  if (step === null) {
    return (
      <EntryPage context={props.context} title="Begin again">
        <div class="panel p-5 grid gap-4">
          <p>This sign-in took too long, or had too many wrong codes. Nobody was signed in.</p>
          <LinkButton look="primary" large={true} href={loginPath(next)}>
            Sign in
          </LinkButton>
        </div>
      </EntryPage>
    )
  }
  return (
    <EntryPage context={props.context} title="Second factor" lede={`Signing in as ${step.name}`}>
      <div class="panel p-5 grid gap-4">
        <FormProblem form={form} />
        <Factors
          action="/login/second-factor"
          options="/login/second-factor/options"
          form={form}
          next={next}
          app={step.hasApp}
          passkey={step.hasPasskeys}
          recovery={step.recoveryCodesLeft}
          submit="Sign in"
        />
      </div>
      <p class="text-center text-sm text-muted">
        None of these at hand? An administrator of this hub can take your second factors away.
        <br />
        <a class="a" href={loginPath(next)}>
          Sign in as somebody else
        </a>
      </p>
    </EntryPage>
  )
}

/** Posts `password`, `code`, `recovery` or `response`, with `next`, to /login/confirm. */
export function ConfirmPage(props: {
  context: PageContext
  form: FormState
  next: string
  ways: { name: string; password: boolean; app: boolean; passkey: boolean; company: string | null }
}) {
  const { form, ways } = props
  return (
    <EntryPage context={props.context} title="Confirm that it is you" lede={`Signed in as ${ways.name}`}>
      <div class="panel p-5 grid gap-4">
        <p class="text-sm text-muted">What you are about to do asks for a sign-in of the last hour.</p>
        <FormProblem form={form} />
        {ways.password ? (
          <form class="grid gap-4" method="post" action="/login/confirm">
            <input type="hidden" name="next" value={props.next} />
            <WhosePassword name={ways.name} />
            <TextField
              form={form}
              name="password"
              label="Password"
              type="password"
              autocomplete="current-password"
              required={true}
              large={true}
              autofocus={true}
            />
            <Button look="primary" large={true}>
              Confirm
            </Button>
          </form>
        ) : (
          (ways.app || ways.passkey) && (
            <Factors
              action="/login/confirm"
              options="/login/confirm/options"
              form={form}
              next={props.next}
              app={ways.app}
              passkey={ways.passkey}
              recovery={null}
              submit="Confirm"
            />
          )
        )}
        {ways.company !== null && (
          <LinkButton
            look={ways.password ? 'line' : 'primary'}
            large={true}
            href={`/login/company/confirm?next=${encodeURIComponent(props.next)}`}
          >
            Confirm with {ways.company}
          </LinkButton>
        )}
      </div>
      <p class="text-center text-sm text-muted">
        <a class="a" href={props.next}>
          Go back without it
        </a>
      </p>
    </EntryPage>
  )
}

/** One form for each way. `recovery`: how many codes are left; null where that is not said. */
function Factors(props: {
  action: string
  options: string
  form: FormState
  next: string | null
  app: boolean
  passkey: boolean
  recovery: number | null
  submit: string
}) {
  const { action, form } = props
  const next = props.next !== null && <input type="hidden" name="next" value={props.next} />
  return (
    <>
      {props.passkey && (
        <>
          <PasskeyForm
            action={action}
            options={props.options}
            look={props.app ? 'line' : 'primary'}
            hidden={{ next: props.next }}
          >
            Use a passkey
          </PasskeyForm>
          <PasskeyNeedsScript />
        </>
      )}
      {props.app && (
        <form class="grid gap-4" method="post" action={action}>
          {next}
          <CodeField form={form} />
          <Button look="primary" large={true}>
            {props.submit}
          </Button>
        </form>
      )}
      {props.recovery !== 0 && (
        <details class="text-sm" open={form.errors.recovery !== undefined || (!props.app && !props.passkey)}>
          <summary class="font-medium">Use a recovery code</summary>
          <form class="grid gap-4 pt-3" method="post" action={action}>
            {next}
            <TextField
              form={form}
              name="recovery"
              label="Recovery code"
              required={true}
              maxlength={40}
              verbatim={true}
              large={true}
              help={`Each works once.${props.recovery === null ? '' : ` You have ${props.recovery} left.`}`}
            />
            <Button large={true}>{`${props.submit} with a recovery code`}</Button>
          </form>
        </details>
      )}
    </>
  )
}

/** Six digits of an authenticator app; phones offer them above the keyboard. */
export function CodeField(props: { form: FormState; label?: string }) {
  return (
    <TextField
      form={props.form}
      name="code"
      label={props.label ?? 'Code of your authenticator app'}
      autocomplete="one-time-code"
      digits={true}
      required={true}
      maxlength={10}
      verbatim={true}
      large={true}
      autofocus={true}
    />
  )
}

function loginPath(next: string | null): string {
  return next === null ? '/login' : `/login?next=${encodeURIComponent(next)}`
}
