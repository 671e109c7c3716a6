/* What calls of models added up to: of an organization for its administrators, and of a person for that one alone. */
import type { Child } from 'hono/jsx'
import { Button } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { countWords } from '../../web/size.ts'
import { minuteTime, shortDate } from '../../web/time-words.ts'
import type { UsageGroup, UsageSum } from './queries.ts'
import type { UsagePeriod } from './usage-period.ts'

export type UsageFigures = Omit<UsageSum, 'key' | 'label'>

export type UsageRow = UsageFigures & {
  readonly label: string
  readonly href?: string
}

export type UsageView = {
  readonly by: UsageGroup
  readonly from: number
  /** Not part of it. */
  readonly to: number
  readonly rows: readonly UsageRow[]
  /** Of everything in this time, also of what is not among the rows. */
  readonly total: UsageFigures
  /** Groups that are not among the rows; null: nobody counted them. */
  readonly more: number | null
}

type UsagePageProps = {
  context: PageContext
  form: FormState
  groups: readonly UsageGroup[]
  /** Null where what was asked for is none. */
  usage: UsageView | null
  exportHref: string | null
}

export function OrganizationUsagePage(props: UsagePageProps & { organization: string }) {
  const { organization } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Usage of ${organization}`}
      place="usage"
    >
      <PageHead
        title="Usage"
        lede={`What ${organization} is billed for, and what others called of its models. What was asked and answered is kept nowhere.`}
      />
      <Usage
        {...props}
        here={organizationSettingsPath(organization, 'usage')}
        empty={`Calls of the models of ${organization}, and those that it is billed for, are summed up here.`}
      />
    </OrganizationSettingsPage>
  )
}

export function OwnUsagePage(props: UsagePageProps) {
  return (
    <YourSettingsPage context={props.context} title="Usage" current="/settings/usage">
      <PageHead
        title="Usage"
        lede="Calls of models that you are billed for. Those that you let an organization pay are in its usage. What was asked and answered is kept nowhere."
      />
      <Usage {...props} here="/settings/usage" empty="What you call of models on this hub is summed up here." />
    </YourSettingsPage>
  )
}

type Placed = UsagePageProps & { here: string; empty: string }

function Usage(props: Placed): Child {
  const { usage } = props
  return (
    <>
      <UsageForm {...props} />
      {usage !== null && usage.rows.length === 0 && (
        <section class="panel">
          <Empty icon="activity" title="No calls in this time">
            {props.empty}
          </Empty>
        </section>
      )}
      {usage !== null && usage.rows.length > 0 && <UsageTable usage={usage} exportHref={props.exportHref} />}
    </>
  )
}

const periodWords: Readonly<Record<UsagePeriod, string>> = {
  days: 'Last 30 days',
  month: 'This month',
  'last-month': 'Last month',
  between: 'From – to',
}

const groupWords: Readonly<Record<UsageGroup, string>> = {
  model: 'Model',
  principal: 'Who called',
  token: 'Token',
  day: 'Day',
  backend: 'Server',
  status: 'Status',
  billed: 'Who is billed',
  workspace: 'Workspace',
}

function UsageForm({ here, form, groups }: Placed) {
  return (
    <search>
      <form class="period panel p-3 grid gap-3" method="get" action={here} aria-label="Choose a time">
        <FormProblem form={form} />
        <div class="flex flex-wrap gap-3 items-start">
          <SelectField
            class="w-full sm:w-44"
            form={form}
            name="period"
            label="Time (UTC)"
            choices={Object.entries(periodWords).map(([value, label]) => ({ value, label }))}
          />
          <TextField class="only-between w-full sm:w-44" form={form} name="from" label="From" type="date" />
          <TextField class="only-between w-full sm:w-44" form={form} name="to" label="To, with this day" type="date" />
          <SelectField
            class="w-full sm:w-44"
            form={form}
            name="group_by"
            label="By"
            choices={groups.map((value) => ({ value, label: groupWords[value] }))}
          />
          <div class="sm:mt-6">
            <Button icon="list-filter">Show</Button>
          </div>
        </div>
        {formValue(form, 'period') === 'between' && (
          <p class="only-between text-xs text-muted">
            At most 400 days at once. Without a first day: the 30 days before the last.
          </p>
        )}
      </form>
    </search>
  )
}

function UsageTable({ usage, exportHref }: { usage: UsageView; exportHref: string | null }) {
  const { rows, total, by, more } = usage
  const most = Math.max(...rows.map(({ calls }) => calls), 1)
  return (
    <section class="panel" aria-labelledby="usage-h">
      <div class="panel-head">
        <h2 id="usage-h" title={`${minuteTime(usage.from)} until ${minuteTime(usage.to)}`}>
          {shortDate(usage.from)} to {shortDate(usage.to - 1)}
        </h2>
        {exportHref !== null && (
          <a class="btn btn-sm btn-line ml-auto" href={exportHref}>
            <Icon name="download" />
            Every call as CSV
          </a>
        )}
      </div>
      <dl class="p-4 grid gap-4 grid-cols-2 sm:grid-cols-4">
        <Figure label="Calls" value={total.calls} note={failedWords(total)} />
        <Figure label="Tokens in" value={total.tokensIn} note={uncountedWords(total)} />
        <Figure label="Tokens out" value={total.tokensOut} />
        <Figure label="Mean time" value={meanMs(total)} unit="ms" />
      </dl>
      <Rows
        caption={`Usage by ${groupWords[by].toLowerCase()}`}
        columns={[
          { label: groupWords[by] },
          { label: 'Calls', class: 'end' },
          { label: 'Failed', class: 'end' },
          { label: 'Tokens in', class: 'end' },
          { label: 'Tokens out', class: 'end' },
          { label: 'Uncounted', class: 'end' },
          { label: 'Mean ms', class: 'end' },
        ]}
      >
        {rows.map((row) => (
          <Row>
            <RowHead>
              <span class="grid gap-1">
                {row.href === undefined ? (
                  <span class="[overflow-wrap:anywhere]">{row.label}</span>
                ) : (
                  <a class="quiet [overflow-wrap:anywhere]" href={row.href}>
                    {row.label}
                  </a>
                )}
                <Bar share={row.calls / most} failed={row.failed / most} />
              </span>
            </RowHead>
            <Cell label="Calls" class="end num">
              {countWords(row.calls)}
            </Cell>
            <Cell label="Failed" class="end num">
              {orDash(row.failed)}
            </Cell>
            <Cell label="Tokens in" class="end num">
              {orDash(row.tokensIn)}
            </Cell>
            <Cell label="Tokens out" class="end num">
              {orDash(row.tokensOut)}
            </Cell>
            <Cell label="Uncounted" class="end num">
              {orDash(row.uncounted)}
            </Cell>
            <Cell label="Mean ms" class="end num">
              {countWords(meanMs(row))}
            </Cell>
          </Row>
        ))}
      </Rows>
      {more !== 0 && (
        <p class="px-4 py-3 border-t border-line text-sm text-muted">
          {more === null
            ? 'There are more than can be summed up at once; the figures above are of the largest.'
            : `${countWords(more)} more are in the figures above, and not in the list: choose a shorter time.`}
        </p>
      )}
    </section>
  )
}

function Figure(props: { label: string; value: number; unit?: string; note?: string | null }) {
  return (
    <div>
      <dt class="text-sm text-muted">{props.label}</dt>
      <dd>
        <span class="text-2xl font-semibold num">
          {countWords(props.value)}
          {props.unit && <span class="text-base font-normal"> {props.unit}</span>}
        </span>
        {props.note && <span class="block text-sm">{props.note}</span>}
      </dd>
    </div>
  )
}

/** The part that failed in another colour; the figures stand beside it. */
function Bar({ share, failed }: { share: number; failed: number }) {
  const width = (part: number) => String(Math.round(part * 1000) / 10)
  return (
    <svg class="block w-full max-w-56 h-1.5" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="fill-base-300" x="0" y="0" width="100" height="6" />
      <rect class="fill-primary" x="0" y="0" width={width(share)} height="6" />
      <rect class="fill-warning" x={width(share - failed)} y="0" width={width(failed)} height="6" />
    </svg>
  )
}

function failedWords({ failed }: UsageFigures): string {
  return failed === 0 ? 'None failed.' : `${countWords(failed)} of them failed.`
}

function uncountedWords({ uncounted }: UsageFigures): string | null {
  return uncounted === 0 ? null : `Not known of ${countWords(uncounted)} ${uncounted === 1 ? 'call' : 'calls'}.`
}

function meanMs({ calls, tookMs }: UsageFigures): number {
  return calls === 0 ? 0 : Math.round(tookMs / calls)
}

function orDash(count: number): Child {
  return count === 0 ? <span class="text-muted">0</span> : countWords(count)
}
