/* The top of a settings page: its h1, what the place is for, and the one main button. */
import type { Child } from 'hono/jsx'

export function PageHead(props: { title: string; lede?: Child; action?: Child }) {
  return (
    <div class="flex flex-wrap items-start gap-3">
      <div class="flex-1 min-w-64">
        <h1>{props.title}</h1>
        {props.lede && <p class="lede">{props.lede}</p>}
      </div>
      {props.action}
    </div>
  )
}

/** A titled block of a settings page. */
export function SettingsSection(props: { id: string; title: string; help?: Child; children: Child }) {
  return (
    <section class="panel" aria-labelledby={props.id}>
      <div class="panel-head">
        <h2 id={props.id}>{props.title}</h2>
        {props.help && <span class="text-sm text-muted">{props.help}</span>}
      </div>
      {props.children}
    </section>
  )
}
