/* The audit log of an organization: what one looks for, how far it is sealed, and its entries. */
import { Button, LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { type Choice, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { counted, countWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { EntryTable } from './entry-table.tsx'
import type { LogEntry } from './present.ts'
import type { SealState } from './seal-state.ts'

export type AuditLogProps = {
  context: PageContext
  organization: string
  form: FormState
  /** The actions that this log has. */
  actions: readonly string[]
  entries: readonly LogEntry[]
  seals: SealState
  isFiltered: boolean
  /** Where the same entries are to be had as a file. */
  exportHref: string
  olderHref: string | null
  firstHref: string | null
}

/** The form is sent by GET to this same address: `event`, `actor`, `from`, `to`. */
export function AuditLogPage(props: AuditLogProps) {
  const { organization } = props
  const here = organizationSettingsPath(organization, 'audit-log')
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Audit log of ${organization}`}
      place="audit-log"
    >
      <PageHead
        title="Audit log"
        lede={`Who did what in ${organization}, with which credential, from where. Entries are sealed: what is changed afterwards is found out.`}
        action={
          <LinkButton href={props.exportHref} icon="download">
            Export{props.isFiltered ? ' these' : ''}
          </LinkButton>
        }
      />
      <Filters here={here} form={props.form} actions={props.actions} isFiltered={props.isFiltered} />
      <section class="panel" aria-label="Entries">
        <Seals seals={props.seals} entries={props.entries} />
        {props.entries.length === 0 ? (
          <NoEntries isFiltered={props.isFiltered} here={here} />
        ) : (
          <EntryTable organization={organization} entries={props.entries} />
        )}
      </section>
      {props.entries.length > 0 && (
        <MoreRows
          order="Newest first"
          shown={props.entries.length}
          olderHref={props.olderHref}
          firstHref={props.firstHref}
        />
      )}
    </OrganizationSettingsPage>
  )
}

function Filters(props: { here: string; form: FormState; actions: readonly string[]; isFiltered: boolean }) {
  const { form } = props
  return (
    <search>
      <form class="panel p-3 grid gap-3" method="get" action={props.here} aria-label="Filter the audit log">
        <FormProblem form={form} />
        <div class="grid gap-3 sm:grid-cols-2 lg:grid-cols-[1.4fr_1.2fr_1fr_1fr_auto] items-start">
          <SelectField form={form} name="event" label="Event" choices={choices(props.actions, form.values.event)} />
          <TextField
            form={form}
            name="actor"
            label="Actor"
            placeholder="Person or service account"
            verbatim={true}
            maxlength={200}
          />
          <TextField form={form} name="from" label="From (UTC)" type="date" />
          <TextField form={form} name="to" label="To (UTC)" type="date" />
          <span class="flex gap-2 lg:mt-6">
            <Button icon="list-filter">Filter</Button>
            {props.isFiltered && <LinkButton href={props.here}>Show all</LinkButton>}
          </span>
        </div>
      </form>
    </search>
  )
}

/** Each scope as a whole, then its events; what is asked for stands there even where the log has none of it. */
function choices(actions: readonly string[], chosen: string | undefined): Choice[] {
  const all: Choice[] = [{ value: '', label: 'All events' }]
  let scope = ''
  for (const action of actions) {
    const its = `${action.split('.')[0]}.`
    if (its !== scope) all.push({ value: `${its}*`, label: `${its}*` })
    scope = its
    all.push({ value: action, label: action })
  }
  if (chosen !== undefined && !all.some(({ value }) => value === chosen)) all.push({ value: chosen, label: chosen })
  return all
}

function Seals(props: { seals: SealState; entries: readonly LogEntry[] }) {
  const { seal, signedAt, fault } = props.seals
  const waiting = props.entries.filter((entry) => entry.seal === null).length
  return (
    <div class="panel-head text-sm">
      {fault === null ? (
        <span class={seal === null ? 'text-muted' : 'text-success'}>
          <Icon name="shield-check" />
        </span>
      ) : (
        <div class="w-full">
          <Notice kind="error" small={true} standing={true}>
            The seals of this log do not hold: {fault} Tell the administrators of this hub: they find out more with{' '}
            <code>holdfast audit verify</code>.
          </Notice>
        </div>
      )}
      <span class="flex-1 min-w-56">
        <b class="font-semibold">
          {seal === null ? 'Nothing is sealed yet.' : `Sealed up to seal ${countWords(seal.number)}.`}
        </b>{' '}
        <span class="text-muted">
          {signedAt !== null && (
            <>
              Last checkpoint signed <Time at={signedAt} />.{' '}
            </>
          )}
          {waiting > 0 &&
            `${counted(waiting, 'entry', 'entries')} on this page ${waiting === 1 ? 'waits' : 'wait'} for the next seal.`}
        </span>
      </span>
      <details>
        <summary class="font-medium">How to verify</summary>
        <p class="text-muted max-w-96 pt-1">
          The log of this hub is one chain of hashes, signed at every checkpoint. Its administrators check all of it
          with <code>holdfast audit verify</code>, and anybody checks an export of theirs with the public key alone.
        </p>
      </details>
    </div>
  )
}

function NoEntries(props: { isFiltered: boolean; here: string }) {
  return props.isFiltered ? (
    <Empty icon="scroll-text" title="No entry matches" action={<LinkButton href={props.here}>Show all</LinkButton>}>
      Nothing in this log is of that event, by that actor and in that time. A name counts as it was when it happened.
    </Empty>
  ) : (
    <Empty icon="scroll-text" title="Nothing has happened yet">
      Every change to members, service accounts, workspaces and repositories stands here from now on.
    </Empty>
  )
}
