/* What is asked before servers go. */
import { repoId } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import type { Placed, ServersDialog } from './server-view.ts'

export function ServersQuestion(props: Placed & { dialog: ServersDialog }) {
  return props.dialog.kind === 'embed' ? <EmbedQuestion {...props} /> : <EndQuestion {...props} dialog={props.dialog} />
}

/** The hub takes their place. */
function EmbedQuestion({ here, madeFrom, servers, repo, revision }: Placed) {
  const hasKeys = servers.some(({ hasSecret }) => hasSecret)
  return (
    <Dialog
      title="Run it on this hub"
      closeHref={here}
      action={`${here}/embedded`}
      submit={<Button look="error">Replace {servers.length === 1 ? 'the server' : 'the servers'}</Button>}
    >
      <input type="hidden" name="madeFrom" value={madeFrom} />
      <p class="text-sm [overflow-wrap:anywhere]">
        The hub runs <b>{repoId(repo)}</b> itself from the next call on, at {revision ?? 'the head'} as the servers did.
        These get no more calls; answers that have begun come to their end:
      </p>
      <ul class="text-sm grid gap-1">
        {servers.map(({ url }) => (
          <li class="[overflow-wrap:anywhere]">
            <code>{url}</code>
          </li>
        ))}
      </ul>
      <p class="text-sm text-muted">
        {hasKeys
          ? 'They and their keys are forgotten. The keys cannot be recovered: who names the servers again types them again.'
          : 'They are forgotten, and can be named again at any time.'}
      </p>
    </Dialog>
  )
}

function EndQuestion({
  dialog,
  here,
  madeFrom,
  servers,
  embedded,
  repo,
}: Placed & { dialog: Exclude<ServersDialog, { kind: 'embed' }> }) {
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
        {embedded.running !== null
          ? 'The hub can run it again at any time'
          : isEnd
            ? 'They can be named again at any time'
            : 'It can be added again at any time'}
        {keys && ', with the key: the one that is held is forgotten'}.
      </p>
    </Dialog>
  )
}
