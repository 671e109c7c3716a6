/* Audited downloads of an organization: which are audited, what one looks for, and the records. */
import { Button, LinkButton } from '../../web/button.tsx'
import { DownloadTable, type DownloadView } from '../../web/download-table.tsx'
import { Empty } from '../../web/empty.tsx'
import { PickField, TextField } from '../../web/field.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { countWords } from '../../web/size.ts'

export const auditedDownloadsPath = (organization: string): string =>
  organizationSettingsPath(organization, 'audited-downloads')

type Scope = 'nothing' | 'restricted' | 'all'

const scopePicks: readonly { value: Scope; label: string; help: string }[] = [
  { value: 'nothing', label: 'Nothing', help: 'No downloads are audited from now on. Records of before stay.' },
  {
    value: 'restricted',
    label: 'Private, gated and held',
    help: 'What not everybody may read, and files that are known to be unsafe.',
  },
  {
    value: 'all',
    label: 'All downloads',
    help: 'Public repositories too; of people who are not signed in, their address.',
  },
]

export type AuditedDownloadsProps = {
  context: PageContext
  organization: string
  scope: Scope
  /** From the policy. */
  mayDecide: boolean
  /** How long records are kept. */
  keptDays: number
  form: FormState
  records: readonly DownloadView[]
  isFiltered: boolean
  /** Where the same records are to be had as a file. */
  exportHref: string
  olderHref: string | null
  firstHref: string | null
}

/** The filters are sent by GET to this same address: `repo`, `principal`, `token`, `from`, `to`; the decision is posted to it as `downloads`. */
export function AuditedDownloadsPage(props: AuditedDownloadsProps) {
  const { organization, records } = props
  const here = auditedDownloadsPath(organization)
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Audited downloads of ${organization}`}
      place="audited-downloads"
    >
      <PageHead
        title="Audited downloads"
        lede={`Who read what from the repositories of ${organization}, with which credential, from where. Records are sealed in a chain of their own and kept for ${countWords(props.keptDays)} days.`}
        action={
          <LinkButton href={props.exportHref} icon="download">
            Export{props.isFiltered ? ' these' : ''}
          </LinkButton>
        }
      />
      <ScopeSection {...props} here={here} />
      <Filters here={here} form={props.form} isFiltered={props.isFiltered} />
      <section class="panel" aria-label="Records">
        {records.length === 0 ? (
          <NoRecords {...props} here={here} />
        ) : (
          <DownloadTable records={records} manyRepos={true} />
        )}
      </section>
      {records.length > 0 && (
        <MoreRows order="Newest first" shown={records.length} olderHref={props.olderHref} firstHref={props.firstHref} />
      )}
    </OrganizationSettingsPage>
  )
}

function ScopeSection({ scope, mayDecide, here }: AuditedDownloadsProps & { here: string }) {
  return (
    <SettingsSection id="scope-h" title="What is audited">
      {mayDecide ? (
        <form method="post" action={here} class="p-4 grid gap-3">
          <PickField
            form={freshForm}
            name="downloads"
            legend="Downloads that leave a record"
            picks={scopePicks}
            value={scope}
            columns={3}
          />
          <p class="text-sm text-muted">
            It counts for downloads from now on, within a second. A change is an entry of the audit log. An audit is no
            lock: while it cannot be written, downloads go on, and the server's log says so.
          </p>
          <span>
            <Button>Save</Button>
          </span>
        </form>
      ) : (
        <p class="p-4">
          {scopePicks.find(({ value }) => value === scope)?.label}. Administrators of the organization decide about it.
        </p>
      )}
    </SettingsSection>
  )
}

function Filters(props: { here: string; form: FormState; isFiltered: boolean }) {
  const { form } = props
  return (
    <search>
      <form class="panel p-3 grid gap-3" method="get" action={props.here} aria-label="Filter audited downloads">
        <FormProblem form={form} />
        <div class="grid gap-3 sm:grid-cols-2 lg:grid-cols-3 items-start">
          <TextField
            form={form}
            name="repo"
            label="Repository"
            placeholder="owner/name"
            verbatim={true}
            maxlength={200}
            help="As it was called then."
          />
          <TextField
            form={form}
            name="principal"
            label="Person or service account"
            verbatim={true}
            maxlength={200}
            help="As it was called then; anonymous for who was not signed in."
          />
          <TextField
            form={form}
            name="token"
            label="Token"
            placeholder="Id of a token"
            verbatim={true}
            maxlength={200}
            help="Its id, as lists of tokens and the export have it. Never its value."
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

function NoRecords({ isFiltered, scope, here }: AuditedDownloadsProps & { here: string }) {
  if (isFiltered) {
    return (
      <Empty icon="download" title="No record matches" action={<LinkButton href={here}>Show all</LinkButton>}>
        Nothing was recorded of that repository, by that person or token and in that time. Names count as they were when
        it happened, with their capitals.
      </Empty>
    )
  }
  return scope === 'nothing' ? (
    <Empty icon="download" title="Downloads are not audited">
      Choose above which downloads leave a record, and they stand here about a second after they began.
    </Empty>
  ) : (
    <Empty icon="download" title="Nothing was downloaded yet">
      {scope === 'all'
        ? 'Each download from a repository stands here about a second after it began.'
        : 'Each download of what is private, gated or held stands here about a second after it began.'}
    </Empty>
  )
}
