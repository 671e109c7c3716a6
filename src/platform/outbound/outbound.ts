/**
 * The one way out for requests to addresses that somebody else named: issuers of ID tokens, webhooks. An address is judged where the connection
 * is made, after its name was resolved, so that a name which answers differently the second time gains nothing. Redirects are not followed.
 */
import { type LookupAddress, lookup as resolve } from 'node:dns'
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { isAllowedNetwork, isLinkLocal, isPublicAddress, type OutboundAllow } from './addresses.ts'
import { type KeptConnections, keepConnections } from './kept-connections.ts'

/** Why nothing came of it: the address is not let through, or whoever has it did not do its part. */
export type OutboundFault = 'not let through' | 'late' | 'redirects' | 'unreachable' | 'wrong answer'

/** `reason` is for the person who named the address; it tells nothing about what answers there. */
export class OutboundRefusal extends Error {
  readonly reason: string
  readonly fault: OutboundFault
  constructor(reason: string, { fault = 'not let through', cause }: { fault?: OutboundFault; cause?: unknown } = {}) {
    super(reason, { cause })
    this.reason = reason
    this.fault = fault
  }
}

export interface OutboundRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds for all of it. */
  readonly timeLimitMs?: number
  /** Ends it before. */
  readonly signal?: AbortSignal
  /** Bytes of the answer. */
  readonly sizeLimit?: number
}

export interface OutboundReply {
  readonly status: number
  readonly body: string
}

export interface OutboundCall {
  readonly url: string
  /** Calls of one scope may follow each other on one connection. */
  readonly scope: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Ends it, at any time. */
  readonly signal: AbortSignal
  /** Milliseconds until there is a connection. */
  readonly connectLimitMs: number
  /** Milliseconds from then on in which nothing arrives; and, once the request was sent, until all headers of the answer are there. */
  readonly idleLimitMs: number
}

/** An answer that is still arriving. Whoever holds it reads `body` to its end, or destroys it. */
export interface OutboundAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Fails where the answer is cut, or where nothing more arrives in time. */
  readonly body: IncomingMessage
}

export interface Outbound {
  /** Throws `OutboundRefusal`: for what is not let through, for what does not answer in time, and for what answers too much. */
  send(request: OutboundRequest): Promise<OutboundReply>
  /** For answers that are passed on while they arrive. Throws `OutboundRefusal` as `send`, and what `signal` was aborted with. */
  open(call: OutboundCall): Promise<OutboundAnswer>
  /** Whether `send` would take this address before anything is resolved. Throws `OutboundRefusal`. */
  judge(url: string): URL
  /** Ends the connections that wait for another call. */
  close(): void
}

export type Resolver = (host: string, then: (error: Error | null, addresses: LookupAddress[]) => void) => void

const systemResolver: Resolver = (host, then) => resolve(host, { all: true, verbatim: true }, then)

export function openOutbound(allow: OutboundAllow, resolver: Resolver = systemResolver): Outbound {
  const judge = (text: string) => judgeUrl(text, allow)
  const kept = keepConnections()
  return {
    judge,
    send: async (request) => await send(judge(request.url), request, allow, resolver),
    open: async (call) => await open(judge(call.url), call, { allow, resolver, kept }),
    close: kept.close,
  }
}

function judgeUrl(text: string, allow: OutboundAllow): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) throw new OutboundRefusal('That is not an address.')
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new OutboundRefusal('Only https addresses are asked.')
  if (url.username !== '' || url.password !== '') throw new OutboundRefusal('An address with a password is not asked.')
  const host = hostOf(url)
  const isName = isIP(host) === 0
  if (!isName) requireOpen(host, host, url, allow)
  // A name may still lie in a network that is let through: that is known when it is resolved.
  else if (url.protocol === 'http:' && !allow.hosts.has(host) && allow.networks.rules.length === 0) throw plainHttp()
  return url
}

/** Without the brackets of IPv6 and without the dot that a full name may end in. */
function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

const plainHttp = () =>
  new OutboundRefusal(
    'Only https addresses are asked, except on hosts that the administrator of this hub lets through.',
  )

