/* A notice: coloured edge and icon, ordinary ink. Errors interrupt a screen reader, results are told politely. */
import type { Child } from 'hono/jsx'
import type { FormState } from './form-state.ts'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import type { FlashKind } from './page-context.ts'

type NoticeProps = {
  kind: FlashKind
  children: Child
  /** A link or button at the end of the line. */
  action?: Child
  small?: boolean
  /** Part of the page from the start rather than the answer to what was just done. */
  standing?: boolean
}

const looks: Readonly<Record<FlashKind, { class: string; icon: IconName; role: string }>> = {
  info: { class: 'notice', icon: 'info', role: 'note' },
  success: { class: 'notice notice-success', icon: 'circle-check', role: 'status' },
  warning: { class: 'notice notice-warning', icon: 'triangle-alert', role: 'note' },
  error: { class: 'notice notice-error', icon: 'octagon-alert', role: 'alert' },
}

export function Notice(props: NoticeProps) {
  const look = looks[props.kind]
  return (
    <div class={props.small ? `${look.class} text-sm` : look.class} role={props.standing ? 'note' : look.role}>
      <Icon name={look.icon} />
      <div>{props.children}</div>
      {props.action}
    </div>
  )
}

/** What is wrong with a form as a whole; nothing where nothing is. */
export function FormProblem({ form }: { form: FormState }) {
  return form.problem ? (
    <Notice kind="error" small={true}>
      {form.problem}
    </Notice>
  ) : null
}
