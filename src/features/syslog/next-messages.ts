/** What comes after a place of the sealed log, as messages. */
import { isInScope } from '../../domain/event-scopes.ts'
import type { Hub } from '../../hub.ts'
import { presentEvents, selectDownloadsAfter, selectSealedAfter } from '../audit/service.ts'
import { downloadMessage, eventMessage } from './event-message.ts'
import type { Cursor } from './queries.ts'

const rowsAtOnce = 500

export interface Batch {
  readonly messages: readonly { readonly bytes: Buffer; readonly cursor: Cursor }[]
  /** Behind all that was looked at, also behind what nobody asked for. */
  readonly cursor: Cursor
  /** There is more behind it. */
  readonly isFull: boolean
}

export async function nextMessages(hub: Hub, from: Cursor): Promise<Batch> {
  const scopes = hub.config.syslogActions
  const host = new URL(hub.config.publicUrl).hostname
  const messages: { bytes: Buffer; cursor: Cursor }[] = []
  let cursor = from
  const rows = await selectSealedAfter(hub.db, from, rowsAtOnce)
  const wanted = rows.filter(({ action }) => isInScope(scopes, action))
  const presented = await presentEvents(
    hub,
    wanted.map(({ seal: _seal, position: _position, ...event }) => event),
  )
  for (const [at, event] of wanted.entries()) {
    const shown = presented[at]
    if (shown === undefined) throw new Error(`Event ${event.id} was not presented.`)
    cursor = { ...cursor, seal: event.seal, position: event.position }
    messages.push({ bytes: eventMessage(host, event, shown), cursor })
  }
  const last = rows.at(-1)
  if (last !== undefined) cursor = { ...cursor, seal: last.seal, position: last.position }
  const wantsDownloads = scopes.includes('*') || scopes.includes('download.*')
  const after = { seal: from.downloadSeal, id: from.downloadId }
  const records = wantsDownloads ? await selectDownloadsAfter(hub.db, after, rowsAtOnce) : []
  for (const record of records) {
    cursor = { ...cursor, downloadSeal: record.seal, downloadId: record.id }
    messages.push({ bytes: downloadMessage(host, record), cursor })
  }
  return { messages, cursor, isFull: rows.length === rowsAtOnce || records.length === rowsAtOnce }
}
