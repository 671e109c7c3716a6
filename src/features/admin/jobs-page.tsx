/* What the hub does in the background: how long its queues are, and what failed for good. */
import { withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { countWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { mostInQueue, type QueueState } from './queries.ts'

export const jobsPath = hubSettingsPath('jobs')

export type FailedJob = {
  id: string
  queue: string
  attempts: number
  /** Without secrets; null where it said nothing. */
  error: string | null
  createdAt: number
}

/** What each queue is for, in words; one that is new stands there by its name alone. */
const queueWords: Readonly<Record<string, string>> = {
  mail: 'sends e-mails',
  'ref-moved': 'follows up on pushes and commits',
  'index-repo': 'reads cards and file lists',
  'count-storage': 'counts what is stored',
  'collect-blobs': 'removes what nothing needs, once a day',
  'clean-accounts': 'tidies up sign-ins and links',
  'move-objects': 'moves large files into chunks',
  'scrub-storage': 'checks stored bytes against their hashes',
  'recount-storage': 'counts again what every owner stores',
  'forget-downloads': 'forgets old records of downloads',
  'forget-token-values': 'forgets values of tokens that are long gone',
  'temporary-role-end': 'ends roles for a while',
}

/** Each row posts `id` to /admin/jobs/retry or /admin/jobs/drop. */
export function JobsPage(props: {
  context: PageContext
  queues: readonly QueueState[]
  failed: readonly FailedJob[]
  olderHref: string | null
  firstHref: string | null
}) {
  const busy = props.queues.filter(({ waiting, running, failed }) => waiting + running + failed > 0)
  return (
    <HubSettingsPage context={props.context} title="Jobs and queues" place="jobs">
      <PageHead
        title="Jobs and queues"
        lede="What the hub does in the background. A job that fails is tried again, later each time; after that it stands here."
      />
      <SettingsSection id="failed-h" title="Failed for good">
        {props.failed.length === 0 ? (
          <Empty icon="circle-check" title="Nothing failed">
            Jobs that failed in every attempt stand here, to be tried again or dropped.
          </Empty>
        ) : (
          <Rows
            caption="Jobs that failed for good, oldest first"
            columns={[
              { label: 'Job' },
              { label: 'What went wrong' },
              { label: 'Attempts', class: 'text-end' },
              { label: 'Since', class: 'text-end' },
              { label: 'Actions', silent: true },
            ]}
          >
            {props.failed.map(({ id, queue, attempts, error, createdAt }) => (
              <Row>
                <RowHead description={queueWords[queue]}>{queue}</RowHead>
                <Cell label="What went wrong" class="wrap-anywhere">
                  <code class="text-xs">{error ?? 'It did not say.'}</code>
                </Cell>
                <Cell label="Attempts" class="text-end tabular-nums">
                  {attempts}
                </Cell>
                <Cell label="Since" class="text-end">
                  <Time at={createdAt} />
                </Cell>
                <Cell label="Actions" class="text-end">
                  <form method="post" class="inline-flex gap-2">
                    <input type="hidden" name="id" value={id} />
                    <Button action={`${jobsPath}/retry`} label={`Try again: the job ${queue}`}>
                      Try again
                    </Button>
                    <Button look="danger" action={`${jobsPath}/drop`} label={`Drop the job ${queue}`}>
                      Drop
                    </Button>
                  </form>
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
      {(props.olderHref || props.firstHref) && (
        <MoreRows
          order="Oldest first"
          shown={props.failed.length}
          olderHref={props.olderHref}
          firstHref={props.firstHref}
          olderWord="More"
        />
      )}
      <SettingsSection
        id="queues-h"
        title="Queues"
        help={busy.length === 0 ? 'all empty' : `${busy.length} of ${props.queues.length} with work`}
      >
        {busy.length === 0 ? (
          <Empty icon="circle-check" title="Nothing to do">
            Every queue is empty.
          </Empty>
        ) : (
          <Rows
            caption="Queues with work"
            columns={[
              { label: 'Queue' },
              { label: 'Waiting', class: 'text-end' },
              { label: 'Next', class: 'text-end' },
              { label: 'Running', class: 'text-end' },
              { label: 'Failed', class: 'text-end' },
            ]}
          >
            {busy.map(({ queue, waiting, nextAt, running, failed }) => (
              <Row>
                <RowHead description={queueWords[queue]}>{queue}</RowHead>
                <Cell label="Waiting" class="text-end tabular-nums">
                  {bounded(waiting)}
                </Cell>
                <Cell label="Next" class="text-end">
                  {nextAt === null ? '–' : <Time at={nextAt} />}
                </Cell>
                <Cell label="Running" class="text-end tabular-nums">
                  {bounded(running)}
                </Cell>
                <Cell label="Failed" class="text-end tabular-nums">
                  {failed > 0 ? <Badge look="error">{bounded(failed)}</Badge> : 0}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
    </HubSettingsPage>
  )
}

export function jobsHref(after: string | null): string {
  return withQuery(jobsPath, { after })
}

function bounded(count: number): string {
  return count > mostInQueue ? `${countWords(mostInQueue)}+` : countWords(count)
}
