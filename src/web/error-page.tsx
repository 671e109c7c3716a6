/* The plain error page, and "Not found", which is the same page for what is missing and for what one may not see. */
import { LinkButton } from './button.tsx'
import { Icon } from './icon.tsx'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'

type ErrorPageProps = {
  context: PageContext
  /** What happened, as a heading: "You have sent too many requests". */
  title: string
  /** Why. */
  message: string
  /** What to do now. */
  next?: string | null
  requestId?: string | null
}

export function ErrorPage(props: ErrorPageProps) {
  return (
    <Page context={props.context} title={props.title} frame={{ kind: 'narrow' }}>
      <div class="flex gap-4 items-start">
        <span class="text-muted mt-0.5 max-sm:hidden">
          <Icon name="octagon-alert" large={true} />
        </span>
        <div class="grid gap-1">
          <h1 class="text-2xl">{props.title}</h1>
          <p class="lede text-lg!">{props.message}</p>
          {props.next && <p>{props.next}</p>}
        </div>
      </div>
      <div class="flex flex-wrap gap-2">
        <LinkButton href="/">Go to the first page</LinkButton>
        {!props.context.viewer && <LinkButton href="/login">Sign in</LinkButton>}
      </div>
      {props.requestId && <RequestId id={props.requestId} />}
    </Page>
  )
}

export function NotFoundPage(props: { context: PageContext; requestId?: string | null }) {
  return (
    <ErrorPage
      context={props.context}
      title="Not found"
      message="There is nothing at this address, or you may not see it."
      next={props.context.viewer ? null : 'If it is private, sign in with an account that may see it.'}
      requestId={props.requestId}
    />
  )
}

/** A fault of the server: the request id and nothing else, since the rest is for the log. */
export function FaultPage(props: { context: PageContext; requestId: string }) {
  return (
    <Page context={props.context} title="Something went wrong here" frame={{ kind: 'narrow' }}>
      <h1 class="text-2xl">Something went wrong here, not with you</h1>
      <RequestId id={props.requestId} />
    </Page>
  )
}

function RequestId(props: { id: string }) {
  return (
    <p class="text-sm text-muted">
      Request <code class="select-all">{props.id}</code>
    </p>
  )
}
