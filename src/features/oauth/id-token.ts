/**
 * ID tokens (OpenID Connect) and the keys that sign them. RSA keys cannot be derived from the key ring, so they are made once, kept encrypted with
 * it, and followed by a new one after 90 days; the old one is published for as long again.
 */
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT } from 'jose'
import type { Hub } from '../../hub.ts'
import type { OauthSigningKeyTable } from '../../platform/db/schema.ts'
import { claimsOf } from './claims.ts'
import type { Client } from './client.ts'
import { insertSigningKey, listSigningKeys, type Person } from './queries.ts'
import { type ScopeName, scopeNames } from './scopes.ts'

const day = 86_400_000
const signsForMs = 90 * day
const publishedForMs = 180 * day
const lifetimeSeconds = 3_600
const algorithm = 'RS256'

export interface Identified {
  readonly client: Client
  readonly person: Person
  readonly scopes: readonly ScopeName[]
  readonly nonce: string | null
}

export async function signIdToken(hub: Hub, { client, person, scopes, nonce }: Identified): Promise<string> {
  const row = await signingRow(hub)
  const key = await importPKCS8(hub.keys.decrypt('oauth-signing-key', row.privateKey, row.id), algorithm)
  const now = Math.floor(hub.clock.now() / 1_000)
  const { sub, ...claims } = await claimsOf(hub, person, scopes, [])
  return await new SignJWT({ ...claims, ...(nonce === null ? {} : { nonce }) })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: row.id })
    .setIssuer(hub.config.publicUrl)
    .setSubject(sub)
    .setAudience(client.id)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetimeSeconds)
    .sign(key)
}

/** The public halves of all keys that may have signed an ID token that is still valid. */
export async function publishedKeys(hub: Hub): Promise<JWK[]> {
  const rows = await listSigningKeys(hub.db.read, hub.clock.now() - publishedForMs)
  const current = rows.length > 0 ? rows : [await signingRow(hub)]
  return current.map((row) => ({
    ...(JSON.parse(row.publicJwk) as JWK),
    kid: row.id,
    use: 'sig',
    alg: algorithm,
  }))
}

/** The newest key, unless it is due; of two processes that make one at once, one wins and both use it. */
async function signingRow(hub: Hub): Promise<OauthSigningKeyTable> {
  const now = hub.clock.now()
  const [newest] = await listSigningKeys(hub.db.read, now - signsForMs)
  if (newest !== undefined) return newest
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true })
  const id = hub.clock.id()
  const row = {
    id,
    publicJwk: JSON.stringify(await exportJWK(publicKey)),
    privateKey: hub.keys.encrypt('oauth-signing-key', await exportPKCS8(privateKey), id),
    createdAt: now - (now % day),
  }
  await hub.transaction((tx) => insertSigningKey(tx, row))
  const [made] = await listSigningKeys(hub.db.read, now - signsForMs)
  return made ?? row
}

/** `/.well-known/openid-configuration` (OpenID Connect Discovery, RFC 8414). */
export function discovery(hub: Hub): Record<string, unknown> {
  const at = (path: string) => `${hub.config.publicUrl}${path}`
  return {
    issuer: hub.config.publicUrl,
    authorization_endpoint: at('/oauth/authorize'),
    token_endpoint: at('/oauth/token'),
    device_authorization_endpoint: at('/oauth/device'),
    userinfo_endpoint: at('/oauth/userinfo'),
    revocation_endpoint: at('/oauth/revoke'),
    jwks_uri: at('/oauth/jwks'),
    scopes_supported: scopeNames,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    claims_supported: ['sub', 'name', 'preferred_username', 'profile', 'picture', 'email', 'email_verified'],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  }
}
