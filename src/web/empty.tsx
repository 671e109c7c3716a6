/* An empty state: what would be here, why one would want it, and the one button. */
import type { Child } from 'hono/jsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'

export function Empty(props: { icon: IconName; title: string; action?: Child; children: Child }) {
  return (
    <div class="empty">
      <Icon name={props.icon} />
      <h2 class="text-base">{props.title}</h2>
      <p>{props.children}</p>
      {props.action && <div class="mt-1">{props.action}</div>}
    </div>
  )
}
