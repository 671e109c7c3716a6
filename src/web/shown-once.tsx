/* A secret in the only answer that ever carries it. It stands in the text and in no attribute, title or address. */
import type { Child } from 'hono/jsx'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icon.tsx'

type ShownOnceProps = {
  name: string
  /** What it is, where it is no token: "secret". */
  what?: string
  value: string
  /** Where "I have stored it, close" leads. */
  closeHref: string
  hint?: Child
  /** What to do when it is lost. */
  lost?: string
}

export function ShownOnce(props: ShownOnceProps) {
  return (
    <section class="notice notice-once" role="status" aria-labelledby="once-h">
      <Icon name="key-round" />
      <div class="col-span-2 grid gap-2">
        <h2 id="once-h">
          Copy your {props.what ?? 'token'} “{props.name}” now
        </h2>
        <p>
          This is the only time it is shown.{' '}
          {props.lost ?? 'Holdfast keeps no copy; if you lose it, refresh the token to get a new value.'}
        </p>
        <div class="secret">
          <code>{props.value}</code>
          <CopyButton />
        </div>
        <div class="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
          {props.hint}
          <a class="a ml-auto" href={props.closeHref}>
            I have stored it, close
          </a>
        </div>
      </div>
    </section>
  )
}
