/* Copies its `value`, or without one the code it stands beside. Hidden where scripts are off. */
import { Icon } from './icon.tsx'
import { noteIcon } from './render.ts'

type CopyButtonProps = {
  value?: string
  /** Names the object: "Copy acme/harbor-7b". Without it the button shows the word Copy. */
  label?: string
  small?: boolean
}

export function CopyButton(props: CopyButtonProps) {
  // The script changes the icon to say how it went.
  noteIcon('check')
  noteIcon('x')
  if (props.label === undefined) {
    return (
      <button class="btn btn-sm btn-primary" type="button" data-copy={props.value ?? ''}>
        <Icon name="copy" />
        <span data-copy-label="">Copy</span>
      </button>
    )
  }
  return (
    <button
      class={props.small ? 'icon-btn min-w-6 min-h-6' : 'icon-btn'}
      type="button"
      aria-label={props.label}
      data-copy={props.value ?? ''}
    >
      <Icon name="copy" />
    </button>
  )
}
