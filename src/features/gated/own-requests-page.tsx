/* The gated repositories that one asked for, for oneself and for service accounts. */
import { type RepoAddress, repoId, repoPath } from '../../web/address.ts'
import { ServiceAccountBadge } from '../../web/badge.tsx'
import { Empty } from '../../web/empty.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Time } from '../../web/time.tsx'
import { StatusBadge } from './access-page.tsx'
import { WithdrawForm } from './gate-panel.tsx'
import { ownRequestsPath } from './paths.ts'

export type OwnRequestView = {
  repo: RepoAddress
  /** Null: for oneself. */
  machine: { id: string; name: string; organization: string } | null
  status: 'pending' | 'accepted' | 'rejected'
  reason: string | null
  askedAt: number
  /** Somebody let them in without being asked. */
  byHand: boolean
}

export function OwnRequestsPage(props: { context: PageContext; requests: readonly OwnRequestView[] }) {
  return (
    <YourSettingsPage context={props.context} title="Gated repositories" current={ownRequestsPath}>
      <PageHead title="Gated repositories" lede="Repositories whose files you asked for, and what became of it." />
      {props.requests.length === 0 ? (
        <section class="panel">
          <Empty icon="ticket" title="No requests">
            On the page of a gated repository you agree to its conditions and ask for its files. It is listed here then.
          </Empty>
        </section>
      ) : (
        <div class="panel overflow-hidden">
          <Rows
            caption="Your requests for access"
            columns={[
              { label: 'Repository' },
              { label: 'For' },
              { label: 'State' },
              { label: 'Asked' },
              { label: 'Actions', silent: true, class: 'end' },
            ]}
          >
            {props.requests.map((request) => (
              <OwnRow request={request} />
            ))}
          </Rows>
        </div>
      )}
    </YourSettingsPage>
  )
}

function OwnRow({ request }: { request: OwnRequestView }) {
  const { repo, machine } = request
  return (
    <Row>
      <RowHead description={request.reason === null ? null : `Reason: ${request.reason}`}>
        <a class="quiet [overflow-wrap:anywhere]" href={repoPath(repo)}>
          {repoId(repo)}
        </a>
      </RowHead>
      <Cell label="For">
        {machine === null ? (
          'you'
        ) : (
          <span class="flex flex-wrap items-center gap-x-2">
            {machine.organization}: {machine.name} <ServiceAccountBadge />
          </span>
        )}
      </Cell>
      <Cell label="State">
        <StatusBadge status={request.status} />
        {request.byHand && <span class="block text-xs text-muted">let in by hand</span>}
      </Cell>
      <Cell label="Asked" class="nowrap text-muted">
        <Time at={request.askedAt} />
      </Cell>
      <Cell class="end">
        {request.status !== 'rejected' && (
          <WithdrawForm
            repo={repo}
            words={request.status === 'pending' ? 'Withdraw' : 'Give back'}
            label={`${request.status === 'pending' ? 'Withdraw the request for' : 'Give back the access to'} ${repoId(repo)}${machine ? ` of ${machine.name}` : ''}`}
            for={machine?.id ?? null}
            back={ownRequestsPath}
          />
        )}
      </Cell>
    </Row>
  )
}
