/* Buttons are verbs with their object. One `primary` per view; `danger` opens a question, `error` is the last press. */
import type { Child } from 'hono/jsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'

export type ButtonLook = 'primary' | 'line' | 'danger' | 'error'

type ButtonProps = {
  look?: ButtonLook
  icon?: IconName
  /** 40 px, for sign-in. */
  large?: boolean
  class?: string
  children: Child
}

type ActionProps = ButtonProps & {
  name?: string
  value?: string
  /** The form it belongs to when it stands outside. */
  form?: string
  /** Its name where the words do not name the object: "Remove jonas". */
  label?: string
  disabled?: boolean
  /** Sends the form there instead. */
  action?: string
}

/** Sends its form. */
export function Button(props: ActionProps) {
  return (
    <button
      class={buttonClass(props)}
      type="submit"
      name={props.name}
      value={props.value}
      form={props.form}
      formaction={props.action}
      aria-label={props.label}
      disabled={props.disabled}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </button>
  )
}

/** Goes somewhere; with `dialog` the address opens a sheet over this page. */
export function LinkButton(
  props: ButtonProps & { href: string; label?: string; dialog?: boolean; closes?: boolean; newTab?: boolean },
) {
  return (
    <a
      class={buttonClass(props)}
      href={props.href}
      aria-label={props.label}
      data-dialog={props.dialog ? '' : undefined}
      data-dialog-close={props.closes ? '' : undefined}
      target={props.newTab ? '_blank' : undefined}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </a>
  )
}

// Written out whole: Tailwind takes into the stylesheet only the class names that it can read in the source.
const looks: Readonly<Record<ButtonLook, string>> = {
  primary: 'btn btn-primary',
  line: 'btn btn-line',
  danger: 'btn btn-danger',
  error: 'btn btn-error',
}

function buttonClass(props: ButtonProps): string {
  const base = `${looks[props.look ?? 'line']}${props.large ? '' : ' btn-sm'}`
  return props.class ? `${base} ${props.class}` : base
}