/** As `requireOpen`, of a connection that is there already. */
function isOpen(host: string, address: string, url: URL, allow: OutboundAllow): boolean {
  try {
    requireOpen(host, address, url, allow)
    return true
  } catch (error) {
    if (error instanceof OutboundRefusal) return false
    throw error
  }
}

/** Throws unless `address`, which `host` leads to, may be connected to. */
function requireOpen(host: string, address: string, url: URL, allow: OutboundAllow): void {
  const isNetwork = isAllowedNetwork(allow, address)
  const isHost = allow.hosts.has(host) && !isLinkLocal(address)
  if (!isNetwork && !isHost && !isPublicAddress(address)) {
    throw new OutboundRefusal(
      `${host} is not on the public internet. The administrator of this hub can let it through with HOLDFAST_OUTBOUND_ALLOW.`,
    )
  }
  if (url.protocol === 'http:' && !isNetwork && !isHost) throw plainHttp()
}

/** For the socket itself: what it is given was judged, and is what it connects to. One closed address among several closes them all. */
function guardedLookup(url: URL, allow: OutboundAllow, resolver: Resolver): LookupFunction {
  return (host, options, then) => {
    resolver(host, (error, addresses) => {
      if (error !== null) return then(error as NodeJS.ErrnoException, '')
      try {
        for (const { address } of addresses) requireOpen(hostOf(url), address, url, allow)
      } catch (refusal) {
        return then(refusal as NodeJS.ErrnoException, '')
      }
      const [first] = addresses
      if (first === undefined)
        return then(new OutboundRefusal('That host has no address.') as NodeJS.ErrnoException, '')
      if (options.all === true) return then(null, addresses)
      return then(null, first.address, first.family)
    })
  }
}

async function send(
  url: URL,
  wanted: OutboundRequest,
  allow: OutboundAllow,
  resolver: Resolver,
): Promise<OutboundReply> {
  const { timeLimitMs = 10_000, sizeLimit = 1_048_576, body } = wanted
  const inTime = AbortSignal.timeout(timeLimitMs)
  const signal = wanted.signal === undefined ? inTime : AbortSignal.any([inTime, wanted.signal])
  try {
    const response = await new Promise<IncomingMessage>((done, fail) => {
      const start = url.protocol === 'https:' ? requestHttps : requestHttp
      const request = start(url, {
        method: wanted.method ?? 'GET',
        // A connection of its own: one that is kept open was judged for another request.
        agent: false,
        lookup: guardedLookup(url, allow, resolver),
        signal,
        headers: {
          'user-agent': 'Holdfast',
          ...wanted.headers,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
      })
      request.once('response', done)
      request.once('error', fail)
      // One that was answered by another protocol (101) ends with neither an answer nor an error.
      request.once('close', () => fail(noAnswer(url)))
      request.end(body)
    })
    return { status: response.statusCode ?? 0, body: await readWithin(response, sizeLimit, url) }
  } catch (error) {
    if (error instanceof OutboundRefusal) throw error
    wanted.signal?.throwIfAborted()
    if (inTime.aborted)
      throw new OutboundRefusal(`${url.host} did not answer within ${timeLimitMs / 1000} seconds.`, {
        fault: 'late',
        cause: error,
      })
    throw new OutboundRefusal(`${url.host} could not be reached.`, { fault: 'unreachable', cause: error })
  }
}

interface Ways {
  readonly allow: OutboundAllow
  readonly resolver: Resolver
  readonly kept: KeptConnections
}

async function open(url: URL, call: OutboundCall, ways: Ways): Promise<OutboundAnswer> {
  const { signal } = call
  signal.throwIfAborted()
  try {
    const response = await askKept(url, call, ways)
    const status = response.statusCode ?? 0
    if (status >= 300 && status < 400) {
      response.destroy()
      throw new OutboundRefusal(
        `${url.host} redirects elsewhere, which is not followed. Name the address that it leads to.`,
        { fault: 'redirects' },
      )
    }
    return { status, headers: response.headers, body: response }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof OutboundRefusal) throw error
    throw new OutboundRefusal(`${url.host} could not be reached.`, { fault: 'unreachable', cause: error })
  }
}

