/* The servers that answer for a model, with the share of calls that each gets and how it does. */
import type { Child } from 'hono/jsx'
import { repoId, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Empty } from '../../web/empty.tsx'
import type { RepoView } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import { kindTitles } from './server-form.ts'
import type { Placed, ServerView } from './server-view.ts'

export function ServersPanel(props: Placed) {
  const { servers, repo } = props
  return (
    <section class="panel" aria-labelledby="servers-h">
      <div class="panel-head">
        <h2 id="servers-h">Servers that answer</h2>
        {servers.length > 0 && <span class="count">{servers.length}</span>}
      </div>
      {servers.length === 0 ? <NoServers repo={repo} /> : <ServerTable {...props} />}
    </section>
  )
}

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
