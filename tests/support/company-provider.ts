/**
 * A company's OpenID provider: a real server on the loopback with real keys, which signs in whoever a test says is in front of it. What it answers
 * can be bent in every way that an attacker, or a bad provider, would.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface Person {
  readonly sub: string
  readonly [claim: string]: unknown
}

/** What may be bent; each is empty at the start. */
export interface Bent {
  /** Over the claims of the ID token. */
  claims?: Record<string, unknown>
  /** Makes the ID token from its claims in place of a right signature. */
  sign?: (claims: JWTPayload) => Promise<string>
  /** Over the metadata. */
  metadata?: Record<string, unknown>
  /** Over the parameters of the way back; `undefined` leaves one out. */
  back?: Record<string, string | undefined>
  /** Answers of the token endpoint in place of the right one. */
  token?: { status: number; body: string }
  /** Claims that only the userinfo endpoint tells. */
  userinfo?: Record<string, unknown>
  /** Seconds since the person proved who they are. */
  authAge?: number
}

export interface CompanyProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Settings of a hub that signs people in here. */
  readonly env: Readonly<Record<string, string>>
  /** Who is in front of it. */
  person: Person
  bent: Bent
  /** Paths that it was asked for, in order. */
  readonly asked: string[]
  /** The parameters with which browsers came, in order. */
  readonly came: URLSearchParams[]
  /** A press on a button before it signs in, as people see it. */
  showsPage: boolean
  sign: (claims: JWTPayload, kid?: string) => Promise<string>
  /** Another key takes the place of the one that signed so far. */
  rotate(kid: string): Promise<void>
  stop(): Promise<void>
}

interface Grant {
  readonly nonce: string | null
  readonly challenge: string | null
  readonly redirectUri: string
  readonly person: Person
}

/** `host`: `127.0.0.1` is another site than `localhost`, where hubs of tests are, to a browser. */
export async function startCompanyProvider(host: 'localhost' | '127.0.0.1' = 'localhost'): Promise<CompanyProvider> {
  const newKey = async (kid: string) => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
    const sign: CompanyProvider['sign'] = (claims, named = kid) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: named }).sign(privateKey)
    return { jwk, sign }
  }
  let key = await newKey('first')
  const grants = new Map<string, Grant>()
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`
  const provider: CompanyProvider = {
    issuer,
    clientId: 'holdfast',
    clientSecret: 'a secret of the client',
    env: {
      HOLDFAST_OIDC_ISSUER: issuer,
      HOLDFAST_OIDC_CLIENT_ID: 'holdfast',
      HOLDFAST_OIDC_CLIENT_SECRET: 'a secret of the client',
      HOLDFAST_OIDC_NAME: 'Acme',
      HOLDFAST_OUTBOUND_ALLOW: host,
    },
    person: { sub: 'nobody' },
    bent: {},
    asked: [],
    came: [],
    showsPage: false,
    sign: key.sign,
    rotate: async (kid) => {
      key = await newKey(kid)
      provider.sign = key.sign
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
  return provider

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer)
    provider.asked.push(url.pathname)
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, 200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          authorization_response_iss_parameter_supported: true,
          ...provider.bent.metadata,
        })
      case '/jwks':
        return json(response, 200, { keys: [key.jwk] })
      case '/authorize':
        return authorize(url, response)
      case '/token':
        return await token(request, response)
      case '/userinfo':
        return json(response, 200, { sub: provider.person.sub, ...provider.bent.userinfo })
      default:
        return json(response, 404, {})
    }
  }

  function authorize(url: URL, response: ServerResponse): void {
    if (provider.showsPage && url.searchParams.get('pressed') === null) {
      url.searchParams.set('pressed', 'yes')
      const page = `<!doctype html><title>Acme</title><h1>Acme</h1><a href="${url.href.replaceAll('&', '&amp;')}">Go on</a>`
      response.writeHead(200, { 'content-type': 'text/html' }).end(page)
      return
    }
    provider.came.push(url.searchParams)
    const code = randomBytes(16).toString('hex')
    const redirectUri = url.searchParams.get('redirect_uri') ?? ''
    grants.set(code, {
      nonce: url.searchParams.get('nonce'),
      challenge: url.searchParams.get('code_challenge'),
      redirectUri,
      person: provider.person,
    })
    const back = new URL(redirectUri)
    const parameters = { code, state: url.searchParams.get('state') ?? '', iss: issuer, ...provider.bent.back }
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) back.searchParams.set(name, value)
    }
    response.writeHead(302, { location: back.href }).end()
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (provider.bent.token !== undefined) {
      const { status, body } = provider.bent.token
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      return
    }
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    const [id, secret] = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      .toString('utf8')
      .split(':')
      .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
    if (id !== provider.clientId || secret !== provider.clientSecret) {
      return json(response, 401, { error: 'invalid_client' })
    }
    const code = form.get('code') ?? ''
    const grant = grants.get(code)
    grants.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (grant === undefined || grant.challenge !== challenge || grant.redirectUri !== form.get('redirect_uri')) {
      return json(response, 400, { error: 'invalid_grant' })
    }
    const now = Math.floor(Date.now() / 1_000)
    const claims: JWTPayload = {
      iss: issuer,
      aud: provider.clientId,
      iat: now,
      exp: now + 300,
      auth_time: now - (provider.bent.authAge ?? 0),
      ...(grant.nonce === null ? {} : { nonce: grant.nonce }),
      ...grant.person,
      ...provider.bent.claims,
    }
    const idToken = await (provider.bent.sign ?? provider.sign)(claims)
    json(response, 200, { access_token: randomBytes(16).toString('hex'), token_type: 'Bearer', id_token: idToken })
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** A browser that keeps the cookies of one hub and follows nothing by itself. */
export class CookieJar {
  readonly #cookies = new Map<string, string>()
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('cookie', this.header)
    const response = await fetch(new URL(path, this.#url), { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (/max-age=0(;|$)/i.test(line)) this.#cookies.delete(pair.slice(0, at))
      else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  get(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  set(name: string, value: string): void {
    this.#cookies.set(name, value)
  }

  /** To the provider; gives the address on the hub with which it comes back, not yet asked for. */
  async leave(path = '/login/company'): Promise<string> {
    const away = await this.fetch(path)
    const there = away.headers.get('location')
    if (there === null) throw new Error(`No way to the provider: ${away.status} ${await away.text()}`)
    const back = await fetch(there, { redirect: 'manual' })
    return back.headers.get('location') ?? ''
  }

  /** All the way; the hub's answer to the way back. */
  async signIn(path = '/login/company'): Promise<Response> {
    return await this.fetch(await this.leave(path))
  }
}
