/**
 * Connections that are kept for the next request of the same scope to the same host and port. Each was judged when it was made, and leads where it led
 * then; it is closed soon, so that a name which leads elsewhere is followed. What arrives on one that nobody asked anything, or behind the end of an
 * answer, would be taken for the answer to the next request, which somebody else made: such a connection is never used again.
 */
import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Beside the options of a request: whose requests may share a connection. */
interface Scoped {
  readonly scope?: string
}

/** `quiet`: one waits, on which nothing arrives. `unsure`: others took it again and again. */
export type Waiting = 'none' | 'quiet' | 'unsure'

export interface KeptConnections {
  agentOf(url: URL): HttpAgent
  /** Whether one waits for such a request. Those are dropped that are too old, or whose address `isOpen` does not let through any more. */
  waiting(url: URL, scope: string, isOpen: (address: string) => boolean): Promise<Waiting>
  /** Those that wait for such a request are closed: one of them was dead. */
  drop(url: URL, scope: string): void
  /** Before a request is written to it. */
  begin(socket: Socket): void
  /** The answer to it has begun. */
  answered(socket: Socket, response: IncomingMessage): void
  close(): void
}

/** Without a request on it; less where the server says so. */
const idleMs = 30_000
const oldestMs = 120_000
/** Of one scope, and of all. What is more is closed. */
const mostOfOne = 64
const mostInAll = 1_024
/** Looks at a connection before another is made instead. */
const mostLooks = 3

export function keepConnections(): KeptConnections {
  const state: State = { watches: new WeakMap(), waiting: () => 0 }
  const agents = [new KeptHttp(state), new KeptHttps(state)] as const
  state.waiting = () =>
    agents.reduce(
      (sum, { freeSockets }) => sum + Object.values(freeSockets).reduce((n, of) => n + (of?.length ?? 0), 0),
      0,
    )
  const agentOf = ({ protocol }: URL) => (protocol === 'https:' ? agents[1] : agents[0])
  const freeOf = (url: URL, scope: string): readonly Socket[] => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port
    return (agentOf(url).freeSockets[nameOf({ host, port, scope })] ?? []).filter(({ destroyed }) => !destroyed)
  }
  return {
    agentOf,
    waiting: async (url, scope, isOpen) => {
      for (let look = 0; look < mostLooks; look++) {
        for (const socket of freeOf(url, scope)) {
          const isYoung = (state.watches.get(socket)?.ageMs() ?? oldestMs) < oldestMs
          if (!isYoung || !isOpen(socket.remoteAddress ?? '')) socket.destroy()
        }
        const [first] = freeOf(url, scope)
        if (first === undefined) return 'none'
        // What the server sent before it was asked is read in this turn, and closes it.
        await new Promise((resolve) => setImmediate(resolve))
        if (freeOf(url, scope)[0] === first) return 'quiet'
      }
      return freeOf(url, scope).length === 0 ? 'none' : 'unsure'
    },
    drop: (url, scope) => {
      for (const socket of freeOf(url, scope)) socket.destroy()
    },
    begin: (socket) => state.watches.get(socket)?.begin(),
    answered: (socket, response) => state.watches.get(socket)?.answered(response),
    close: () => {
      for (const agent of agents) agent.destroy()
    },
  }
}

interface State {
  readonly watches: WeakMap<Duplex, Watch>
  waiting: () => number
}

/** The first that came is the first that goes: see `waiting`. */
const agentOptions = { keepAlive: true, maxFreeSockets: mostOfOne, scheduling: 'fifo' } as const

function nameOf({ host, port, scope }: RequestOptions & Scoped): string {
  return JSON.stringify([host, String(port), scope])
}

