/** An issuer of ID tokens on the loopback, with real keys and real signatures: what GitHub or a cluster is to a hub. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'

interface Key {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export interface TestIssuer {
  /** Without a slash at the end. */
  readonly url: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** Seconds that `exp` is after `iat`. */
  sign(claims: Readonly<Record<string, unknown>>, how?: Signing): Promise<string>
  /** From now on it signs with a new key, and no longer shows the old one. */
  rotate(alg?: string): Promise<void>
  /** PEM of the public key that it shows. */
  publicPem(): Promise<string>
  /** Answers a path with something else than it would; null to stop that. */
  answer(path: string, handler: ((request: IncomingMessage, response: ServerResponse) => void) | null): void
  stop(): Promise<void>
}

export interface Signing {
  readonly alg?: string
  readonly kid?: string
  /** Seconds. */
  readonly now?: number
  readonly lifetime?: number
  /** Another than the issuer's own. */
  readonly key?: CryptoKey
}

export async function startIssuer(): Promise<TestIssuer> {
  const asked: string[] = []
  const special = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  let key = await makeKey('RS256')
  let url = ''
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const handler = special.get(path)
    if (handler !== undefined) return handler(request, response)
    response.setHeader('content-type', 'application/json')
    if (path === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }))
    } else if (path === '/jwks') response.end(JSON.stringify({ keys: [key.jwk] }))
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://localhost:${(server.address() as AddressInfo).port}`
  let serial = 0
  return {
    url,
    asked,
    sign: async (claims, how = {}) => {
      const now = how.now ?? Math.floor(Date.now() / 1000)
      return await new SignJWT({
        iss: url,
        iat: now,
        exp: now + (how.lifetime ?? 300),
        jti: `job-${++serial}`,
        ...claims,
      })
        .setProtectedHeader({ alg: how.alg ?? key.alg, kid: how.kid ?? key.kid, typ: 'JWT' })
        .sign(how.key ?? key.privateKey)
    },
    rotate: async (alg = 'RS256') => {
      key = await makeKey(alg)
    },
    publicPem: () => exportSPKI(key.publicKey),
    answer: (path, handler) => {
      if (handler === null) special.delete(path)
      else special.set(path, handler)
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

let made = 0

async function makeKey(alg: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const kid = `key-${++made}`
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}
