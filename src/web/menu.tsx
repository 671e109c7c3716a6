/* Menus are native popovers: Esc and a press outside close them, and the top layer keeps them unclipped in tables. */
import type { Child } from 'hono/jsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'

type MenuProps = {
  /** Unique on the page. */
  id: string
  /** What the button shows. */
  button: Child
  buttonClass?: string
  /** The button's name where it shows no words, or words that do not name the object. */
  label?: string
  /** Opens towards the end of the line instead of its start. */
  start?: boolean
  children: Child
}

export function Menu(props: MenuProps) {
  return (
    <>
      <button
        class={props.buttonClass ?? 'btn btn-sm btn-line'}
        type="button"
        popovertarget={props.id}
        aria-label={props.label}
      >
        {props.button}
      </button>
      <div class={props.start ? 'pop pop-start' : 'pop'} id={props.id} popover="auto">
        {props.children}
      </div>
    </>
  )
}

type MenuLinkProps = {
  href: string
  icon?: IconName
  danger?: boolean
  current?: boolean
  /** The address opens a dialog over this page. */
  dialog?: boolean
  children: Child
}

export function MenuLink(props: MenuLinkProps) {
  return (
    <a
      class={props.danger ? 'danger' : undefined}
      href={props.href}
      aria-current={props.current ? 'true' : undefined}
      data-dialog={props.dialog ? '' : undefined}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </a>
  )
}
