/**
 * One request as the rest sees it: address taken apart but not yet decoded, cookies, who is calling from where. Built once, before anything
 * is believed.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { HoldfastError } from '../domain/errors.ts'
import type { Origin } from '../domain/event.ts'
import { withoutTokens } from '../domain/token.ts'

export interface HttpRequest {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  /** Still percent-encoded; begins with a slash. */
  readonly path: string
  readonly query: URLSearchParams
  readonly origin: Origin & { readonly requestId: string }
  header(name: string): string | null
  cookie(name: string): string | null
}

const safeMethods: readonly string[] = ['GET', 'HEAD']

/** Whether it changes nothing by its nature. */
export const isSafeMethod = (method: string): boolean => safeMethods.includes(method)

export type IsTrustedProxy = (address: string) => boolean

/** Reads the setting `trustedProxies` once; throws if an entry is neither an address nor a range. */
export function trustedProxies(entries: readonly string[]): IsTrustedProxy {
  if (entries.length === 0) return () => false
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address)
    if (family === 0) throw new Error(`HOLDFAST_TRUSTED_PROXIES: "${entry}" is neither an address nor a CIDR range.`)
    const type = family === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, type)
    else list.addSubnet(address, Number(bits), type)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

export function readRequest(
  message: IncomingMessage,
  response: ServerResponse,
  isTrusted: IsTrustedProxy,
): HttpRequest {
  const url = message.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  let query: URLSearchParams | null = null
  let cookies: Map<string, string> | null = null
  const header = (name: string): string | null => {
    const value = message.headers[name]
    return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
  }
  return {
    message,
    response,
    method: message.method ?? 'GET',
    path,
    get query() {
      query ??= new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
      return query
    },
    origin: {
      ip: clientAddress(message, isTrusted),
      userAgent: shortened(header('user-agent')),
      requestId: requestId(header('x-request-id') ?? header('x-amzn-trace-id')),
    },
    header,
    cookie: (name) => {
      cookies ??= parseCookies(header('cookie'))
      return cookies.get(name) ?? null
    },
  }
}

/** The client's id is echoed where it is harmless, so that both sides' logs can be joined. */
function requestId(given: string | null): string {
  return given !== null && /^[\w=;.:-]{8,128}$/.test(given) ? given : randomUUID()
}

/** The nearest address that is not one of our proxies; what a client writes into the header itself is not believed. */
function clientAddress(message: IncomingMessage, isTrusted: IsTrustedProxy): string | null {
  let address = plain(message.socket.remoteAddress)
  if (address === null || !isTrusted(address)) return address
  const forwarded = message.headers['x-forwarded-for']
  const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',')
  for (const hop of hops.reverse()) {
    const candidate = plain(hop.trim())
    if (candidate === null || isIP(candidate) === 0) break
    address = candidate
    if (!isTrusted(candidate)) break
  }
  return address
}

/** `::ffff:127.0.0.1` is `127.0.0.1`. */
function plain(address: string | undefined): string | null {
  return address === undefined || address === '' ? null : address.replace(/^::ffff:(?=\d+\.)/i, '')
}

function parseCookies(header: string | null): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0) cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim())
  }
  return cookies
}

/**
 * Refuses a change that a browser sends on behalf of another site. Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`);
 * a caller that says neither is no browser, and holds its credential itself.
 */
export function refuseCrossSite(request: HttpRequest, publicOrigin: string): void {
  const site = request.header('sec-fetch-site')
  if (site !== null) {
    if (site !== 'same-origin' && site !== 'none') throw new HoldfastError('cross_site')
    return
  }
  const origin = request.header('origin')
  if (origin === null) return
  const host = request.header('host')
  if (origin !== publicOrigin && origin !== `http://${host}` && origin !== `https://${host}`)
    throw new HoldfastError('cross_site')
}

/** Cut after tokens were taken out: of half a token nobody sees that it is one. */
function shortened(userAgent: string | null): string | null {
  return userAgent === null || userAgent.length <= 500 ? userAgent : withoutTokens(userAgent).slice(0, 500)
}
