/* Entries of an audit log as a table: when, who, which event, what, with which credential, from where. The rest opens on request. */
import { namespacePath } from '../../web/address.ts'
import { Cell, Row, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { exactTime } from '../../web/time-words.ts'
import { Who } from '../../web/who.tsx'
import type { LogEntry } from './present.ts'

export function EntryTable(props: { organization: string | null; entries: readonly LogEntry[] }) {
  const { entries } = props
  return (
    <section class="scroll-x" tabindex={0} aria-label="Audit entries, scrolls sideways">
      <Rows
        caption={`Audit log, newest first, ${entries.length} entries`}
        columns={[
          { label: 'When (UTC)' },
          { label: 'Who' },
          { label: 'Event' },
          { label: 'What' },
          { label: 'With' },
          { label: 'From' },
        ]}
      >
        {entries.map((entry) => (
          <EntryRow organization={props.organization} entry={entry} />
        ))}
      </Rows>
    </section>
  )
}

function EntryRow(props: { organization: string | null; entry: LogEntry }) {
  const { entry } = props
  const { event } = entry
  const moment = new Date(event.at).toISOString()
  return (
    <Row>
      <Cell class="nowrap text-muted align-top! items-start!">
        <time datetime={moment} title={exactTime(event.at)}>
          {moment.slice(0, 10)} {moment.slice(11, 19)}
        </time>
      </Cell>
      {/* biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles */}
      <th role="rowheader" scope="row" class="font-normal! align-top! items-start!">
        <Actor organization={props.organization} entry={entry} />
      </th>
      <Cell label="Event" class="nowrap align-top! items-start!">
        <code>{event.action}</code>
      </Cell>
      <Cell label="What" class="align-top! items-start!">
        <Details entry={entry} />
      </Cell>
      <Cell label="With" class="nowrap text-muted align-top! items-start!">
        <With entry={entry} />
      </Cell>
      <Cell label="From" class="nowrap text-muted align-top! items-start!">
        {event.ip === null ? '–' : <code>{event.ip}</code>}
      </Cell>
    </Row>
  )
}

function Actor({ organization, entry }: { organization: string | null; entry: LogEntry }) {
  const { actorKind, actorName, actorId } = entry.event
  const kind = actorKind === 'user' || actorKind === 'service-account' ? actorKind : 'hub'
  const words = actorKind === 'anonymous' ? 'somebody not signed in' : actorName
  const href =
    kind === 'hub' || entry.isActorDeleted
      ? null
      : kind === 'user'
        ? namespacePath(actorName)
        : organization === null
          ? null
          : organizationSettingsPath(organization, `service-accounts/${actorId}`)
  return (
    <span class="flex items-start gap-2">
      <Who kind={kind} name={actorName} size="small" off={entry.isActorDeleted} />
      <span class="md:min-w-28 max-w-44 wrap-break-word">
        {href === null ? (
          words
        ) : (
          <a class="quiet" href={href}>
            {words}
          </a>
        )}
        <WhatActor entry={entry} />
      </span>
    </span>
  )
}

function WhatActor({ entry }: { entry: LogEntry }) {
  const { actorKind } = entry.event
  const kinds = {
    user: entry.isActorDeleted ? 'deleted account' : null,
    'service-account': entry.isActorDeleted ? 'deleted service account' : 'service account',
    system: 'this hub',
    organization: 'the organization itself',
    anonymous: null,
  } as const
  const words = kinds[actorKind]
  return words === null ? null : <span class="block text-xs text-muted">{words}</span>
}

function With({ entry }: { entry: LogEntry }) {
  const { credentialKind, credentialLast4 } = entry.event
  if (credentialKind === null) return <>–</>
  if (credentialKind === 'session') return <>session</>
  return (
    <>
      <span class="block max-w-36 truncate" title={entry.token?.name}>
        {entry.token?.name ?? 'deleted token'}
      </span>
      <code>hf_…{credentialLast4}</code>
    </>
  )
}

/** The sentence opens to everything that the event holds. */
function Details({ entry }: { entry: LogEntry }) {
  const { event } = entry
  const facts: readonly (readonly [string, string | null])[] = [
    ['On', [event.resourceKind, event.resourceName ?? event.resourceId].filter((word) => word !== null).join(' ')],
    ['Seal', entry.seal === null ? 'waits for the next seal' : `sealed in seal ${entry.seal}`],
    ['User agent', event.userAgent],
    ['Request', event.requestId],
    ['Entry', event.id],
  ]
  return (
    <details>
      <summary class="wrap-anywhere">{entry.message}</summary>
      <dl class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 py-2 text-xs">
        {facts.map(
          ([name, value]) =>
            value !== null && (
              <>
                <dt class="text-muted">{name}</dt>
                <dd class="wrap-anywhere">{value}</dd>
              </>
            ),
        )}
        {Object.entries(entry.details).map(([key, value]) => (
          <>
            <dt class="text-muted">{key}</dt>
            <dd class="wrap-anywhere">
              <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
            </dd>
          </>
        ))}
      </dl>
    </details>
  )
}
