/* What a token could reach and what it did reach, and the one press that narrows it to that. */
import { Button } from './button.tsx'
import { Empty } from './empty.tsx'
import { Notice } from './notice.tsx'
import { Cell, Row, RowHead, Rows } from './rows.tsx'
import { countWords, sizeWords } from './size.ts'
import { Time } from './time.tsx'

export type UsageView = {
  firstUsedAt: number | null
  lastUsedAt: number | null
  things: readonly {
    /** "acme/m1", or what stands for what has no name. */
    name: string
    type: string
    href: string | null
    permissions: readonly string[]
    reads: number
    writes: number
    bytes: number
    lastDay: number
  }[]
  unused: readonly string[]
  addresses: readonly CallerView[]
  programs: readonly CallerView[]
}

type CallerView = { value: string; firstAt: number; lastAt: number; uses: number }

/** `reason`: why there is none. */
export type ShrinkView =
  | { kind: 'proposal'; before: readonly string[]; after: readonly string[]; losesRole: boolean }
  | { kind: 'none'; reason: string }

/** *Shrink* posts to `{address}/shrink`. */
export function TokenUsageParts(props: { usage: UsageView; shrink: ShrinkView; address: string; mayShrink: boolean }) {
  const { usage, shrink } = props
  return (
    <>
      {usage.firstUsedAt === null ? (
        <section class="panel">
          <Empty icon="activity" title="No use is recorded">
            What a token touches is written down within a minute, and kept for 90 days.
          </Empty>
        </section>
      ) : (
        <>
          <p class="text-sm text-muted">
            First use recorded <Time at={usage.firstUsedAt} />
            {usage.lastUsedAt !== null && (
              <>
                , last used <Time at={usage.lastUsedAt} />
              </>
            )}
            . What it touches is written down within a minute, and kept for 90 days.
          </p>
          <section class="panel" aria-labelledby="touched-h">
            <h2 id="touched-h" class="px-4 pt-3">
              What it did reach
            </h2>
            <Rows caption="What this token did reach" columns={thingColumns}>
              {usage.things.map((thing) => (
                <Row>
                  <RowHead>
                    {thing.href === null ? (
                      <span class="text-muted">{thing.name}</span>
                    ) : (
                      <a class="quiet [overflow-wrap:anywhere]" href={thing.href}>
                        {thing.name}
                      </a>
                    )}
                    <span class="text-xs text-muted block mt-0.5">
                      {thing.type} · {thing.permissions.join(', ')}
                    </span>
                  </RowHead>
                  <Cell label="Reads">{countWords(thing.reads)}</Cell>
                  <Cell label="Writes">{countWords(thing.writes)}</Cell>
                  <Cell label="Sent" class="nowrap">
                    {sizeWords(thing.bytes)}
                  </Cell>
                  <Cell label="Last day" class="nowrap">
                    {new Date(thing.lastDay).toISOString().slice(0, 10)}
                  </Cell>
                </Row>
              ))}
            </Rows>
          </section>
        </>
      )}
      {usage.unused.length > 0 && (
        <p class="text-sm">
          Nothing needed these permissions: <code class="[overflow-wrap:anywhere]">{usage.unused.join(', ')}</code>.
        </p>
      )}
      <section class="panel p-4 grid grid-cols-[minmax(0,1fr)] gap-4" aria-labelledby="shrink-h">
        <h2 id="shrink-h">Shrink to what was used</h2>
        {shrink.kind === 'none' ? (
          <p class="text-sm text-muted">{shrink.reason}</p>
        ) : (
          <>
            <div class="grid gap-4 md:grid-cols-2">
              <Words title="What it could reach" words={shrink.before} />
              <Words title="What it would keep" words={shrink.after} />
            </div>
            <Notice kind="info" small={true}>
              It holds from the next request; the value stays, and child tokens end.{' '}
              {shrink.losesRole
                ? 'The token becomes fine-grained, which cannot be turned back. You can tick more for it afterwards.'
                : 'You can tick more for it again afterwards.'}
            </Notice>
            {props.mayShrink && (
              <form method="post" action={`${props.address}/shrink`}>
                <Button look="primary">Shrink to what was used</Button>
              </form>
            )}
          </>
        )}
      </section>
      {usage.addresses.length > 0 && (
        <div class="grid gap-4 lg:grid-cols-2 items-start">
          <Callers id="addresses-h" title="From where" callers={usage.addresses} />
          <Callers id="programs-h" title="By which programs" callers={usage.programs} />
        </div>
      )}
    </>
  )
}

const thingColumns = [
  { label: 'What' },
  { label: 'Reads' },
  { label: 'Writes' },
  { label: 'Sent' },
  { label: 'Last day (UTC)' },
]
const callerColumns = [{ label: 'Which' }, { label: 'Requests' }, { label: 'First' }, { label: 'Last' }]

function Words({ title, words }: { title: string; words: readonly string[] }) {
  return (
    <div>
      <h3 class="text-sm text-muted mb-1">{title}</h3>
      <ul class="grid gap-1 text-sm">
        {words.map((line) => (
          <li>
            <code class="[overflow-wrap:anywhere]">{line}</code>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Callers(props: { id: string; title: string; callers: readonly CallerView[] }) {
  return (
    <section class="panel" aria-labelledby={props.id}>
      <h2 id={props.id} class="px-4 pt-3">
        {props.title}
      </h2>
      <Rows caption={props.title} columns={callerColumns}>
        {props.callers.map((caller) => (
          <Row>
            <RowHead>
              <code class="[overflow-wrap:anywhere]">{caller.value}</code>
            </RowHead>
            <Cell label="Requests">{countWords(caller.uses)}</Cell>
            <Cell label="First" class="nowrap">
              <Time at={caller.firstAt} />
            </Cell>
            <Cell label="Last" class="nowrap">
              <Time at={caller.lastAt} />
            </Cell>
          </Row>
        ))}
      </Rows>
    </section>
  )
}
