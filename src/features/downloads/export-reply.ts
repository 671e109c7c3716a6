/** Sends a list of downloads as one JSON array, a page at a time, as fast as the client reads; memory holds one page. */
import { once } from 'node:events'
import type { HttpRequest } from '../../access/http-request.ts'
import { type Reply, taken } from '../../access/reply.ts'
import type { DownloadPage } from './list.ts'
import { presentDownload } from './present.ts'

/** As exports of the audit log. */
const mostExported = 100_000
const rowsOfPage = 500
const stallMs = 60_000

export interface ExportSource {
  readonly fileName: string
  page(before: string | null, limit: number): Promise<DownloadPage>
  /** Called before each page: what was allowed a while ago may no longer be. Throws where it is not. */
  stillAllowed(): Promise<unknown>
}

/** Newest first, at most `mostExported`. A client that reads nothing for a minute, or goes, ends it. */
export async function replyWithExport({ response, method }: HttpRequest, source: ExportSource): Promise<Reply> {
  let page = await source.page(null, rowsOfPage)
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': `attachment; filename="${source.fileName}"`,
    'cache-control': 'no-store',
  })
  if (method === 'HEAD') {
    response.end()
    return taken
  }
  let left = mostExported
  let mark = '['
  for (;;) {
    let text = ''
    for (const record of page.records.slice(0, left)) {
      text += `${mark}${JSON.stringify(presentDownload(record))}`
      mark = ',\n'
    }
    left -= page.records.length
    if (text !== '' && !response.write(text) && !(await drained(response))) return taken
    if (page.next === null || left <= 0) break
    await source.stillAllowed()
    page = await source.page(page.next, rowsOfPage)
  }
  response.end(mark === '[' ? '[]' : ']')
  return taken
}

/** False where the client went, or was let go because it read nothing. */
async function drained(response: HttpRequest['response']): Promise<boolean> {
  if (response.destroyed) return false
  const over = new AbortController()
  const gone = (): void => over.abort()
  response.once('close', gone)
  const timer = setTimeout(gone, stallMs)
  try {
    await once(response, 'drain', { signal: over.signal })
    return true
  } catch (error) {
    if (!over.signal.aborted) throw error
    response.destroy()
    return false
  } finally {
    clearTimeout(timer)
    response.off('close', gone)
  }
}
