/* Who asked for access to a repository, and deciding about it: accept, reject with a reason, move back, let in by hand. */
import { repoId } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PartyRowHead } from '../../web/party-row-head.tsx'
import type { SafeHtml } from '../../web/raw-html.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, Rows } from '../../web/rows.tsx'
import { Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { GateSection } from './gate-panel.tsx'
import { reportPath, requestsPath } from './paths.ts'
import type { Terms } from './terms.ts'

export type RequestStatus = 'pending' | 'accepted' | 'rejected'

export type RequestView = {
  id: string
  kind: 'user' | 'service-account'
  /** On the wire. */
  name: string
  fullname: string | null
  organization: string | null
  status: RequestStatus
  askedAt: number
  email: string | null
  /** Who agreed for a service account. */
  askedBy: string | null
  /** Who let them in without being asked. */
  grantedBy: string | null
  reviewedBy: string | null
  reviewedAt: number | null
  reason: string | null
  answers: readonly { field: string; answer: string }[]
  termsHash: string | null
}

const words: Readonly<Record<RequestStatus, { title: string; empty: string }>> = {
  pending: { title: 'Pending', empty: 'Nobody waits for a decision.' },
  accepted: { title: 'Accepted', empty: 'Nobody has access through a request.' },
  rejected: { title: 'Rejected', empty: 'Nobody was rejected.' },
}

type RequestsPageProps = {
  context: PageContext
  repo: RepoView
  isGated: boolean
  status: RequestStatus
  counts: Readonly<Record<RequestStatus, number>>
  requests: readonly RequestView[]
  mayHandle: boolean
  addForm: FormState
  /** What was wrong with a decision. */
  fault: FormState
  olderHref: string | null
  firstHref: string | null
}

/** Posts `userId`, `status`, `reason` and `tab` to .../handle, `user` to .../grant. */
export function RequestsPage(props: RequestsPageProps) {
  const { context, repo, status, counts } = props
  return (
    <Page
      context={context}
      title={`Access requests of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
    >
      <section aria-labelledby="requests-h" class="grid grid-cols-[minmax(0,1fr)] gap-4">
        <div class="flex flex-wrap items-start gap-3">
          <div class="flex-1 min-w-64">
            <h2 id="requests-h">Access requests</h2>
            <p class="lede">Who asked for the files of this gated {repo.kind}, and who has them.</p>
          </div>
          <span class="flex flex-wrap gap-2">
            <LinkButton icon="download" href={`${reportPath(repo)}?format=csv`}>
              Report as CSV
            </LinkButton>
            <LinkButton icon="download" href={reportPath(repo)}>
              Report as JSON
            </LinkButton>
          </span>
        </div>
        {!props.isGated && (
          <Notice kind="info" standing={true}>
            This {repo.kind} is not gated at the moment: everybody who sees it gets its files. What was decided is kept.
          </Notice>
        )}
        <FormProblem form={props.fault} />
        {props.mayHandle && props.isGated && <AddForm repo={repo} form={props.addForm} />}
        <Tabs
          label="Access requests by state"
          inPage={true}
          tabs={(['pending', 'accepted', 'rejected'] as const).map((each) => ({
            href: `${requestsPath(repo)}?status=${each}`,
            label: words[each].title,
            current: each === status,
            count: counts[each],
          }))}
        />
        {props.requests.length === 0 ? (
          <section class="panel">
            <Empty icon="ticket" title={`No ${status} requests`}>
              {words[status].empty}
            </Empty>
          </section>
        ) : (
          <div class="panel overflow-hidden">
            <RequestTable {...props} />
          </div>
        )}
        {props.requests.length > 0 && (
          <MoreRows
            order="Newest first"
            shown={props.requests.length}
            olderHref={props.olderHref}
            firstHref={props.firstHref}
          />
        )}
      </section>
    </Page>
  )
}

function AddForm({ repo, form }: { repo: RepoView; form: FormState }) {
  return (
    <form class="panel p-4 flex flex-wrap items-start gap-3" method="post" action={requestsPath(repo, '/grant')}>
      <div class="flex-1 min-w-60 sm:max-w-100">
        <TextField
          form={form}
          name="user"
          label="Let somebody in by hand"
          required={true}
          maxlength={100}
          verbatim={true}
          help="A user name, or sa- and the id of a service account. They agree to nothing."
        />
      </div>
      <Button icon="plus" class="sm:mt-6">
        Give access
      </Button>
    </form>
  )
}

function RequestTable(props: RequestsPageProps) {
  return (
    <Rows
      caption={`${words[props.status].title} requests`}
      columns={[
        { label: 'Who' },
        { label: 'Said' },
        { label: 'Asked' },
        { label: 'Decide', silent: true, class: 'end' },
      ]}
    >
      {props.requests.map((request) => (
        <Row>
          <PartyRowHead
            party={{
              kind: request.kind,
              name: request.name,
              fullname: request.fullname,
              isOff: false,
            }}
          />
          <Cell label="Said">
            <Said repo={props.repo} request={request} />
          </Cell>
          <Cell label="Asked" class="nowrap text-muted">
            <Time at={request.askedAt} />
          </Cell>
          <Cell class="end">{props.mayHandle && props.isGated && <Decide repo={props.repo} request={request} />}</Cell>
        </Row>
      ))}
    </Rows>
  )
}

function Said({ repo, request }: { repo: RepoView; request: RequestView }) {
  return (
    <div class="grid gap-1 text-sm min-w-0">
      {request.email && <span class="[overflow-wrap:anywhere]">{request.email}</span>}
      {request.organization && <span>of {request.organization}</span>}
      {request.askedBy && <span class="text-muted">{request.askedBy} agreed for it</span>}
      {request.grantedBy && <span class="text-muted">let in by {request.grantedBy}</span>}
      {request.answers.length > 0 && (
        <dl class="grid gap-0.5">
          {request.answers.map(({ field, answer }) => (
            <div class="[overflow-wrap:anywhere]">
              <dt class="inline text-muted">{field}: </dt>
              <dd class="inline">{answer}</dd>
            </div>
          ))}
        </dl>
      )}
      {request.termsHash && (
        <a class="a text-xs" href={requestsPath(repo, `/terms/${request.termsHash}`)}>
          agreed to the text {request.termsHash.slice(0, 8)}
        </a>
      )}
      {request.reason && <span class="[overflow-wrap:anywhere]">Reason: {request.reason}</span>}
      {request.reviewedBy && request.reviewedAt !== null && (
        <span class="text-xs text-muted">
          {request.status === 'pending' ? 'moved back' : request.status} by {request.reviewedBy}{' '}
          <Time at={request.reviewedAt} />
        </span>
      )}
    </div>
  )
}

function Decide({ repo, request }: { repo: RepoView; request: RequestView }) {
  const who = request.kind === 'service-account' ? (request.fullname ?? request.name) : request.name
  const hidden = (
    <>
      <input type="hidden" name="userId" value={request.id} />
      <input type="hidden" name="tab" value={request.status} />
    </>
  )
  const action = requestsPath(repo, '/handle')
  return (
    <div class="flex flex-wrap gap-2 justify-end items-start">
      {request.status !== 'accepted' && (
        <form method="post" action={action}>
          {hidden}
          <Button look="primary" name="status" value="accepted" label={`Accept ${who}`}>
            Accept
          </Button>
        </form>
      )}
      {request.status !== 'pending' && (
        <form method="post" action={action}>
          {hidden}
          <Button name="status" value="pending" label={`Move back to pending: ${who}`}>
            Move back to pending
          </Button>
        </form>
      )}
      {request.status !== 'rejected' && (
        <details class="text-left">
          <summary class="btn btn-danger btn-sm" aria-label={`Reject ${who}`}>
            Reject
          </summary>
          <form class="grid gap-2 pt-2 w-64 max-w-full" method="post" action={action}>
            {hidden}
            <div class="field">
              <label for={`reason-${request.id}`}>
                Reason<span class="opt"> optional</span>
              </label>
              <input
                class="input input-sm"
                id={`reason-${request.id}`}
                name="reason"
                maxlength={200}
                autocomplete="off"
                aria-describedby={`reason-${request.id}-help`}
              />
              <span class="help" id={`reason-${request.id}-help`}>
                {who} reads it, and cannot ask again.
              </span>
            </div>
            <div>
              <Button look="error" name="status" value="rejected">
                Reject {who}
              </Button>
            </div>
          </form>
        </details>
      )}
    </div>
  )
}

/** A text that was agreed to, as it was then. */
export function TermsPage(props: {
  context: PageContext
  repo: RepoView
  terms: Terms
  hash: string
  prompt: SafeHtml | null
}) {
  const { context, repo, terms } = props
  return (
    <Page
      context={context}
      title={`Terms of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-4 max-w-3xl">
        <p class="text-sm text-muted">
          What was shown and agreed to, by its SHA-256: <code class="wrap-anywhere">{props.hash}</code>
        </p>
        <GateSection terms={terms} prompt={props.prompt}>
          {terms.fields.length > 0 && (
            <p class="text-sm text-muted [overflow-wrap:anywhere]">
              Asked besides: {terms.fields.map(({ name }) => name).join(', ')}
            </p>
          )}
        </GateSection>
        <div>
          <LinkButton href={requestsPath(repo)}>Back to the requests</LinkButton>
        </div>
      </div>
    </Page>
  )
}
