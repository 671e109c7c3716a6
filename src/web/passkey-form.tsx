/* A form that a passkey fills in: its button asks the browser, and what the passkey answers is sent as `response`. Hidden where scripts are
   off, since only a script can ask. */
import type { Child } from 'hono/jsx'
import { Button, type ButtonLook } from './button.tsx'

type PasskeyFormProps = {
  /** Takes `response`, the answer as JSON, and what else the form holds. */
  action: string
  /** Where the script gets what to ask the browser. */
  options: string
  /** `create` makes a new passkey, `get` asks one that there is. */
  does?: 'create' | 'get'
  look?: ButtonLook
  large?: boolean
  class?: string
  hidden?: Readonly<Record<string, string | null>>
  /** Fields above the button. */
  fields?: Child
  /** The words on the button. */
  children: Child
}

export function PasskeyForm(props: PasskeyFormProps) {
  return (
    <form
      class={props.class ?? 'grid gap-2'}
      method="post"
      action={props.action}
      data-passkey={props.does ?? 'get'}
      data-options={props.options}
    >
      {Object.entries(props.hidden ?? {}).map(
        ([name, value]) => value !== null && <input type="hidden" name={name} value={value} />,
      )}
      <input type="hidden" name="response" value="" />
      {props.fields}
      <Button look={props.look ?? 'line'} large={props.large ?? true} icon="fingerprint-pattern">
        {props.children}
      </Button>
      <p class="text-sm text-error" role="alert" data-passkey-note="" />
    </form>
  )
}

/** Said to who cannot use the form above. */
export function PasskeyNeedsScript() {
  return (
    <noscript>
      <p class="text-sm text-muted">Passkeys need JavaScript, which is off in this browser.</p>
    </noscript>
  )
}
