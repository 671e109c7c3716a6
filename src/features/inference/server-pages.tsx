/* Which servers answer for a model: the list with how each does, the form that adds or changes one, the revision, a box to try, and the end. */
import type { Child } from 'hono/jsx'
import { commitPath, repoId, repoPath, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextArea, TextField } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted, countWords } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import { type BackendKind, backendKinds, mostBackends } from './backend.ts'
import { kindTitles } from './server-form.ts'
import type { Tried, WayToTry } from './try-it.ts'

export type ServerView = {
  readonly id: string
  readonly url: string
  readonly kind: BackendKind
  /** What it calls the model; null: as the hub does. */
  readonly model: string | null
  readonly weight: number
  readonly hasSecret: boolean
  /** In a row. */
  readonly failures: number
  /** Milliseconds for which it is left alone; null where it is asked. */
  readonly leftAloneMs: number | null
}

export type ServersDialog = { readonly kind: 'remove'; readonly server: ServerView } | { readonly kind: 'end' }

export type TryView = {
  readonly form: FormState
  readonly way: WayToTry
  readonly answer: Tried | null
}

export type ServersPageProps = {
  context: PageContext
  repo: RepoView
  servers: readonly ServerView[]
  revision: string | null
  /** That the revision stays at. */
  commit: string | null
  /** By which a form says what it was made from; empty where there is no server. */
  madeFrom: string
  /** Of the server that is added or changed. */
  form: FormState
  /** The one that is changed. */
  changing: ServerView | null
  revisionForm: FormState
  tried: TryView
  dialog: ServersDialog | null
  mayChange: boolean
  /** The viewer may call the model. */
  mayTry: boolean
}

/** Posts a server to its own address or to .../{id}, what else there is to .../{id}/remove, .../revision, .../try and .../end. */
export function ServersPage(props: ServersPageProps) {
  const { context, repo, servers } = props
  const here = serversPath(repo)
  return (
    <Page
      context={context}
      title={`Inference of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
      dialog={props.dialog && <ServersQuestion {...props} dialog={props.dialog} here={here} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-4xl">
        <div>
          <h2>Inference</h2>
          <p class="lede">
            Whoever may download {repoId(repo)} may call it at this hub's address with the same tokens. The hub does not
            run it: servers of yours do, and it stands before them.
          </p>
        </div>
        <section class="panel" aria-labelledby="servers-h">
          <div class="panel-head">
            <h2 id="servers-h">Servers that answer</h2>
            {servers.length > 0 && <span class="count">{servers.length}</span>}
          </div>
          {servers.length === 0 ? <NoServers repo={repo} /> : <ServerTable {...props} here={here} />}
        </section>
        {props.mayChange && <ServerSection {...props} here={here} />}
        {servers.length > 0 && props.mayTry && <TrySection {...props} here={here} />}
        {servers.length > 0 && props.mayChange && (
          <>
            <RevisionSection {...props} here={here} />
            <SettingsSection id="end-h" title="End it">
              <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
                <p class="flex-1 min-w-60 text-sm text-muted">
                  Nobody answers for {repoId(repo)} any more. Its files stay as they are.
                </p>
                <LinkButton look="danger" href={`${here}?dialog=end`} dialog={true}>
                  End inference
                </LinkButton>
              </div>
            </SettingsSection>
          </>
        )}
      </div>
    </Page>
  )
}

export function serversPath(repo: RepoView): string {
  return repoPath(repo, '/settings/inference')
}

type Placed = ServersPageProps & { here: string }

function NoServers({ repo }: { repo: RepoView }) {
  return (
    <>
      <Empty icon="server" title="No server answers for it">
        A server is a program of yours that has the model loaded, such as vLLM, llama.cpp or Text Embeddings Inference.
        Name its address here, and callers reach it through the hub, without ever seeing the address or its key.
      </Empty>
      <div class="px-4 pb-4 grid grid-cols-[minmax(0,1fr)] gap-2">
        <h3 class="text-sm font-semibold">One with vLLM, for example</h3>
        <Snippet
          label="command that starts vLLM"
          code={`vllm serve /models/${repo.name} --served-model-name ${repoId(repo)} --api-key "$KEY" --host 10.20.0.4 --port 8000`}
        />
      </div>
    </>
  )
}

function ServerTable({ servers, here, mayChange }: Placed) {
  const all = servers.reduce((sum, { weight }) => sum + weight, 0)
  return (
    <Rows
      caption="Servers that answer"
      columns={[
        { label: 'Server' },
        { label: 'Gets' },
        { label: 'Key' },
        { label: 'How it does' },
        { label: 'Actions', silent: true },
      ]}
    >
      {servers.map((server) => (
        <Row>
          <RowHead
            description={`${kindTitles[server.kind]}${server.model === null ? '' : `, called as ${server.model}`}`}
          >
            <code class="[overflow-wrap:anywhere]">{server.url}</code>
          </RowHead>
          <Cell label="Gets">
            <span>
              {Math.round((100 * server.weight) / all)} %
              <span class="block text-xs text-muted nowrap">weight {server.weight}</span>
            </span>
          </Cell>
          <Cell label="Key">{server.hasSecret ? 'held' : <span class="text-muted">none</span>}</Cell>
          <Cell label="How it does">
            <Health server={server} />
          </Cell>
          <Cell class="end nowrap">
            {mayChange && (
              <span class="inline-flex gap-1">
                <a
                  class="btn btn-xs btn-line"
                  href={`${withQuery(here, { change: server.id })}#server-h`}
                  aria-label={`Change ${server.url}`}
                >
                  Change
                </a>
                <a
                  class="btn btn-xs btn-danger"
                  href={withQuery(here, { dialog: 'remove', server: server.id })}
                  aria-label={`Remove ${server.url}`}
                  data-dialog=""
                >
                  Remove
                </a>
              </span>
            )}
          </Cell>
        </Row>
      ))}
    </Rows>
  )
}