/** The server closed a connection that had waited, and said nothing to this request. */
class StaleConnection extends Error {}

/** Over a connection that waits, if there is one; over another, once, where that turns out to be closed. */
async function askKept(url: URL, call: OutboundCall, ways: Ways): Promise<IncomingMessage> {
  const { kept, allow } = ways
  const waiting = await kept.waiting(url, call.scope, (address) => isOpen(hostOf(url), address, url, allow))
  call.signal.throwIfAborted()
  try {
    return await ask(url, call, ways, waiting === 'unsure' ? false : kept.agentOf(url))
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error
    kept.drop(url, call.scope)
    return await ask(url, call, ways, false)
  }
}

/** `agent` false: over a connection of its own. */
function ask(url: URL, call: OutboundCall, ways: Ways, agent: Agent | false): Promise<IncomingMessage> {
  const { allow, resolver, kept } = ways
  const { signal, connectLimitMs, idleLimitMs } = call
  return new Promise<IncomingMessage>((done, fail) => {
    const start = url.protocol === 'https:' ? requestHttps : requestHttp
    const options = {
      method: call.method,
      agent,
      // Names the connections that it may take.
      scope: call.scope,
      lookup: guardedLookup(url, allow, resolver),
      signal,
      headers: { 'user-agent': 'Holdfast', ...call.headers, 'content-length': String(call.body.length) },
    }
    const request = start(url, options)
    const late = (limitMs: number) => () =>
      request.destroy(
        new OutboundRefusal(`${url.host} did not answer within ${limitMs / 1000} seconds.`, { fault: 'late' }),
      )
    const connecting = setTimeout(late(connectLimitMs), connectLimitMs)
    const silent = late(idleLimitMs)
    // A server that says a header now and then, or "103" for ever, is not silent.
    let answering: NodeJS.Timeout | undefined
    request.once('finish', () => {
      answering = setTimeout(silent, idleLimitMs)
    })
    let used: Socket | null = null
    let readBefore = 0
    request.once('socket', (socket) => {
      used = socket
      readBefore = socket.bytesRead
      kept.begin(socket)
      const connected = (): void => {
        clearTimeout(connecting)
        socket.setTimeout(idleLimitMs, silent)
      }
      if (request.reusedSocket) connected()
      else {
        socket.setNoDelay(true)
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected)
      }
    })
    request.once('response', (response) => {
      clearTimeout(answering)
      kept.answered(response.socket, response)
      done(response)
    })
    // Also behind the answer: what fails then fails its body.
    request.on('error', (error) => {
      const isUnheard = used !== null && used.bytesRead === readBefore
      fail(
        request.reusedSocket && isUnheard && isClosed(error) ? new StaleConnection('Closed.', { cause: error }) : error,
      )
    })
    request.once('close', () => {
      clearTimeout(connecting)
      clearTimeout(answering)
      used?.off('timeout', silent)
      // One that was answered by another protocol (101) ends with neither an answer nor an error.
      fail(noAnswer(url))
    })
    request.end(call.body)
  })
}

function noAnswer(url: URL): OutboundRefusal {
  return new OutboundRefusal(`${url.host} closed the connection without an answer.`, { fault: 'wrong answer' })
}

function isClosed(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}

async function readWithin(response: IncomingMessage, sizeLimit: number, url: URL): Promise<string> {
  const status = response.statusCode ?? 0
  try {
    if (status >= 300 && status < 400) {
      throw new OutboundRefusal(
        `${url.host} redirects elsewhere, which is not followed. Name the address that it leads to.`,
        { fault: 'redirects' },
      )
    }
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response) {
      size += (chunk as Buffer).length
      if (size > sizeLimit)
        throw new OutboundRefusal(`${url.host} answered more than ${sizeLimit} bytes.`, { fault: 'wrong answer' })
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    response.destroy()
  }
}
