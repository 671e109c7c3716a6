/**
 * Says of commits whether their signature counts (GPG-5): valid, by a key of an account, for the committer's address, which the key names and the
 * account has verified. Between a few of them the event loop gets its turn.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { accountIdOfCommitEmail, serviceAccountEmail } from '../../domain/commit-identity.ts'
import { emailKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { type OpenPgpSignature, readOpenPgpSignature } from '../../platform/signatures/openpgp-signature.ts'
import { fromSpki, type SignerKey } from '../../platform/signatures/public-key.ts'
import type { SignatureReason } from '../../platform/signatures/reason.ts'
import { readSignedCommit } from '../../platform/signatures/signed-commit.ts'
import { sshFingerprint } from '../../platform/signatures/ssh-key.ts'
import { readSshSignature, type SshSignature } from '../../platform/signatures/ssh-signature.ts'
import { type KeyDetails, keyDetails } from '../keys/service.ts'
import { hubKeyBlobs } from '../repos/service.ts'
import { type AddressRow, type KeyRow, selectAddresses, selectKeys } from './queries.ts'

export interface RawCommit {
  readonly oid: string
  readonly bytes: Buffer
}

/** `hub`: signed by this hub for somebody (GPG-11). */
export interface Judged {
  readonly oid: string
  readonly status: 'verified' | 'unverified' | 'hub' | 'none'
  readonly reason: SignatureReason | null
  readonly signer: { readonly kind: 'user' | 'service-account'; readonly id: string } | null
  readonly signingKeyId: string | null
  readonly keyKind: 'gpg' | 'ssh' | null
  /** What the signature names its key by. */
  readonly keyId: string | null
  /** Of the committer, as addresses are compared. */
  readonly email: string
}

type Read =
  | { readonly oid: string; readonly kind: 'unsigned' | 'malformed' }
  | {
      readonly oid: string
      readonly kind: 'gpg'
      readonly payload: Buffer
      readonly committer: { readonly email: string; readonly at: number }
      readonly keyId: string | null
      readonly signature: OpenPgpSignature
    }
  | {
      readonly oid: string
      readonly kind: 'ssh'
      readonly payload: Buffer
      readonly committer: { readonly email: string; readonly at: number }
      readonly keyId: string
      readonly signature: SshSignature
    }

type Signed = Exclude<Read, { kind: 'unsigned' | 'malformed' }>

/** How long the event loop may be held. */
const sliceMs = 5
/** Clocks differ. */
const clockSlackMs = 86_400_000

/** In the order given. */
export async function judgeCommits(hub: Hub, commits: readonly RawCommit[]): Promise<Judged[]> {
  const pause = makePause()
  const reads: Read[] = []
  for (const commit of commits) {
    reads.push(readOne(commit))
    await pause()
  }
  const signed = reads.filter((read): read is Signed => read.kind === 'gpg' || read.kind === 'ssh')
  if (signed.length === 0) return reads.map((read) => plainVerdict(read))
  const known = await loadKnown(hub, signed)
  const judged: Judged[] = []
  for (const read of reads) {
    judged.push(read.kind === 'gpg' || read.kind === 'ssh' ? judgeSigned(read, known) : plainVerdict(read))
    await pause()
  }
  return judged
}

function makePause(): () => Promise<void> {
  let began = performance.now()
  return async () => {
    if (performance.now() - began < sliceMs) return
    await nextTurn()
    began = performance.now()
  }
}

function readOne({ oid, bytes }: RawCommit): Read {
  const commit = readSignedCommit(bytes)
  if (commit.kind !== 'signed') return { oid, kind: commit.kind }
  const { payload, committer } = commit
  const gpg = readOpenPgpSignature(commit.signature)
  if (gpg !== null) return { oid, kind: 'gpg', payload, committer, keyId: gpg.issuer, signature: gpg }
  const ssh = readSshSignature(commit.signature)
  if (ssh?.namespace !== 'git') return { oid, kind: 'malformed' }
  return { oid, kind: 'ssh', payload, committer, keyId: ssh.fingerprint, signature: ssh }
}

function plainVerdict({ oid, kind }: Read): Judged {
  const nobody = { oid, signer: null, signingKeyId: null, keyKind: null, keyId: null, email: '' }
  return kind === 'unsigned'
    ? { ...nobody, status: 'none', reason: null }
    : { ...nobody, status: 'unverified', reason: 'malformed' }
}

