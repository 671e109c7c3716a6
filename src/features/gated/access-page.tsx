/* Asking for access to a gated repository: for oneself, and for the service accounts that one answers for. */
import { repoId, repoPath } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PartyRowHead } from '../../web/party-row-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, Rows } from '../../web/rows.tsx'
import { type Askable, AskForm, GatePanel, GateSection, WithdrawForm } from './gate-panel.tsx'
import type { GateView } from './load-gate.ts'
import { accessPath } from './paths.ts'

export type MachineAccess = {
  id: string
  name: string
  organization: string
  /** Null where nobody asked for it. */
  status: 'pending' | 'accepted' | 'rejected' | null
}

/** Posts the answers, `_terms` and `_for` (empty, or the id of a service account) to {repo}/ask-access. */
export function AccessPage(props: {
  context: PageContext
  repo: RepoView
  /** Null where the repository has no gate. */
  gate: GateView | null
  machines: readonly MachineAccess[]
  form: FormState
}) {
  const { context, repo, gate, machines } = props
  const askers: Askable[] = [
    ...(gate?.state === 'ask' ? [{ value: '', label: `yourself (${context.viewer?.name ?? ''})` }] : []),
    ...machines
      .filter(({ status }) => status === null)
      .map(({ id, name, organization }) => ({ value: id, label: `service account ${name} of ${organization}` })),
  ]
  const asked = machines.filter(({ status }) => status !== null)
  return (
    <Page
      context={context}
      title={`Access to ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="card" />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-3xl">
        {gate === null || (gate.state === 'open' && machines.length === 0) ? (
          <Notice kind="info" standing={true} action={<LinkButton href={repoPath(repo)}>Go to its card</LinkButton>}>
            You need not ask for access to {repoId(repo)}.
          </Notice>
        ) : (
          <>
            {gate.state !== 'ask' && <GatePanel repo={repo} gate={gate} hasMachines={false} />}
            {askers.length > 0 && (
              <GateSection terms={gate.terms} prompt={gate.prompt}>
                <AskForm repo={repo} gate={gate} form={props.form} askers={machines.length > 0 ? askers : null} />
              </GateSection>
            )}
            {asked.length > 0 && <MachineTable repo={repo} machines={asked} />}
          </>
        )}
      </div>
    </Page>
  )
}

export function StatusBadge({ status }: { status: 'pending' | 'accepted' | 'rejected' }) {
  switch (status) {
    case 'accepted':
      return (
        <Badge look="success" icon="circle-check">
          accepted
        </Badge>
      )
    case 'pending':
      return <Badge icon="refresh-cw">pending</Badge>
    case 'rejected':
      return (
        <Badge look="error" icon="circle-x">
          rejected
        </Badge>
      )
  }
}

function MachineTable(props: { repo: RepoView; machines: readonly MachineAccess[] }) {
  return (
    <section class="panel overflow-hidden" aria-labelledby="machines-h">
      <div class="panel-head">
        <h2 id="machines-h">Your service accounts</h2>
      </div>
      <Rows
        caption="Service accounts that asked for access"
        columns={[{ label: 'Service account' }, { label: 'State' }, { label: 'Actions', silent: true, class: 'end' }]}
      >
        {props.machines.map((machine) => (
          <Row>
            <PartyRowHead
              party={{ kind: 'service-account', name: machine.organization, fullname: machine.name, isOff: false }}
            />
            <Cell label="State">{machine.status && <StatusBadge status={machine.status} />}</Cell>
            <Cell class="end">
              {machine.status !== 'rejected' && (
                <WithdrawForm
                  repo={props.repo}
                  words="Withdraw"
                  label={`Withdraw the access of ${machine.name}`}
                  for={machine.id}
                  back={accessPath(props.repo)}
                />
              )}
            </Cell>
          </Row>
        ))}
      </Rows>
    </section>
  )
}
