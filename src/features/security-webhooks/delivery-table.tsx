/* What was sent to a webhook and how it was taken; the body opens on request. */
import { Badge } from '../../web/badge.tsx'
import { Button } from '../../web/button.tsx'
import { Cell, Row, Rows } from '../../web/rows.tsx'
import { counted } from '../../web/size.ts'
import { exactTime } from '../../web/time-words.ts'

export type DeliveryView = {
  id: string
  at: number
  kind: 'events' | 'test' | 'again'
  status: number | null
  error: string | null
  events: number
  tookMs: number
  body: string
}

/** Of longer bodies the API has the rest. */
const shownOfBody = 4_000

const kindWords: Readonly<Record<DeliveryView['kind'], string>> = {
  events: 'events',
  test: 'a test',
  again: 'delivered again',
}

/** Posts to {here}/deliveries/{id}/redeliver. */
export function DeliveryTable(props: { deliveries: readonly DeliveryView[]; here: string; mayChange: boolean }) {
  return (
    <section class="scroll-x" tabindex={0} aria-label="Deliveries, scrolls sideways">
      <Rows
        caption={`Deliveries, newest first, ${props.deliveries.length}`}
        columns={[
          { label: 'When (UTC)' },
          { label: 'Answer' },
          { label: 'What' },
          { label: 'Took' },
          { label: 'Actions', silent: true },
        ]}
      >
        {props.deliveries.map((delivery) => (
          <DeliveryRow delivery={delivery} here={props.here} mayChange={props.mayChange} />
        ))}
      </Rows>
    </section>
  )
}

function DeliveryRow({ delivery, here, mayChange }: { delivery: DeliveryView; here: string; mayChange: boolean }) {
  const { at, status, error, body } = delivery
  const moment = new Date(at).toISOString()
  const when = `${moment.slice(0, 10)} ${moment.slice(11, 19)}`
  return (
    <Row>
      {/* biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles */}
      <th role="rowheader" scope="row" class="nowrap font-normal! text-muted align-top! items-start!">
        <time datetime={moment} title={exactTime(at)}>
          {when}
        </time>
      </th>
      <Cell label="Answer" class="nowrap align-top! items-start!">
        {error === null ? (
          <Badge look="success" icon="circle-check">
            {status}
          </Badge>
        ) : (
          <Badge look="error" icon="circle-x">
            {status ?? 'none'}
          </Badge>
        )}
      </Cell>
      <Cell label="What" class="align-top! items-start!">
        <details>
          <summary>{delivery.kind === 'events' ? counted(delivery.events, 'event') : kindWords[delivery.kind]}</summary>
          {error !== null && <p class="wrap-anywhere py-1">{error}</p>}
          <p class="text-xs text-muted py-1">
            Delivery <code>{delivery.id}</code>
          </p>
          <pre class="text-xs whitespace-pre-wrap wrap-anywhere max-h-80 overflow-y-auto" tabindex={0}>
            {body.slice(0, shownOfBody)}
            {body.length > shownOfBody && '…'}
          </pre>
        </details>
      </Cell>
      <Cell label="Took" class="nowrap text-muted align-top! items-start!">
        {delivery.tookMs} ms
      </Cell>
      <Cell class="align-top! items-start!">
        {mayChange && (
          <form method="post" action={`${here}/deliveries/${encodeURIComponent(delivery.id)}/redeliver`}>
            <Button class="nowrap" label={`Deliver again what was sent at ${when}`}>
              Deliver again
            </Button>
          </form>
        )}
      </Cell>
    </Row>
  )
}
