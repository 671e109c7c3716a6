/** What is said of commits: from what is pinned, or judged at once where the job was not there yet. */
import { accountIdOfCommitEmail } from '../../domain/commit-identity.ts'
import type { Hub } from '../../hub.ts'
import type { CommitSignatureTable } from '../../platform/db/schema.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { readObject } from '../../platform/git/objects.ts'
import { judgeCommits, type RawCommit } from './judge-commits.ts'
import { rowOf } from './pin.ts'
import { type PinnedRow, selectNames, selectPinned } from './queries.ts'

export interface Verification {
  readonly status: 'verified' | 'unverified' | 'none'
  readonly reason: string | null
  /** Signed by this hub; then `actor` is whom it did that for. */
  readonly isHub: boolean
  readonly actor: string | null
  readonly signer: { readonly kind: 'user' | 'service-account'; readonly name: string } | null
  readonly key: { readonly kind: 'gpg' | 'ssh'; readonly id: string } | null
  readonly verifiedAt: number | null
}

const unsigned: Verification = {
  status: 'none',
  reason: null,
  isHub: false,
  actor: null,
  signer: null,
  key: null,
  verifiedAt: null,
}

const commitLimit = 1024 * 1024

/** By commit id, for every commit given. */
export async function verificationsOf(
  hub: Hub,
  repoId: string,
  commits: readonly Pick<Commit, 'oid' | 'signature' | 'committer'>[],
): Promise<ReadonlyMap<string, Verification>> {
  const signed = commits.filter(({ signature }) => signature !== null)
  const found = new Map<string, Verification>(commits.map(({ oid }) => [oid, unsigned]))
  if (signed.length === 0) return found
  const rows: Pinned[] = await selectPinned(
    hub.db,
    repoId,
    signed.map(({ oid }) => oid),
  )
  const pinned = new Set(rows.map(({ commit }) => commit))
  rows.push(
    ...(await judgeNow(
      hub,
      repoId,
      [...new Set(signed.map(({ oid }) => oid))].filter((oid) => !pinned.has(oid)),
    )),
  )
  const committers = new Map(signed.map(({ oid, committer }) => [oid, accountIdOfCommitEmail(committer.email)]))
  const ids = rows.flatMap((row) => {
    if (row.status === 'hub') return committers.get(row.commit) ?? []
    return nameIn(row) === null ? (row.signerId ?? []) : []
  })
  const names = await selectNames(hub.db, [...new Set(ids)])
  for (const row of rows) found.set(row.commit, describe(row, names, committers.get(row.commit) ?? ''))
  return found
}

type Pinned = CommitSignatureTable & Omit<PinnedRow, keyof CommitSignatureTable>

/** Known from the row itself, where it was pinned. */
function nameIn(row: Pinned): string | null {
  return row.signerKind === 'service-account' ? row.machineName : row.userName
}

async function judgeNow(hub: Hub, repoId: string, oids: readonly string[]): Promise<Pinned[]> {
  const commits: RawCommit[] = []
  for (const oid of oids) {
    const object = await readObject(hub.git, repoId, oid, commitLimit)
    if (object !== null) commits.push({ oid, bytes: object.bytes })
  }
  const now = hub.clock.now()
  return (await judgeCommits(hub, commits)).flatMap((judged) => {
    const row = rowOf(repoId, judged, now)
    return row === null
      ? []
      : [{ ...row, keyKind: judged.keyKind, keyIsCompromised: 0, userName: null, machineName: null }]
  })
}

function describe(row: Pinned, names: ReadonlyMap<string, string>, committer: string): Verification {
  const { keyId, verifiedAt } = row
  const kind = row.keyKind ?? (keyId?.startsWith('SHA256:') ? 'ssh' : 'gpg')
  const key = keyId === null ? null : { kind, id: keyId }
  const plain = { isHub: false, actor: null, signer: null, key, verifiedAt }
  if (row.status === 'hub') {
    const actor = names.get(committer) ?? null
    return { ...plain, status: 'unverified', reason: 'hub_signature', isHub: true, actor }
  }
  // A key that is gone takes its commits with it, from this look on (GPG-4).
  if (row.signingKeyId !== null && row.keyKind === null)
    return { ...plain, status: 'unverified', reason: 'unknown_key' }
  const name = nameIn(row) ?? names.get(row.signerId ?? '')
  const signer = row.signerKind === null || name === undefined ? null : { kind: row.signerKind, name }
  if (row.keyIsCompromised === 1) return { ...plain, signer, status: 'unverified', reason: 'revoked_key' }
  return { ...plain, signer, status: row.status, reason: row.reason }
}