class KeptHttp extends HttpAgent {
  readonly #state: State
  constructor(state: State) {
    super(agentOptions)
    this.#state = state
  }
  override getName(options: RequestOptions & Scoped = {}): string {
    return nameOf(options)
  }
  override createConnection(...given: Parameters<HttpAgent['createConnection']>): Duplex | null | undefined {
    return watched(this.#state, super.createConnection(...given))
  }
  override keepSocketAlive(socket: Duplex): boolean {
    return mayKeep(this.#state, socket)
  }
}

class KeptHttps extends HttpsAgent {
  readonly #state: State
  constructor(state: State) {
    // A session of TLS that is taken up again was checked for another connection.
    super({ ...agentOptions, maxCachedSessions: 0 })
    this.#state = state
  }
  override getName(options: RequestOptions & Scoped = {}): string {
    return nameOf(options)
  }
  override createConnection(...given: Parameters<HttpsAgent['createConnection']>): Duplex | null | undefined {
    return watched(this.#state, super.createConnection(...given))
  }
  override keepSocketAlive(socket: Duplex): boolean {
    return mayKeep(this.#state, socket)
  }
}

function watched<T extends Duplex | null | undefined>({ watches }: State, socket: T): T {
  if (socket instanceof Socket) watches.set(socket, new Watch(socket))
  return socket
}

/** When an answer has ended. */
function mayKeep({ watches, waiting }: State, socket: Duplex): boolean {
  const watch = watches.get(socket)
  if (watch === undefined || !(socket instanceof Socket)) return false
  const leftMs = watch.end()
  if (leftMs <= 0 || waiting() >= mostInAll) return false
  // Emits `timeout`, upon which the agent closes it.
  socket.setTimeout(leftMs)
  socket.unref()
  return true
}

const headEnd = '\r\n\r\n'
const lastChunk = '0\r\n\r\n'
const mostHead = 65_536

/**
 * Counts what arrives on a connection, to know whether an answer ended where its connection does: Node's parser forgets the beginning of a second
 * answer that came in one piece with the end of the first.
 */
class Watch {
  readonly #madeAt = performance.now()
  #response: IncomingMessage | null = null
  #isAsked = false
  #received = 0
  /** Until its end is found. */
  #head: Buffer | null = null
  #headLength = 0
  #tail = ''

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      if (this.#isAsked) this.#see(chunk)
      // A server that answers what nobody asked.
      else socket.destroy()
    })
  }

  ageMs(): number {
    return performance.now() - this.#madeAt
  }

  begin(): void {
    this.#isAsked = true
    this.#response = null
    this.#received = 0
    this.#head = Buffer.alloc(0)
    this.#headLength = 0
    this.#tail = ''
  }

  answered(response: IncomingMessage): void {
    this.#response = response
  }

  /** For how many milliseconds it may wait for the next request; 0: not at all. */
  end(): number {
    const response = this.#response
    this.#isAsked = false
    this.#response = null
    if (response === null || !response.complete || !this.#endedWith(response)) return 0
    const said = /(?:^|[,\s])timeout=(\d{1,6})/.exec(String(response.headers['keep-alive'] ?? ''))?.[1]
    // Its own time begins earlier than ours.
    const ofServerMs = said === undefined ? idleMs : Number(said) * 1_000 - 1_000
    return Math.min(idleMs, ofServerMs, oldestMs - this.ageMs())
  }

  #endedWith({ headers, rawTrailers }: IncomingMessage): boolean {
    if (this.#headLength === 0) return false
    const coding = headers['transfer-encoding']
    if (coding !== undefined) {
      return coding.toLowerCase() === 'chunked' && rawTrailers.length === 0 && this.#tail === lastChunk
    }
    const length = headers['content-length']
    return length !== undefined && this.#headLength + Number(length) === this.#received
  }

  #see(chunk: Buffer): void {
    this.#received += chunk.length
    this.#tail = (this.#tail + chunk.toString('latin1', Math.max(0, chunk.length - lastChunk.length))).slice(
      -lastChunk.length,
    )
    if (this.#head === null) return
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
    const at = head.indexOf(headEnd)
    if (at >= 0) this.#headLength = at + headEnd.length
    this.#head = at >= 0 || head.length > mostHead ? null : head
  }
}
