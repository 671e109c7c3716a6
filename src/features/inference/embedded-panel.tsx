/* A model that the hub runs itself: how far it is loaded; and the button that has it do so. */
import type { Child } from 'hono/jsx'
import { commitPath } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import { sizeWords } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import type { Placed, RunningView } from './server-view.ts'

export function EmbeddedPanel({ embedded, repo, commit, revision, here }: Placed) {
  const { running, isInstalled, command, most } = embedded
  if (running === null) return null
  const { graph } = running
  return (
    <section class="panel" aria-labelledby="hub-h">
      <div class="panel-head">
        <h2 id="hub-h">This hub runs it</h2>
      </div>
      <div class="p-4 grid grid-cols-[minmax(0,1fr)] gap-4">
        {!isInstalled && <Missing command={command} />}
        <dl class="facts">
          <dt>State</dt>
          <dd>
            <State running={running} isInstalled={isInstalled} most={most} here={here} />
          </dd>
          <dt>Runs</dt>
          <dd>
            {commit === null ? (
              'the head: what is pushed next takes its place'
            ) : (
              <>
                {revision !== null && revision !== commit && `${revision}, at `}
                <a class="a" href={commitPath(repo, commit)}>
                  <code>{commit.slice(0, 7)}</code>
                </a>
              </>
            )}
          </dd>
          {graph && (
            <>
              <dt>Task</dt>
              <dd>{graph.task ?? 'not said in its card (pipeline_tag): a call names it in its address'}</dd>
              <dt>Weights</dt>
              <dd>
                {sizeWords(graph.weights)} ({graph.dtype})
              </dd>
            </>
          )}
        </dl>
        <p class="text-xs text-muted">
          As this process of the hub sees it. Of models that have not been called for long, the oldest makes room for
          the next; the call after that loads it again.
        </p>
      </div>
    </section>
  )
}

function State({
  running,
  isInstalled,
  most,
  here,
}: {
  running: RunningView
  isInstalled: boolean
  most: number
  here: string
}): Child {
  const { state, bytes, of, memory, why, notRunnable, hasFiles } = running
  if (!hasFiles)
    return (
      <Told
        badge={
          <Badge look="warning" icon="upload">
            no files yet
          </Badge>
        }
      >
        Upload it, and it can be called.
      </Told>
    )
  if (notRunnable !== null)
    return (
      <Told
        badge={
          <Badge look="error" icon="circle-x">
            cannot be run
          </Badge>
        }
      >
        {notRunnable}
      </Told>
    )
  switch (state) {
    case 'not loaded':
      return (
        <Told badge={<Badge icon="circle-minus">not loaded</Badge>}>
          {isInstalled ? 'The first call loads it, and waits for it.' : 'It waits for the library.'}
        </Told>
      )
    case 'loading': {
      const words = of === 0 ? 'Its files are looked up.' : `${sizeWords(bytes)} of ${sizeWords(of)} are read.`
      return (
        <Told badge={<Badge icon="refresh-cw">loading</Badge>}>
          <span class="grid gap-1.5 max-w-80">
            <progress
              class="progress progress-primary w-full"
              {...(of === 0 ? {} : { value: bytes, max: of })}
              aria-label={`Loading: ${words}`}
            />
            <span>
              {words}{' '}
              <a class="a" href={here}>
                Look again
              </a>
            </span>
          </span>
        </Told>
      )
    }
    case 'loaded':
      return (
        <Told
          badge={
            <Badge look="success" icon="check">
              loaded
            </Badge>
          }
        >
          It takes {sizeWords(memory)} of the {sizeWords(most)} that models have together.
        </Told>
      )
    case 'failed':
      return (
        <Told
          badge={
            <Badge look="error" icon="circle-off">
              failed
            </Badge>
          }
        >
          {why ?? 'It is not known why.'} A call in a while tries it again.
        </Told>
      )
  }
}

function Told({ badge, children }: { badge: Child; children: Child }) {
  return (
    <span class="grid gap-1 justify-items-start">
      {badge}
      <span class="text-sm [overflow-wrap:anywhere]">{children}</span>
    </span>
  )
}

/** To be added by whoever runs the hub. */
function Missing({ command }: { command: string }) {
  return (
    <div class="grid grid-cols-[minmax(0,1fr)] gap-2">
      <Notice kind="warning" small={true} standing={true}>
        The library that runs models is not installed on this hub. Whoever runs the hub adds it with this command in its
        folder, and starts the hub again:
      </Notice>
      <Snippet label="command that adds the library" code={command} />
    </div>
  )
}

/** A form where nothing goes with it; where servers do, a question comes first. */
export function EmbedSection({ embedded, servers, madeFrom, here }: Placed) {
  const { isInstalled, command, form } = embedded
  return (
    <SettingsSection id="embed-h" title="Run it on this hub">
      <form class="p-4 grid grid-cols-[minmax(0,1fr)] gap-4" method="post" action={`${here}/embedded#embed-h`}>
        <input type="hidden" name="madeFrom" value={madeFrom} />
        <FormProblem form={form} />
        <div class="grid grid-cols-[minmax(0,1fr)] gap-2 text-sm text-muted">
          <p>
            The hub runs a small model on its own processors, straight from its files: for vectors, classification,
            answers, short texts.
          </p>
          <p>
            It takes <code>config.json</code>, <code>tokenizer.json</code> (of images{' '}
            <code>preprocessor_config.json</code>) and a graph in ONNX, such as <code>onnx/model.onnx</code>. A model
            without one is exported with <code class="[overflow-wrap:anywhere]">optimum-cli export onnx</code>.
          </p>
          {servers.length > 0 && isInstalled && (
            <p>It takes the place of the servers, which are forgotten with their keys.</p>
          )}
        </div>
        {!isInstalled ? (
          <Missing command={command} />
        ) : (
          <div>
            {servers.length === 0 ? (
              <Button>Run it on this hub</Button>
            ) : (
              <LinkButton look="danger" href={`${here}?dialog=embed`} dialog={true}>
                Run it on this hub
              </LinkButton>
            )}
          </div>
        )}
      </form>
    </SettingsSection>
  )
}