function Health({ server: { failures, leftAloneMs } }: { server: ServerView }): Child {
  if (leftAloneMs !== null) {
    return (
      <span class="grid gap-0.5 justify-items-start">
        <Badge look="error" icon="circle-off">
          left alone
        </Badge>
        <span class="text-xs text-muted">
          for {waitWords(leftAloneMs)}, after {counted(failures, 'failure')} in a row
        </span>
      </span>
    )
  }
  if (failures === 0) {
    return (
      <Badge look="bare-success" icon="check">
        no failure
      </Badge>
    )
  }
  return (
    <Badge look="warning" icon="triangle-alert">
      {counted(failures, 'failure')} in a row
    </Badge>
  )
}

function waitWords(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

function ServerSection({ servers, form, changing, madeFrom, here, repo }: Placed) {
  if (changing === null && servers.length >= mostBackends) {
    return (
      <p class="text-sm text-muted">At most {mostBackends} servers answer for a model. Remove one to add another.</p>
    )
  }
  const keepsKey = changing?.hasSecret === true
  return (
    <SettingsSection id="server-h" title={changing === null ? 'Add a server' : 'Change a server'}>
      <form class="p-4 grid gap-4" method="post" action={changing === null ? here : `${here}/${changing.id}`}>
        <input type="hidden" name="madeFrom" value={madeFrom} />
        <FormProblem form={form} />
        <div class="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
          <TextField
            form={form}
            name="url"
            label="Address"
            value={changing?.url ?? ''}
            required={true}
            maxlength={2_000}
            verbatim={true}
            placeholder="http://10.20.0.4:8000"
            help="Where it listens, with or without /v1. Private addresses are for the administrator of this hub to let through."
          />
          <SelectField
            form={form}
            name="kind"
            label="What runs there"
            value={changing?.kind ?? 'vllm'}
            choices={backendKinds.map((kind) => ({ value: kind, label: kindTitles[kind] }))}
          />
        </div>
        <div class="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
          <TextField
            form={form}
            name="model"
            label="Called there as"
            value={changing?.model ?? ''}
            optional={true}
            maxlength={200}
            verbatim={true}
            placeholder={repoId(repo)}
            help={`What the server calls the model. Without one: ${repoId(repo)}.`}
          />
          <TextField
            form={form}
            name="weight"
            label="Weight"
            value={String(changing?.weight ?? 1)}
            maxlength={3}
            digits={true}
            help="How often it is asked, beside the others; 1 to 100."
          />
        </div>
        <div class="grid gap-2">
          <TextField
            form={form}
            name="secret"
            label="Key of the server"
            type="password"
            optional={true}
            maxlength={4_000}
            autocomplete="new-password"
            help={
              keepsKey
                ? 'A key is held. Left empty it stays, as long as address, kind and name do.'
                : 'Sent to the server as Authorization: Bearer. It is kept encrypted and never shown again.'
            }
          />
          {keepsKey && (
            <label class="flex items-start gap-2 text-sm">
              <input
                class="checkbox checkbox-sm"
                type="checkbox"
                name="noSecret"
                value="yes"
                checked={formValue(form, 'noSecret') === 'yes'}
              />
              Take the key away: this server asks for none
            </label>
          )}
        </div>
        <div class="flex flex-wrap gap-2">
          <Button look="primary" icon={changing === null ? 'plus' : 'check'}>
            {changing === null ? 'Add server' : 'Save server'}
          </Button>
          {changing !== null && <LinkButton href={here}>Cancel</LinkButton>}
        </div>
      </form>
    </SettingsSection>
  )
}

const wayWords: Readonly<Record<WayToTry, string>> = {
  chat: 'a chat message',
  completion: 'a text to go on with',
  embedding: 'a text to turn into a vector',
  classic: 'inputs of the classic API',
}

function TrySection({ tried, here }: Placed) {
  const { form, answer } = tried
  return (
    <SettingsSection id="try-h" title="Try it" help="Your call, written down as any other">
      <form class="p-4 grid gap-4" method="post" action={`${here}/try#try-h`}>
        <FormProblem form={form} />
        <div class="sm:max-w-80">
          <SelectField
            form={form}
            name="way"
            label="Send"
            value={tried.way}
            choices={Object.entries(wayWords).map(([value, label]) => ({ value, label }))}
          />
        </div>
        <TextArea form={form} name="text" label="Text" rows={3} maxlength={4_000} value="Hello" />
        <div>
          <Button>Call the model</Button>
        </div>
        {answer && <Answer answer={answer} />}
      </form>
    </SettingsSection>
  )
}

function Answer({ answer }: { answer: Tried }) {
  const { tokensIn, tokensOut } = answer.counts
  const tokens =
    tokensIn === null && tokensOut === null
      ? 'The server did not say how many tokens it took.'
      : `${countWords(tokensIn ?? 0)} tokens in, ${countWords(tokensOut ?? 0)} out.`
  return (
    <div class="grid grid-cols-[minmax(0,1fr)] gap-1.5" role="status">
      <h3 class="text-sm font-semibold">It answers</h3>
      {answer.text === '' ? (
        <p class="text-sm text-muted">An empty text.</p>
      ) : (
        <p class="rounded-field bg-base-300 px-3 py-2 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
          {answer.text}
        </p>
      )}
      <p class="text-xs text-muted">
        {countWords(answer.tookMs)} ms. {tokens}
        {answer.isCut && ' Only the beginning of the answer is shown.'}
      </p>
    </div>
  )
}

function RevisionSection({ repo, revision, commit, revisionForm, madeFrom, here }: Placed) {
  return (
    <SettingsSection id="revision-h" title="Revision">
      <form class="p-4 grid gap-4" method="post" action={`${here}/revision`}>
        <input type="hidden" name="madeFrom" value={madeFrom} />
        <FormProblem form={revisionForm} />
        <div class="sm:max-w-80">
          <TextField
            form={revisionForm}
            name="revision"
            label="What the servers run"
            value={revision ?? ''}
            optional={true}
            maxlength={200}
            verbatim={true}
            placeholder="the head"
            help="A branch, tag or commit; it stays at the commit that it is when you save. Without one: the head."
          />
        </div>
        <p class="text-sm text-muted">
          {commit === null ? (
            'It is the head that is checked for unsafe files before a call, and written down. The hub cannot see what a server has loaded.'
          ) : (
            <>
              <a class="a" href={commitPath(repo, commit)}>
                <code>{commit.slice(0, 7)}</code>
              </a>{' '}
              is checked for unsafe files before a call, and written down. The hub cannot see what a server has loaded.
            </>
          )}
        </p>
        <div>
          <Button>Save revision</Button>
        </div>
      </form>
    </SettingsSection>
  )
}

function ServersQuestion({ dialog, here, madeFrom, servers, repo }: Placed & { dialog: ServersDialog }) {
  const isEnd = dialog.kind === 'end' || servers.length === 1
  const [first] = servers
  const server = dialog.kind === 'remove' ? dialog.server : first
  const keys = (isEnd ? servers : servers.filter(({ id }) => id === server?.id)).some(({ hasSecret }) => hasSecret)
  return (
    <Dialog
      title={isEnd ? 'End inference' : 'Remove server'}
      closeHref={here}
      action={isEnd ? `${here}/end` : `${here}/${server?.id ?? ''}/remove`}
      submit={
        <Button look="error" icon="trash-2">
          {isEnd ? 'End inference' : 'Remove server'}
        </Button>
      }
    >
      <input type="hidden" name="madeFrom" value={madeFrom} />
      {isEnd ? (
        <p class="text-sm [overflow-wrap:anywhere]">
          Nobody answers for <b>{repoId(repo)}</b> any more: who calls it is told so from the next call on. Answers that
          have begun come to their end.
        </p>
      ) : (
        <p class="text-sm [overflow-wrap:anywhere]">
          <b>{server?.url}</b> gets no more calls; the other servers answer. Answers that have begun come to their end.
        </p>
      )}
      <p class="text-sm text-muted">
        {isEnd ? 'They can be named again at any time' : 'It can be added again at any time'}
        {keys && ', with the key: the one that is held is forgotten'}.
      </p>
    </Dialog>
  )
}
