/**
 * Sends a long list as one JSON array, as lines of JSON, or as a table, made while it is sent. The client's pace is ours: a page is read when the one before is on its way, so no
 * query waits for a slow reader, and memory holds one page. A client that reads nothing for a minute, or goes, ends it.
 */
import { csvLine } from './csv.ts'
import type { HttpRequest } from './http-request.ts'
import { type Reply, taken } from './reply.ts'

/** As the Hub's exports. */
export const mostExported = 100_000
const rowsOfPage = 500
const usualStallMs = 60_000

export interface ArraySource<Position> {
  readonly fileName: string
  /** `items` as they go out. `after`: what `next` of the page before said; null for the first. */
  page(after: Position | null, limit: number): Promise<{ items: readonly object[]; next: Position | null }>
  /** Called before each page but the first: what was allowed a while ago may no longer be. Throws where it is not. */
  stillAllowed(): Promise<unknown>
  readonly stallMs?: number
  /** At most so many items; `mostExported` unless said. */
  readonly most?: number
}

interface Form {
  readonly type: string
  readonly first: string
  readonly between: string
  readonly last: string
  readonly empty: string
  /** As it stands in the list. */
  write(item: object): string
}

const array: Form = {
  type: 'application/json; charset=utf-8',
  first: '[',
  between: ',\n',
  last: ']',
  empty: '[]',
  write: JSON.stringify,
}
const lines: Form = {
  type: 'application/x-ndjson; charset=utf-8',
  first: '',
  between: '\n',
  last: '\n',
  empty: '',
  write: JSON.stringify,
}

/** At most `mostExported` items. */
export async function replyWithJsonArray<Position>(
  request: HttpRequest,
  source: ArraySource<Position>,
): Promise<Reply> {
  return await replyWithItems(request, source, array)
}

/** The same, an item a line: a reader takes what came also where the end is missing. */
export async function replyWithLines<Position>(request: HttpRequest, source: ArraySource<Position>): Promise<Reply> {
  return await replyWithItems(request, source, lines)
}

/** The same as a table for spreadsheets: what each item has under the names of the columns. */
export async function replyWithCsv<Position>(
  request: HttpRequest,
  source: ArraySource<Position> & { readonly columns: readonly string[] },
): Promise<Reply> {
  const head = csvLine(source.columns)
  return await replyWithItems(request, source, {
    type: 'text/csv; charset=utf-8',
    first: head,
    between: '',
    last: '',
    empty: head,
    write: (item) => csvLine(source.columns.map((column) => (item as Readonly<Record<string, unknown>>)[column])),
  })
}

async function replyWithItems<Position>(
  { response, method }: HttpRequest,
  source: ArraySource<Position>,
  form: Form,
): Promise<Reply> {
  let page = await source.page(null, rowsOfPage)
  response.writeHead(200, {
    'content-type': form.type,
    'content-disposition': `attachment; filename="${source.fileName}"`,
    'cache-control': 'no-store',
  })
  if (method === 'HEAD') {
    response.end()
    return taken
  }
  let left = source.most ?? mostExported
  let mark = form.first
  let isEmpty = true
  for (;;) {
    let text = ''
    for (const item of page.items.slice(0, left)) {
      text += `${mark}${form.write(item)}`
      mark = form.between
      isEmpty = false
    }
    left -= page.items.length
    if (
      !response.write(text === '' && form === array ? ' ' : text) &&
      !(await drained(response, source.stallMs ?? usualStallMs))
    )
      return taken
    if (page.next === null || left <= 0) break
    await source.stillAllowed()
    page = await source.page(page.next, rowsOfPage)
  }
  response.end(isEmpty ? form.empty : form.last)
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
