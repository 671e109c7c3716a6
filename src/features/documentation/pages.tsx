/* Documentation as the hub serves it: the list of guides, a guide, and the API reference in groups. */
import type { Child } from 'hono/jsx'
import { Badge } from '../../web/badge.tsx'
import { Page } from '../../web/layout.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { RawHtml } from '../../web/raw-html.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { countWords } from '../../web/size.ts'
import { type Guide, guideGroups } from './guides.ts'
import type { Operation, OperationGroup } from './reference.ts'
import type { SchemaRow } from './schema-rows.ts'

/** At /docs. */
export function DocumentationPage(props: { context: PageContext; groups: readonly OperationGroup[] }) {
  const count = props.groups.reduce((sum, { operations }) => sum + operations.length, 0)
  return (
    <Page context={props.context} title="Documentation">
      <PageHead title="Documentation" lede="Of this version of Holdfast, served by the hub itself." />
      <div class="grid gap-4 md:grid-cols-2 items-start">
        {guideGroups.map(({ title, guides }) => (
          <LinkPanel
            title={title}
            links={guides.map(({ name, title: label, about }) => ({ href: `/docs/${name}`, label, about }))}
          />
        ))}
        <LinkPanel
          title="API"
          links={[
            {
              href: '/docs/api',
              label: 'API reference',
              about: `${countWords(count)} operations: what each needs, takes and answers`,
            },
            {
              href: '/.well-known/openapi.json',
              label: 'OpenAPI description',
              about: 'The same for machines, with the address of this hub',
            },
          ]}
        />
      </div>
    </Page>
  )
}

type PanelLink = { href: string; label: string; about: string }

