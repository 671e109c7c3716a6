/** Fetches one address and drops the bytes; follows redirects as a client does, and counts them in. */
import { openSocket, readHead, requestHead } from './raw-http.ts'

export interface DownloadOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export interface DownloadResult {
  readonly bytes: number
  readonly seconds: number
}

interface Fetched {
  readonly bytes: number
  readonly location: string | null
}

export async function download(options: DownloadOptions): Promise<void> {
  const startedAt = performance.now()
  let url = new URL(options.url)
  let fetched = await fetchOnce(url, options.headers)
  for (let hops = 0; fetched.location !== null && hops < 5; hops++) {
    url = new URL(fetched.location, url)
    fetched = await fetchOnce(url, options.headers)
  }
  const result: DownloadResult = { bytes: fetched.bytes, seconds: (performance.now() - startedAt) / 1000 }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

async function fetchOnce(url: URL, headers: Readonly<Record<string, string>>): Promise<Fetched> {
  let pending: Buffer | null = Buffer.alloc(0)
  let expected = Number.POSITIVE_INFINITY
  let received = 0
  let location: string | null = null
  let finish: (error: Error | null) => void = () => undefined
  const ended = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === null ? resolve() : reject(error))
  })
  const socket = await openSocket(
    url,
    (piece) => {
      if (pending !== null) {
        pending = Buffer.concat([pending, piece])
        const head = readHead(pending)
        if (head === null) return
        const isRedirect = head.status >= 300 && head.status < 400
        if (head.status !== 200 && !isRedirect) {
          finish(new Error(`The server answered: ${pending.toString('latin1', 0, 600)}`))
          return
        }
        location = isRedirect ? (head.headers.get('location') ?? null) : null
        expected = Number(head.headers.get('content-length') ?? Number.NaN)
        if (Number.isNaN(expected)) finish(new Error('The server announced no length.'))
        received = pending.length - head.end
        pending = null
      } else received += piece.length
      if (received >= expected) finish(null)
    },
    1 << 20,
  )
  socket.once('error', finish)
  socket.once('close', () => finish(new Error(`The connection ended after ${received} bytes.`)))
  socket.write(requestHead('GET', url, { ...headers, connection: 'close' }))
  try {
    await ended
  } finally {
    socket.destroy()
  }
  return { bytes: received, location }
}
