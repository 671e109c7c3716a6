/**
 * Sends the log as one JSON array, made while it is sent. The client's pace is ours: a page of the log is read when the one before is on its way,
 * so no query waits for a slow reader, and memory holds one page. A client that reads nothing for a minute, or goes, ends it.
 */
import type { HttpRequest } from '../../access/http-request.ts'
import { type Reply, taken } from '../../access/reply.ts'
import type { Hub } from '../../hub.ts'
import type { EventFilter } from './filter.ts'
import { listEvents } from './list-events.ts'
import { presentEntry } from './present.ts'

/** As on the Hub. */
export const mostExported = 100_000
const rowsOfPage = 500
const stallMs = 60_000

export interface ExportOptions {
  readonly fileName: string
  /** Called before each page: what was allowed a while ago may no longer be. Throws where it is not. */
  stillAllowed(): Promise<unknown>
  readonly stallMs?: number
}

/** Newest first, at most `mostExported`. */
export async function replyWithExport(
  hub: Hub,
  { response, method }: HttpRequest,
  filter: EventFilter,
  options: ExportOptions,
): Promise<Reply> {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': `attachment; filename="${options.fileName}"`,
    'cache-control': 'no-store',
  }
  let page = await listEvents(hub, filter, null, rowsOfPage)
  response.writeHead(200, headers)
  if (method === 'HEAD') {
    response.end()
    return taken
  }
  let left = mostExported
  let mark = '['
  for (;;) {
    let text = ''
    for (const entry of page.entries.slice(0, left)) {
      text += `${mark}${JSON.stringify(presentEntry(hub, entry))}`
      mark = ',\n'
    }
    left -= page.entries.length
    if (!response.write(text === '' ? ' ' : text) && !(await drained(response, options.stallMs ?? stallMs)))
      return taken
    if (page.next === null || left <= 0) break
    await options.stillAllowed()
    page = await listEvents(hub, filter, page.next, rowsOfPage)
  }
  response.end(mark === '[' ? '[]' : ']')
  return taken
}

/** False where the client went, or was let go because it read nothing. */
async function drained(response: HttpRequest['response'], limitMs: number): Promise<boolean> {
  if (response.destroyed) return false
  return await new Promise<boolean>((resolve) => {
    const end = (isDrained: boolean) => () => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      response.off('close', onClose)
      if (!isDrained) response.destroy()
      resolve(isDrained)
    }
    const onDrain = end(true)
    const onClose = end(false)
    const timer = setTimeout(onClose, limitMs)
    response.on('drain', onDrain)
    response.on('close', onClose)
  })
}
