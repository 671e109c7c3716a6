/* The search over a list of the administration: a plain form that asks for the same page again. */
import { Button } from '../../web/button.tsx'
import { Icon } from '../../web/icon.tsx'

export function SearchForm(props: { action: string; value: string; label: string; placeholder: string }) {
  return (
    <form class="flex gap-2 max-w-2xl" method="get" action={props.action} aria-label={props.label}>
      <label class="input input-sm flex-1">
        <Icon name="search" />
        <span class="sr-only">{props.label}</span>
        <input type="search" name="search" value={props.value} placeholder={props.placeholder} maxlength={200} />
      </label>
      <Button>Search</Button>
    </form>
  )
}
