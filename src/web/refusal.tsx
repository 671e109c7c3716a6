/* The page behind a refusal: what one has and what it needs, the checks in their order, what would help, and the line
   for scripts and support. Only for what the viewer may know of; everything else is "Not found". */
import type { Child } from 'hono/jsx'
import { LinkButton } from './button.tsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'
import { Snippet } from './snippet.tsx'
import { exactTime } from './time-words.ts'

export type CheckState = 'passed' | 'refused' | 'not reached'

export type CheckRow = {
  name: string
  detail: string
  state: CheckState
  /** On the refused row: "has read, needs write". */
  has?: string
  needs?: string
}

export type HelpfulWay = {
  title: string
  text: string
  href: string
  button: string
  icon?: IconName
  /** This page stays, and with it the way back to what was typed. */
  newTab?: boolean
}

type RefusalPageProps = {
  context: PageContext
  /** "You cannot push to acme/m1". */
  title: string
  /** "Your role in acme is read. Pushing needs write. Nothing was changed." */
  sentence: Child
  checks: readonly CheckRow[]
  /** Up to three, most likely first. */
  ways: readonly HelpfulWay[]
  /** The page that shows every check, filled in for this. */
  whyHref?: string | null
  support: { status: number; denied: string | null; requestId: string; at: number }
}

export function RefusalPage(props: RefusalPageProps) {
  return (
    <Page context={props.context} title={props.title} frame={{ kind: 'narrow' }}>
      <div class="flex gap-4 items-start">
        <span class="text-error mt-0.5 max-sm:hidden">
          <Icon name="octagon-x" large={true} />
        </span>
        <div class="grid gap-1">
          <h1 class="text-2xl">{props.title}</h1>
          <p class="lede text-lg!">{props.sentence}</p>
        </div>
      </div>
      {props.checks.length > 0 && (
        <section class="panel" aria-labelledby="why">
          <div class="panel-head">
            <h2 id="why">Why</h2>
            {props.whyHref ? (
              <a class="text-sm" href={props.whyHref}>
                Every check, and what would satisfy it
              </a>
            ) : (
              <span class="text-sm text-muted">checks in the order they were made</span>
            )}
          </div>
          <CheckChain checks={props.checks} />
        </section>
      )}
      {props.ways.length > 0 && <Ways ways={props.ways} />}
      <details class="text-sm">
        <summary class="font-medium">For scripts and support</summary>
        <div class="grid gap-2 pt-3">
          <Snippet code={supportLines(props.support)} label="details for support" />
        </div>
      </details>
    </Page>
  )
}

const states: Readonly<Record<CheckState, { class: string; icon: IconName; word: string }>> = {
  passed: { class: 'ok', icon: 'circle-check', word: 'text-muted text-xs/5' },
  refused: { class: 'no', icon: 'circle-x', word: 'text-error text-xs/5 font-semibold' },
  'not reached': { class: 'skip-row', icon: 'circle-minus', word: 'text-xs/5' },
}

/** The rows of a decision; also for testing a token and for previewing access. */
export function CheckChain(props: { checks: readonly CheckRow[] }) {
  return (
    <ul class="chain">
      {props.checks.map((check) => (
        <li class={states[check.state].class}>
          <Icon name={states[check.state].icon} />
          <span>
            <b class="font-semibold">{check.name}</b>{' '}
            {check.has !== undefined && check.needs !== undefined && (
              <>
                has <b>{check.has}</b>, needs <b>{check.needs}</b>{' '}
              </>
            )}
            <span class={check.state === 'refused' ? 'block text-muted' : 'text-muted'}>{check.detail}</span>
          </span>
          <span class={states[check.state].word}>{check.state}</span>
        </li>
      ))}
    </ul>
  )
}

function Ways(props: { ways: readonly HelpfulWay[] }) {
  return (
    <section class="panel" aria-labelledby="help">
      <div class="panel-head">
        <h2 id="help">What would help</h2>
      </div>
      <ul class="[&>li]:px-4 [&>li]:py-3 [&>li+li]:border-t [&>li]:border-line">
        {props.ways.slice(0, 3).map((way, index) => (
          <li class="flex flex-wrap items-center gap-x-4 gap-y-2">
            <div class="flex-1 min-w-60">
              <b class="font-semibold">{way.title}</b>
              <p class="text-sm text-muted">{way.text}</p>
            </div>
            <LinkButton look={index === 0 ? 'primary' : 'line'} href={way.href} icon={way.icon} newTab={way.newTab}>
              {way.button}
            </LinkButton>
          </li>
        ))}
      </ul>
    </section>
  )
}

function supportLines(support: RefusalPageProps['support']): string {
  const denied = support.denied ? `  X-Hub-Denied: ${support.denied}` : ''
  return `${support.status}${denied}\nrequest ${support.requestId}  ${exactTime(support.at)}`
}
