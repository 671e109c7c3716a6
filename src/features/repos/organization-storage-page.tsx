/* Seats and storage of an organization: two figures for people and machines, which are never added up, and what its repositories store. */
import type { Child } from 'hono/jsx'
import { repoPath } from '../../web/address.ts'
import { Empty } from '../../web/empty.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { counted, countWords, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'

export type StoredRepo = {
  kind: 'model' | 'dataset' | 'space'
  namespace: string
  name: string
  /** Null until it was counted the first time. */
  usage: { files: number; logical: number; stored: number } | null
}

type OrganizationStorageProps = {
  context: PageContext
  organization: string
  seats: { used: number; limit: number | null }
  /** Null for who may not see them. */
  machines: { total: number; active: number; invited: number } | null
  /** Null until it was counted the first time. */
  usage: { files: number; logical: number; stored: number; countedAt: number } | null
  /** Those that the viewer may see, last changed first. */
  repos: readonly StoredRepo[]
  olderHref: string | null
  firstHref: string | null
}

export function OrganizationStoragePage(props: OrganizationStorageProps) {
  const { organization, seats, machines, usage } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Seats and storage of ${organization}`}
      place="storage"
    >
      <PageHead
        title="Seats and storage"
        lede={`How many people ${organization} has, and how much its repositories keep.`}
      />
      <SettingsSection id="seats-h" title="Seats">
        <div class="p-4 grid gap-4 sm:grid-cols-3">
          <Figure
            label="Seats"
            value={
              seats.limit === null ? countWords(seats.used) : `${countWords(seats.used)} of ${countWords(seats.limit)}`
            }
          >
            <a class="a" href={membersPath(organization)}>
              People
            </a>
            , each once, whatever their role.{seats.limit === null && ' There is no limit.'}
          </Figure>
          {machines && (
            <Figure label="Service accounts" value={countWords(machines.total)}>
              {machines.active === machines.total
                ? 'They take no seat.'
                : `${countWords(machines.active)} of them active. They take no seat.`}{' '}
              <a class="a" href={organizationSettingsPath(organization, 'service-accounts')}>
                Service accounts
              </a>
            </Figure>
          )}
          {machines && (
            <Figure label="Open invitations" value={countWords(machines.invited)}>
              They take no seat until they are accepted.
            </Figure>
          )}
        </div>
        {seats.limit !== null && (
          <div class="px-4 pb-4 grid gap-2 text-sm">
            <progress
              class="progress progress-primary w-full"
              value={Math.min(seats.used, seats.limit)}
              max={seats.limit}
              aria-label={`${seats.used} of ${seats.limit} seats`}
            />
            <p class="text-muted">
              {seats.used >= seats.limit
                ? 'All seats are taken: nobody can be added or invited. An administrator of this hub can set another limit.'
                : 'An administrator of this hub sets the limit.'}
            </p>
          </div>
        )}
      </SettingsSection>
      <SettingsSection id="storage-h" title="Storage">
        {usage === null ? (
          <p class="p-4 text-sm text-muted">Not counted yet. It is, some minutes after the first large file came.</p>
        ) : (
          <div class="p-4 grid gap-4 sm:grid-cols-3">
            <Figure label="Stored" value={sizeWords(usage.stored)}>
              What lies on disk, each byte once.
            </Figure>
            <Figure label="In repositories" value={sizeWords(usage.logical)}>
              {counted(usage.files, 'large file')}, each as often as it is named.
            </Figure>
            <Figure label="Counted" value={<Time at={usage.countedAt} />}>
              By a job, after changes.
            </Figure>
          </div>
        )}
      </SettingsSection>
      <section class="panel" aria-label={`Storage by repository of ${organization}`}>
        {props.repos.length === 0 ? (
          <Empty icon="hard-drive" title="No repositories">
            What the repositories of {organization} store stands here.
          </Empty>
        ) : (
          <Rows
            caption={`Storage by repository of ${organization}`}
            columns={[
              { label: 'Repository' },
              { label: 'Large files', class: 'end' },
              { label: 'In the repository', class: 'end' },
              { label: 'Stored', class: 'end' },
            ]}
          >
            {props.repos.map((repo) => (
              <Row>
                <RowHead description={repo.kind}>
                  <a class="quiet" href={repoPath(repo)}>
                    {repo.name}
                  </a>
                </RowHead>
                <Cell label="Large files" class="end num">
                  {repo.usage === null ? '–' : countWords(repo.usage.files)}
                </Cell>
                <Cell label="In the repository" class="end num">
                  {repo.usage === null ? '–' : sizeWords(repo.usage.logical)}
                </Cell>
                <Cell label="Stored" class="end num">
                  {repo.usage === null ? '–' : sizeWords(repo.usage.stored)}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
      {props.repos.length > 0 && (
        <MoreRows
          order="Last changed first"
          shown={props.repos.length}
          olderHref={props.olderHref}
          firstHref={props.firstHref}
        />
      )}
    </OrganizationSettingsPage>
  )
}

function Figure(props: { label: string; value: Child; children: Child }) {
  return (
    <div>
      <p class="text-sm text-muted">{props.label}</p>
      <p class="text-2xl font-semibold num">{props.value}</p>
      <p class="text-sm">{props.children}</p>
    </div>
  )
}
