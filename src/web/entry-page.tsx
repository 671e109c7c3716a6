/* A page before one is signed in, or on the way there: the mark, a heading and one card. */
import type { Child } from 'hono/jsx'
import { Page } from './layout.tsx'
import { Mark } from './mark.tsx'
import type { PageContext } from './page-context.ts'

export function EntryPage(props: { context: PageContext; title: string; lede?: Child; children: Child }) {
  return (
    <Page context={props.context} title={props.title} frame={{ kind: 'card' }}>
      <div class="grid justify-items-center gap-3 text-center">
        <a href="/" aria-label="Holdfast, first page">
          <Mark size={48} />
        </a>
        <div>
          <h1>{props.title}</h1>
          <p class="text-muted">{props.lede ?? props.context.instanceName}</p>
        </div>
      </div>
      {props.children}
    </Page>
  )
}
