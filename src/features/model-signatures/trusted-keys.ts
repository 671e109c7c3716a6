/**
 * Whose signatures of models an organization believes: public keys, and certificates whose holders may vouch for others. Like passwords they are
 * added only in a session: a stolen token must not become a signature.
 */
import { createPublicKey } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type OwnerFacts } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { TrustedModelKeyTable } from '../../platform/db/schema.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { readCertificate } from '../../platform/model-signing/certificate.ts'
import { hashOfKey, keyFingerprint } from '../../platform/model-signing/judge-bundle.ts'
import { recordEvent } from '../audit/service.ts'
import { checkAgainQueue } from './check.ts'
import {
  countTrustedKeys,
  deleteTrustedKey,
  insertTrustedKey,
  selectSignedSince,
  selectTrustedKeys,
  updateSignedSince,
} from './queries.ts'

export type TrustedKey = TrustedModelKeyTable

const mostKeys = 100
const longestPem = 20_000
const privateKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File/
const block = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----/g

export async function listTrustedKeys(hub: Hub, organization: OwnerFacts): Promise<TrustedKey[]> {
  return await selectTrustedKeys(hub.db, organization.id)
}

/** Throws `private_key_exposed`, `invalid_key`, `invalid_input`, `field_too_large` and `model_key_taken`. */
export async function trustKey(
  hub: Hub,
  allowed: Allowed<'org.model_key.create'>,
  origin: Origin,
  given: { readonly name: string; readonly key: string },
): Promise<TrustedKey> {
  const organization = allowed.resource
  const parsed = parseTrusted(given.key)
  const name = nameOf(given.name, parsed.subject)
  const row: TrustedModelKeyTable = {
    id: hub.clock.id(),
    organizationId: organization.id,
    kind: parsed.kind,
    name,
    fingerprint: parsed.fingerprint,
    pem: parsed.pem,
    createdAt: hub.clock.now(),
    createdBy: accountOf(allowed.principal)?.id ?? null,
  }
  await hub.transaction(async (tx) => {
    if ((await countTrustedKeys(tx, organization.id)) >= mostKeys) {
      throw new HoldfastError('invalid_key', {
        reason: `An organization trusts at most ${mostKeys} keys.`,
        field: 'key',
      })
    }
    if (!(await insertTrustedKey(tx, row))) throw new HoldfastError('model_key_taken')
    await enqueue(tx, checkAgainQueue, { organizationId: organization.id }, { dedupKey: organization.id })
    await record(hub, tx, allowed, origin, { key: name, kind: row.kind, fingerprint: row.fingerprint })
  })
  return row
}

/** Throws `key_not_found`. What it verified counts no longer, from this moment on. */
export async function distrustKey(
  hub: Hub,
  allowed: Allowed<'org.model_key.delete'>,
  origin: Origin,
  id: string,
): Promise<TrustedKey> {
  const organization = allowed.resource
  return await hub.transaction(async (tx) => {
    const row = await deleteTrustedKey(tx, organization.id, id, hub.clock.now())
    if (row === null) throw new HoldfastError('key_not_found')
    await enqueue(tx, checkAgainQueue, { organizationId: organization.id }, { dedupKey: organization.id })
    await record(hub, tx, allowed, origin, { key: row.name, kind: row.kind, fingerprint: row.fingerprint })
    return row
  })
}

export async function handsOutSignedOnly(hub: Hub, organizationId: string): Promise<boolean> {
  return (await selectSignedSince(hub.db, organizationId)) > 0
}

/** Whether the organization hands out signed models alone. */
export async function setSignedOnly(
  hub: Hub,
  allowed: Allowed<'org.signed_models.update'>,
  origin: Origin,
  only: boolean,
): Promise<void> {
  await hub.transaction(async (tx) => {
    if (!(await updateSignedSince(tx, allowed.resource.id, only ? hub.clock.now() : 0))) return
    await record(hub, tx, allowed, origin, { only })
  })
}

interface Parsed {
  readonly kind: 'key' | 'certificate'
  readonly pem: string
  readonly fingerprint: string
  readonly subject: string | null
}

/** No message quotes what was pasted. */
function parseTrusted(text: string): Parsed {
  if (privateKey.test(text)) throw new HoldfastError('private_key_exposed')
  if (text.length > longestPem) {
    throw new HoldfastError('field_too_large', { field: 'key', limit: `${longestPem} characters` })
  }
  const [found, ...more] = [...text.matchAll(block)]
  if (found === undefined) throw invalid('Paste a public key or a certificate in PEM: it begins with -----BEGIN.')
  if (more.length > 0) throw invalid('One key or certificate at a time.')
  const [pem = '', label] = found
  if (label === 'CERTIFICATE') return parseCertificate(pem)
  if (label === 'PUBLIC KEY') return parseKey(pem)
  throw invalid('It is neither a public key ("PUBLIC KEY") nor a certificate ("CERTIFICATE").')
}

function parseCertificate(pem: string): Parsed {
  const certificate = readCertificate(Buffer.from(pem))
  if (certificate === null) throw invalid('The certificate cannot be read.')
  const { x509, fingerprint, subject } = certificate
  return { kind: 'certificate', pem: x509.toString(), fingerprint, subject }
}

function parseKey(pem: string): Parsed {
  let key: ReturnType<typeof createPublicKey>
  try {
    key = createPublicKey(pem)
  } catch {
    // What OpenSSL says of it helps nobody.
    throw invalid('The key cannot be read.')
  }
  if (hashOfKey(key) === null) {
    throw invalid('Models are signed with keys of the curves P-256, P-384 and P-521; this one is of another kind.')
  }
  const canonical = key.export({ format: 'pem', type: 'spki' }).toString()
  return { kind: 'key', pem: canonical, fingerprint: keyFingerprint(key), subject: null }
}

function invalid(reason: string): HoldfastError {
  return new HoldfastError('invalid_key', { reason, field: 'key' })
}

function nameOf(given: string, subject: string | null): string {
  const name = given.replace(/\s+/g, ' ').trim() || (subject ?? '').slice(0, 100)
  if (name === '' || name.length > 100 || /[\p{Cc}\p{Cf}]/u.test(name)) {
    const reason = 'Give it a name of up to 100 characters, so that people know whose it is.'
    throw new HoldfastError('invalid_input', { reason, field: 'name' })
  }
  return name
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.model_key.create' | 'org.model_key.delete' | 'org.signed_models.update'> & Allowed<Action>,
  origin: Origin,
  data: Parameters<typeof recordEvent>[4]['data'],
): Promise<void> {
  const { id, name } = allowed.resource
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'organization', id, name },
    ownerId: id,
    data,
  })
}
