/** HTTP/1.1 on a bare socket: as little work for the client as can be, since it shares the machine with the server that is measured. */
import { connect, type Socket } from 'node:net'

export interface Head {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** Where the body begins. */
  readonly end: number
}

const blank = Buffer.from('\r\n\r\n')

/** The head at the start of `bytes`, or null while it is incomplete. */
export function readHead(bytes: Buffer): Head | null {
  const end = bytes.indexOf(blank)
  if (end === -1) return null
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(first.split(' ', 2)[1]), headers, end: end + blank.length }
}

export function requestHead(method: string, url: URL, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}\r\n`
}

/** `take` gets each piece; its buffer is used again for the next. */
export function openSocket(url: URL, take: (bytes: Buffer) => void, bufferSize: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafeSlow(bufferSize)
    const socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          take(buffer.subarray(0, length))
          return true
        },
      },
    })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}
