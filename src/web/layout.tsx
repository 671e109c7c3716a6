/* The frame of every page: head, skip link, header with its place bar, main in one of five shapes, footer. Nothing in
   it is inline style or script, so the Content-Security-Policy needs no exception. */
import type { Child } from 'hono/jsx'
import { organizationSettingsPath } from './address.ts'
import { type AssetName, assetUrl } from './assets.ts'
import { Footer } from './footer.tsx'
import { HeaderRow, type Section } from './header.tsx'
import { Icon, IconSheet } from './icon.tsx'
import { Notice } from './notice.tsx'
import type { PageContext, PageEmergency } from './page-context.ts'
import { minuteTime } from './time-words.ts'

type PageProps = {
  context: PageContext
  /** The title of the tab, without the product's name. */
  title: string
  section?: Section
  /** What the search field already holds. */
  query?: string
  /** Breadcrumbs and tabs: `<Place>` or `<RepoPlace>`. */
  place?: Child
  frame?: Frame
  /** A sheet that the server opened: everything else is inert while it stands. */
  dialog?: Child
  /** What this page needs beside the script of all pages. */
  scripts?: readonly AssetName[]
  children: Child
}

/** full; content + aside; side list + column; a narrow column; a card in the middle without a header. */
export type Frame =
  | { kind: 'full' }
  | { kind: 'aside'; aside: Child; label: string }
  | { kind: 'settings'; side: Child }
  | { kind: 'narrow' }
  | { kind: 'card' }

export function Page(props: PageProps) {
  const { context } = props
  const page = (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Announcements context={context} />
      {props.frame?.kind !== 'card' && (
        <header class="top">
          <HeaderRow context={context} section={props.section} query={props.query} />
          {props.place && <div class="wrap">{props.place}</div>}
        </header>
      )}
      {props.frame?.kind !== 'card' && <Emergencies emergencies={context.viewer?.emergencies ?? []} />}
      <Main {...props} />
      <Footer context={context} />
      <div id="live" class="sr-only" role="status" aria-live="polite" />
    </>
  )
  return (
    <html lang="en" data-theme={context.theme ? `holdfast-${context.theme}` : undefined}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${props.title} · Holdfast`}</title>
        <link rel="icon" href={assetUrl('logo.svg')} type="image/svg+xml" />
        <link rel="preload" href={assetUrl('inter.woff2')} as="font" type="font/woff2" crossorigin="anonymous" />
        <link rel="stylesheet" href={assetUrl('styles.css')} />
        <script type="module" src={assetUrl('app.js')} />
        {props.scripts?.map((name) => (
          <script type="module" src={assetUrl(name)} />
        ))}
      </head>
      <body>
        {props.dialog ? (
          <div class="contents" inert={true}>
            {page}
          </div>
        ) : (
          page
        )}
        {props.dialog}
        <IconSheet />
      </body>
    </html>
  )
}

/** A plain form closes one; the cookie keeps it closed. */
function Announcements({ context }: { context: PageContext }) {
  const { announcements = [], path } = context
  if (announcements.length === 0) return null
  return (
    <section class="wrap py-2 grid gap-2" aria-label="Announcements">
      {announcements.map(({ id, text, kind }) => (
        <Notice
          kind={kind}
          standing={true}
          action={
            <form method="post" action="/settings/announcements/dismiss">
              <input type="hidden" name="id" value={id} />
              <input type="hidden" name="back" value={path} />
              <button type="submit" class="icon-btn" aria-label={`Close the announcement “${text.slice(0, 40)}”`}>
                <Icon name="x" />
              </button>
            </form>
          }
        >
          {text}
        </Notice>
      ))}
    </section>
  )
}

/** Loud on purpose: whoever is of the organization sees who administers it, and why, on every page until it is over. */
function Emergencies({ emergencies }: { emergencies: readonly PageEmergency[] }) {
  if (emergencies.length === 0) return null
  return (
    <section class="wrap pt-4 grid gap-2" aria-label="Emergency administration">
      {emergencies.map(({ organization, who, until, reason }) => (
        <Notice
          kind="warning"
          standing={true}
          action={
            <a class="a" href={organizationSettingsPath(organization, 'emergency')}>
              Details
            </a>
          }
        >
          <strong>{who}</strong> administers <strong>{organization}</strong> in an emergency, until {minuteTime(until)}:{' '}
          {reason}
        </Notice>
      ))}
    </section>
  )
}

function Main(props: PageProps) {
  const flash = props.context.flash && <Notice kind={props.context.flash.kind}>{props.context.flash.text}</Notice>
  const frame = props.frame ?? { kind: 'full' }
  switch (frame.kind) {
    case 'full':
      return (
        <main id="main" class="wrap py-5 grid grid-cols-[minmax(0,1fr)] content-start gap-4">
          {flash}
          {props.children}
        </main>
      )
    case 'aside':
      return (
        <main id="main" class="wrap split split-aside content-start">
          <div class="grid grid-cols-[minmax(0,1fr)] gap-4 content-start min-w-0">
            {flash}
            {props.children}
          </div>
          <aside aria-label={frame.label} class="min-w-0">
            {frame.aside}
          </aside>
        </main>
      )
    case 'settings':
      return (
        <main id="main" class="wrap split split-settings content-start">
          {frame.side}
          <div class="grid grid-cols-[minmax(0,1fr)] gap-4 content-start min-w-0">
            {flash}
            {props.children}
          </div>
        </main>
      )
    case 'narrow':
      return (
        <main id="main" class="wrap max-w-3xl! py-8 grid grid-cols-[minmax(0,1fr)] content-start gap-5">
          {flash}
          {props.children}
        </main>
      )
    case 'card':
      return (
        <main id="main" class="flex-1 grid place-items-center px-4 py-10">
          <div class="w-full max-w-88 grid gap-5">
            {flash}
            {props.children}
          </div>
        </main>
      )
  }
}
