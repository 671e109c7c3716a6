/* A dialog that has an address: the server draws it open over an inert page, and Cancel and x are links back. */
import type { Child } from 'hono/jsx'
import { LinkButton } from './button.tsx'
import { Icon } from './icon.tsx'

type DialogProps = {
  title: string
  /** Where Cancel and x lead: this page without the dialog. */
  closeHref: string
  /** Where its form posts to. */
  action: string
  /** The pressing button. */
  submit: Child
  children: Child
}

export function Dialog(props: DialogProps) {
  return (
    <dialog class="sheet" open={true} aria-modal="true" aria-labelledby="dialog-h">
      <form class="sheet-box" method="post" action={props.action}>
        <div class="sheet-head">
          <h2 id="dialog-h">{props.title}</h2>
          <a class="icon-btn" href={props.closeHref} aria-label="Close" data-dialog-close="">
            <Icon name="x" />
          </a>
        </div>
        <div class="sheet-body">{props.children}</div>
        <div class="sheet-foot">
          <LinkButton href={props.closeHref} closes={true}>
            Cancel
          </LinkButton>
          {props.submit}
        </div>
      </form>
    </dialog>
  )
}
