/** Many small requests over connections that stay open, one under way on each. Bounded in time and in number. */
import { percentile } from '../figures.ts'
import { openSocket, readHead, requestHead } from './raw-http.ts'

export interface LoadOptions {
  readonly url: string
  /** More addresses of the same server, which all connections together go round and round. */
  readonly more?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly requests: number
  /** With those of the warm-up. */
  readonly answered: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

const warmUpSeconds = 0.3
const mostRequests = 1_000_000
const lengthMark = Buffer.from('ontent-length: ', 'latin1')
const lengthMarkTitle = Buffer.from('ontent-Length: ', 'latin1')
const headEnd = Buffer.from('\r\n\r\n')

export async function load(options: LoadOptions): Promise<void> {
  const url = new URL(options.url)
  const requests = [url, ...(options.more ?? []).map((one) => new URL(one))].map((one) =>
    Buffer.from(requestHead('GET', one, options.headers)),
  )
  let sent = 0
  const next = (): Buffer => requests[sent++ % requests.length] as Buffer
  let answered = 0
  const latencies: number[] = []
  const startedAt = performance.now()
  const countFrom = startedAt + Math.min(warmUpSeconds, options.seconds / 2) * 1000
  const stopAt = countFrom + options.seconds * 1000
  let failure: Error | null = null
  const one = async (): Promise<void> => {
    let sentAt = 0
    let pending: Buffer | null = null
    let finish: (() => void) | null = null
    const socket = await openSocket(
      url,
      (piece) => {
        const bytes: Buffer = pending === null ? piece : Buffer.concat([pending, piece])
        const total = answerLength(bytes)
        if (total === null || bytes.length < total) {
          // The socket's buffer is used again: what is kept must be a copy.
          pending = Buffer.from(bytes)
          return
        }
        pending = null
        if (bytes.length !== total || bytes.toString('latin1', 9, 12) !== '200') {
          failure ??= new Error(`The server answered: ${bytes.toString('latin1', 0, 600)}`)
          finish?.()
          return
        }
        const now = performance.now()
        answered++
        if (now >= countFrom) latencies.push(now - sentAt)
        if (now >= stopAt || latencies.length >= mostRequests || failure !== null) {
          finish?.()
          return
        }
        sentAt = now
        socket.write(next())
      },
      65_536,
    )
    await new Promise<void>((resolve, reject) => {
      finish = resolve
      socket.once('error', reject)
      socket.once('close', resolve)
      sentAt = performance.now()
      socket.write(next())
    })
    socket.destroy()
  }
  await Promise.all(Array.from({ length: options.connections }, one))
  if (failure !== null) throw failure
  const result: LoadResult = {
    requests: latencies.length,
    answered,
    perSecond: latencies.length / ((performance.now() - countFrom) / 1000),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** Length of the whole answer, or null while its head is incomplete. Looks for one header only: this runs for each answer. */
function answerLength(bytes: Buffer): number | null {
  const end = bytes.indexOf(headEnd)
  if (end === -1) return null
  let at = bytes.indexOf(lengthMark)
  if (at === -1 || at > end) at = bytes.indexOf(lengthMarkTitle)
  if (at === -1 || at > end)
    throw new Error(`No length in the answer: ${JSON.stringify([...(readHead(bytes)?.headers ?? [])])}`)
  let length = 0
  for (let index = at + lengthMark.length; ; index++) {
    const digit = (bytes[index] ?? 0) - 48
    if (digit < 0 || digit > 9) break
    length = length * 10 + digit
  }
  return end + headEnd.length + length
}
