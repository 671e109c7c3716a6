/**
 * A connection to a syslog receiver. Syslog has no answers, and what a socket took may still be lost on the way. So a connection ends with
 * `confirm`: we close our half and the receiver closes its own, which it does when it has read all that came before. A receiver that dies
 * before either closes too early or resets the connection, and then nothing of this connection counts as told.
 */
import { readFile } from 'node:fs/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface SyslogTarget {
  readonly protocol: 'tls' | 'tcp'
  readonly host: string
  readonly port: number
}

/** `reason` is for the administrator, who named the receiver. */
export class SyslogFault extends Error {
  readonly reason: string
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause })
    this.reason = reason
  }
}

export const connectLimitMs = 10_000
/** So long may a receiver take nothing. */
export const stallLimitMs = 15_000
/** Between the last message and the end: longer than news takes from the other side that it is gone. */
const quietMs = 1_000

/** Throws where the text is no `tls://host:port` or `tcp://host:port`. */
export function parseSyslogTarget(text: string): SyslogTarget {
  const match = /^(tls|tcp):\/\/(\[[0-9a-f:.]+\]|[^\s/:@[\]]+):(\d{1,5})\/?$/i.exec(text)
  const [, protocol, host, port] = match ?? []
  const number = Number(port)
  if (protocol === undefined || host === undefined || !(number >= 1 && number <= 65_535)) {
    throw new Error('tls://host:port, or tcp://host:port on a network that nobody else reads')
  }
  return {
    protocol: protocol.toLowerCase() === 'tls' ? 'tls' : 'tcp',
    host: host.replace(/^\[|\]$/g, ''),
    port: number,
  }
}

/** `caFile`: certificates in PEM that the receiver's must come from, in place of those that every system trusts. Throws `SyslogFault`. */
export async function connectSyslog(target: SyslogTarget, caFile: string | null): Promise<SyslogConnection> {
  const { host, port, protocol } = target
  if (protocol === 'tcp') return await opened(new SyslogConnection(connectTcp({ host, port })), 'connect')
  const ca = caFile === null ? null : await readCertificates(caFile)
  const socket = connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
  })
  return await opened(new SyslogConnection(socket), 'secureConnect')
}

async function opened(connection: SyslogConnection, event: 'connect' | 'secureConnect'): Promise<SyslogConnection> {
  await connection.wait(event, connectLimitMs, 'It could not be reached within ten seconds.')
  return connection
}

async function readCertificates(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new SyslogFault(`The file of HOLDFAST_SYSLOG_CA cannot be read (${code}).`, error)
  }
}

export class SyslogConnection {
  readonly #socket: Socket
  #fault: SyslogFault | null = null
  #isEnding = false
  #hasPeerEnded = false
  #refuse: ((fault: SyslogFault) => void) | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(new SyslogFault(reasonOf(error), error)))
    socket.on('end', () => {
      this.#hasPeerEnded = true
      if (!this.#isEnding) this.#fail(new SyslogFault('It closed the connection.'))
    })
    socket.on('close', () => {
      if (!this.#isEnding || !this.#hasPeerEnded) this.#fail(new SyslogFault('It closed the connection.'))
    })
    // What it says is none of our business, but its end is seen only by who reads.
    socket.resume()
  }

  /** Waits while the receiver does not take what was sent before: at most one message is kept beside what the socket holds. */
  async send(frame: Buffer): Promise<void> {
    if (this.#fault !== null) throw this.#fault
    if (this.#socket.write(frame)) return
    await this.wait('drain', stallLimitMs, 'It takes no messages: nothing moved for 15 seconds.')
  }

  /** Returns when the receiver has read everything. */
  async confirm(): Promise<void> {
    await this.wait(null, quietMs, null)
    this.#isEnding = true
    this.#socket.end()
    await this.wait(
      'close',
      stallLimitMs,
      'It did not close the connection after the last message, so it may not have read it.',
    )
  }

  /** At once; whoever waits is refused with this reason. */
  close(reason: string): void {
    this.#fail(new SyslogFault(reason))
  }

  /** For an event of the socket, or (null) for the time to pass without a fault. `late` null: it passes. */
  async wait(event: string | null, limitMs: number, late: string | null): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    let onEvent = (): void => undefined
    try {
      await new Promise<void>((resolve, reject) => {
        onEvent = () => (this.#fault === null ? resolve() : reject(this.#fault))
        if (this.#fault !== null) return reject(this.#fault)
        this.#refuse = reject
        if (event !== null) this.#socket.once(event, onEvent)
        timer = setTimeout(() => (late === null ? onEvent() : this.#fail(new SyslogFault(late))), limitMs)
      })
    } finally {
      clearTimeout(timer)
      this.#refuse = null
      if (event !== null) this.#socket.off(event, onEvent)
    }
  }

  #fail(fault: SyslogFault): void {
    this.#fault ??= fault
    this.#socket.destroy()
    this.#refuse?.(this.#fault)
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = 'unknown', message } = error
  switch (code) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `It could not be reached (${code}).`
    case 'ECONNRESET':
    case 'EPIPE':
      return `The connection was cut (${code}).`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'CERT_HAS_EXPIRED':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `Its certificate is not trusted: ${message.split(';')[0]} (${code}).`
    default:
      return `${message} (${code}).`
  }
}