interface Known {
  readonly now: number
  readonly host: string
  readonly hubKeys: ReadonlySet<string>
  readonly keys: ReadonlyMap<string, readonly { readonly row: KeyRow; readonly details: KeyDetails }[]>
  readonly addresses: ReadonlyMap<string, readonly AddressRow[]>
}

async function loadKnown(hub: Hub, signed: readonly Signed[]): Promise<Known> {
  const keyIds = [...new Set(signed.map(({ keyId }) => keyId).filter((id) => id !== null))]
  const emails = [...new Set(signed.map(({ committer }) => emailKey(committer.email)))]
  const [keys, addresses] = await Promise.all([selectKeys(hub.db, keyIds), selectAddresses(hub.db, emails)])
  const read = keys.map((row) => ({ row, details: keyDetails.parse(JSON.parse(row.details)) }))
  return {
    now: hub.clock.now(),
    host: new URL(hub.config.publicUrl).hostname,
    hubKeys: new Set(hubKeyBlobs(hub).map(sshFingerprint)),
    keys: Map.groupBy(read, ({ row }) => row.keyId),
    addresses: Map.groupBy(addresses, ({ addressKey }) => addressKey),
  }
}

function judgeSigned(read: Signed, known: Known): Judged {
  const email = emailKey(read.committer.email)
  const found = { oid: read.oid, keyKind: read.kind, keyId: read.keyId, email }
  const nobody = { ...found, signer: null, signingKeyId: null }
  if (read.kind === 'ssh' && known.hubKeys.has(read.keyId)) {
    return read.signature.verify(read.payload)
      ? { ...nobody, status: 'hub', reason: null }
      : { ...nobody, status: 'unverified', reason: 'bad_signature' }
  }
  const candidates = known.keys.get(read.keyId ?? '') ?? []
  if (candidates.length === 0) return { ...nobody, status: 'unverified', reason: 'unknown_key' }
  // Ids of 64 bits can be made to collide: the key that it was really made with is meant.
  for (const { row, details } of candidates) {
    const signer = details.signers.find(({ id }) => id === read.keyId)
    if (signer === undefined || !isBy(read, signer)) continue
    const account = { kind: row.ownerKind, id: row.ownerId }
    const reason =
      faultOfTime(read, signer, row.isCompromised === 1, known.now) ?? faultOfAddress(read, row, details, email, known)
    return {
      ...found,
      signer: account,
      signingKeyId: row.id,
      status: reason === null ? 'verified' : 'unverified',
      reason,
    }
  }
  return { ...nobody, status: 'unverified', reason: 'bad_signature' }
}

function isBy(read: Signed, signer: SignerKey): boolean {
  return read.kind === 'gpg'
    ? read.signature.verify(read.payload, fromSpki(signer.spki))
    : read.signature.verify(read.payload)
}

/** The key counts at the time that the signature names, and at that of the commit. SSH signatures and keys name none. */
function faultOfTime(read: Signed, signer: SignerKey, isCompromised: boolean, now: number): SignatureReason | null {
  if (isCompromised || signer.isCompromised) return 'revoked_key'
  if (read.kind === 'ssh') return null
  const { createdAt, expiresAt } = read.signature
  if (createdAt > now + clockSlackMs || (expiresAt !== null && expiresAt <= now)) return 'bad_signature'
  if (signer.revokedAt !== null && createdAt >= signer.revokedAt) return 'revoked_key'
  for (const at of [createdAt, read.committer.at]) {
    if (signer.expiresAt !== null && at >= signer.expiresAt) return 'expired_key'
    if (signer.createdAt !== null && at < signer.createdAt - clockSlackMs) return 'expired_key'
  }
  return null
}

/** The committer's address stands in the key (SSH keys have none), and is a verified one of the account (GPG-5, GPG-8). */
function faultOfAddress(
  read: Signed,
  row: KeyRow,
  details: KeyDetails,
  email: string,
  known: Known,
): SignatureReason | null {
  if (read.kind === 'gpg' && !details.emails.some((address) => emailKey(address) === email)) return 'bad_email'
  if (row.ownerKind === 'service-account') return email === serviceAccountEmail(row.ownerId) ? null : 'bad_email'
  if (accountIdOfCommitEmail(email) === row.ownerId && email.endsWith(`@users.noreply.${known.host}`)) return null
  const claim = known.addresses.get(email)?.find(({ userId }) => userId === row.ownerId)
  if (claim === undefined) return 'bad_email'
  return claim.verifiedAt === null ? 'unverified_email' : null
}