function LinkPanel(props: { title: string; links: readonly PanelLink[] }) {
  return (
    <section class="panel" aria-label={props.title}>
      <div class="panel-head">
        <h2>{props.title}</h2>
      </div>
      <ul class="divide-y divide-line">
        {props.links.map(({ href, label, about }) => (
          <li class="px-4 py-2.5">
            <a class="a font-medium" href={href}>
              {label}
            </a>
            <span class="block text-xs text-muted">{about}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Trail(props: { children: Child }) {
  return (
    <nav class="crumbs" aria-label="Where this is">
      <a class="quiet" href="/docs">
        Documentation
      </a>
      <span class="sep" aria-hidden="true">
        /
      </span>
      {props.children}
    </nav>
  )
}

/** At /docs/{name}. */
export function GuidePage(props: { context: PageContext; guide: Guide }) {
  const { title, sections, html } = props.guide
  return (
    <Page
      context={props.context}
      title={title}
      place={<Trail>{<span aria-current="page">{title}</span>}</Trail>}
      frame={{ kind: 'aside', label: 'On this page', aside: <Sections sections={sections} /> }}
    >
      <article class="panel px-5 py-6 md:px-8">
        <div class="card-text guide">
          <h1 class="text-2xl">{title}</h1>
          <RawHtml html={html} />
        </div>
      </article>
    </Page>
  )
}

function Sections({ sections }: { sections: Guide['sections'] }) {
  return (
    <nav class="aside-block" aria-label="On this page">
      <h2>On this page</h2>
      {sections.length === 0 ? (
        <p class="text-sm text-muted">One piece, from top to bottom.</p>
      ) : (
        <ul class="grid gap-1 text-sm">
          {sections.map(({ id, title }) => (
            <li>
              <a class="quiet" href={`#${id}`}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      )}
    </nav>
  )
}

/** At /docs/api. */
export function ReferencePage(props: { context: PageContext; groups: readonly OperationGroup[]; url: string }) {
  return (
    <Page
      context={props.context}
      title="API reference"
      place={<Trail>{<span aria-current="page">API reference</span>}</Trail>}
    >
      <PageHead
        title="API reference"
        lede="Every address that this hub serves to programs. Clients of Hugging Face know most of them: set HF_ENDPOINT to this hub."
      />
      <section class="panel" aria-label="Groups">
        <Rows
          caption="Groups of operations"
          columns={[{ label: 'Group' }, { label: 'Operations', class: 'text-end' }]}
          phone="cards"
        >
          {props.groups.map(({ name, title, about, operations }) => (
            <Row>
              <RowHead description={about}>
                <a class="font-medium" href={`/docs/api/${name}`}>
                  {title}
                </a>
              </RowHead>
              <Cell label="Operations" class="text-end tabular-nums">
                {operations.length}
              </Cell>
            </Row>
          ))}
        </Rows>
      </section>
      <section class="panel px-4 py-4 grid gap-2 text-sm max-w-3xl" aria-labelledby="conventions">
        <h2 id="conventions">How to call it</h2>
        <p>
          Send an access token as <code>Authorization: Bearer hf_…</code> to <code>{props.url}</code>. An answer that
          lists continues at the address in its <code>Link</code> header. Errors are JSON with <code>error</code>, and a
          refusal says why in <code>X-Hub-Denied</code> (
          <a class="a" href="/docs/reasons">
            reason codes
          </a>
          ,{' '}
          <a class="a" href="/docs/errors">
            errors
          </a>
          ,{' '}
          <a class="a" href="/docs/rate-limits">
            rate limits
          </a>
          ). In addresses, <code>{'{kinds}'}</code> is models, datasets or spaces, and <code>{'{prefix}'}</code> is
          nothing, datasets/ or spaces/. What each operation needs is a row of the{' '}
          <a class="a" href="/docs/permissions">
            table of permissions
          </a>
          .
        </p>
      </section>
    </Page>
  )
}

/** At /docs/api/{group}. */
export function OperationsPage(props: { context: PageContext; group: OperationGroup }) {
  const { title, about, operations } = props.group
  return (
    <Page
      context={props.context}
      title={`API: ${title}`}
      place={
        <Trail>
          <a class="quiet" href="/docs/api">
            API reference
          </a>
          <span class="sep" aria-hidden="true">
            /
          </span>
          <span aria-current="page">{title}</span>
        </Trail>
      }
    >
      <PageHead title={title} lede={`${about}.`} />
      <section class="panel divide-y divide-line" aria-label="Operations">
        {operations.map((operation) => (
          <OperationDetails operation={operation} />
        ))}
      </section>
    </Page>
  )
}

function OperationDetails({ operation }: { operation: Operation }) {
  const { id, method, path, summary, action, sessionOnly, query, body, answers } = operation
  return (
    <details id={id} class="px-4 py-2.5 scroll-mt-4">
      <summary>
        <span class="inline-flex flex-wrap items-baseline gap-x-2.5 gap-y-0.5 align-baseline max-w-[calc(100%-1.5rem)]">
          <Badge look="store">{method}</Badge>
          <code class="font-medium wrap-anywhere">{path}</code>
          <span class="text-sm text-muted basis-full">
            <Words text={summary} />
          </span>
        </span>
      </summary>
      <div class="grid gap-4 pt-3 pb-2 text-sm">
        <p>
          {action === null ? 'What it needs depends on the request.' : <>Needs {<code>{action}</code>}.</>}
          {sessionOnly && ' Only in a session of the browser: no token can do it.'}
        </p>
        <Fields title="Query" rows={query} of={id} />
        <Fields title="Body" rows={body} of={id} />
        <div>
          <h2 class="text-sm font-semibold mb-1">Answers</h2>
          <dl class="facts">
            {answers.map(({ status, text }) => (
              <>
                <dt class="tabular-nums">{status}</dt>
                <dd>{text}</dd>
              </>
            ))}
          </dl>
        </div>
      </div>
    </details>
  )
}

/** A sentence with names of fields between backticks. */
function Words({ text }: { text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>
}

function Fields(props: { title: string; rows: readonly SchemaRow[]; of: string }) {
  if (props.rows.length === 0) return null
  return (
    <div>
      <h2 class="text-sm font-semibold mb-1">{props.title}</h2>
      <dl class="facts">
        {props.rows.map(({ name, type, isRequired, about }) => (
          <>
            <dt>
              <code class="text-base-content wrap-anywhere">{name}</code>
            </dt>
            <dd>
              {type}
              {isRequired && ', required'}
              {about !== null && <span class="block text-muted">{about}</span>}
            </dd>
          </>
        ))}
      </dl>
    </div>
  )
}
