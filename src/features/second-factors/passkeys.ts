/**
 * Passkeys (WebAuthn, level 3). The relying party is this hub under the name of its public address, so that an answer made for another
 * address is refused, and attestation is not asked for: what counts is the key, not who made the device.
 * The library is loaded with the first passkey: it costs 26 MB and 0.2 s (docs/decisions/0011).
 */
import { isIP } from 'node:net'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { PasskeyTable } from '../../platform/db/schema.ts'
import { challengeLifetimeMs, isOwnChallenge, makeChallenge } from './challenge.ts'

export const mostPasskeys = 20

/** EdDSA, ES256, RS256: what every authenticator of today has one of. */
const algorithms = [-8, -7, -257]

/** Browsers allow passkeys by https and on localhost, and only under a name. */
export function passkeysWork(hub: Hub): boolean {
  const { hostname, protocol } = new URL(hub.config.publicUrl)
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true
  return protocol === 'https:' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0
}

/** For `navigator.credentials.create`. `purpose`: see challenge.ts. */
export async function creationOptions(
  hub: Hub,
  purpose: string,
  user: { readonly id: string; readonly name: string; readonly fullname: string | null },
  known: readonly PasskeyTable[],
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await library(hub)
  return await generateRegistrationOptions({
    rpName: hub.config.instanceName,
    rpID: relyingParty(hub).id,
    userID: new Uint8Array(Buffer.from(user.id, 'utf8')),
    userName: user.name,
    userDisplayName: user.fullname ?? user.name,
    challenge: makeChallenge(hub, purpose),
    timeout: challengeLifetimeMs,
    attestationType: 'none',
    excludeCredentials: known.map(describe),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    supportedAlgorithmIDs: algorithms,
  })
}

/** For `navigator.credentials.get`. Without `known` the person picks one of those that the browser has for this hub, and proves who they are to it. */
export async function requestOptions(
  hub: Hub,
  purpose: string,
  known: readonly PasskeyTable[] | null,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library(hub)
  return await generateAuthenticationOptions({
    rpID: relyingParty(hub).id,
    challenge: makeChallenge(hub, purpose),
    timeout: challengeLifetimeMs,
    userVerification: known === null ? 'required' : 'preferred',
    ...(known === null ? {} : { allowCredentials: known.map(describe) }),
  })
}

export interface NewPasskey {
  readonly challenge: string
  readonly credentialId: string
  readonly publicKey: string
  readonly counter: number
  readonly transports: string
  readonly isBackedUp: 0 | 1
}

/** Checks what the browser made. Throws `passkey_refused`. */
export async function checkCreation(hub: Hub, purpose: string, response: string): Promise<NewPasskey> {
  const answer = parseAnswer(creationSchema, response)
  const { verifyRegistrationResponse } = await library(hub)
  const { id, origin } = relyingParty(hub)
  const { registrationInfo } = await refusing(hub, () =>
    verifyRegistrationResponse({
      response: answer,
      expectedChallenge: (challenge) => isOwnChallenge(hub, challenge, purpose),
      expectedOrigin: origin,
      expectedRPID: id,
      // A key without a PIN is a second factor too; signing in by a passkey alone asks for more.
      requireUserVerification: false,
      supportedAlgorithmIDs: algorithms,
    }),
  )
  if (registrationInfo === undefined) throw new HoldfastError('passkey_refused')
  const { credential, credentialBackedUp } = registrationInfo
  return {
    challenge: challengeOf(answer.response.clientDataJSON),
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: (answer.response.transports ?? []).join(' '),
    isBackedUp: credentialBackedUp ? 1 : 0,
  }
}

export type PasskeyAnswer = z.infer<typeof requestSchema>

/** Throws `passkey_refused` for what no browser sends. */
export function parsePasskeyAnswer(response: string): PasskeyAnswer {
  return parseAnswer(requestSchema, response)
}

export interface PasskeyUse {
  readonly challenge: string
  readonly counter: number
  readonly isBackedUp: 0 | 1
}

/**
 * Checks an answer against the passkey that it names. `alone`: nothing else proves who it is, so the authenticator must have asked for a
 * finger, a face or a PIN. Throws `passkey_refused`. The counter is judged by whoever writes it, where two at once are seen.
 */
export async function checkAnswer(
  hub: Hub,
  purpose: string,
  passkey: PasskeyTable,
  answer: PasskeyAnswer,
  alone: boolean,
): Promise<PasskeyUse> {
  const { verifyAuthenticationResponse } = await library(hub)
  const { id, origin } = relyingParty(hub)
  const { verified, authenticationInfo } = await refusing(hub, () =>
    verifyAuthenticationResponse({
      response: { ...answer, clientExtensionResults: {} },
      expectedChallenge: (challenge) => isOwnChallenge(hub, challenge, purpose),
      expectedOrigin: origin,
      expectedRPID: id,
      credential: {
        id: passkey.credentialId,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
        counter: 0,
      },
      requireUserVerification: alone,
    }),
  )
  if (!verified) throw new HoldfastError('passkey_refused')
  return {
    challenge: challengeOf(answer.response.clientDataJSON),
    counter: authenticationInfo.newCounter,
    isBackedUp: authenticationInfo.credentialBackedUp ? 1 : 0,
  }
}

const bytes = z
  .string()
  .max(20_000)
  .regex(/^[\w-]*$/)
const credential = { id: bytes, rawId: bytes, type: z.literal('public-key') }

const creationSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes,
    attestationObject: bytes,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .optional(),
  }),
  clientExtensionResults: z.object({}).default({}),
})

const requestSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes,
    authenticatorData: bytes,
    signature: bytes,
    userHandle: bytes.nullish().transform((value) => value ?? undefined),
  }),
})

function parseAnswer<T>(schema: z.ZodType<T>, response: string): T {
  let value: unknown
  try {
    value = JSON.parse(response)
  } catch (cause) {
    throw new HoldfastError('passkey_refused', {}, { cause })
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new HoldfastError('passkey_refused', {}, { cause: parsed.error })
  return parsed.data
}

function challengeOf(clientData: string): string {
  const { challenge } = z
    .object({ challenge: z.string() })
    .parse(JSON.parse(Buffer.from(clientData, 'base64url').toString('utf8')))
  return challenge
}

/** The library throws a plain error for each thing that is not as it must be; which one is for the log. */
async function refusing<T>(hub: Hub, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (cause) {
    hub.log.info({ reason: cause instanceof Error ? cause.message : String(cause) }, 'A passkey was refused')
    throw new HoldfastError('passkey_refused', {}, { cause })
  }
}

function relyingParty(hub: Hub): { id: string; origin: string } {
  const { hostname, origin } = new URL(hub.config.publicUrl)
  return { id: hostname, origin }
}

function describe(passkey: PasskeyTable): { id: string; transports: string[] } {
  return { id: passkey.credentialId, transports: passkey.transports.split(' ').filter((name) => name !== '') }
}

async function library(hub: Hub): Promise<typeof import('@simplewebauthn/server')> {
  if (!passkeysWork(hub)) throw new HoldfastError('passkeys_unavailable')
  return await import('@simplewebauthn/server')
}
