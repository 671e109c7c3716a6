/** What the jobs do: judge the commits that a ref move brought, and judge again what a key or an address concerns. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import type { CommitSignatureTable } from '../../platform/db/schema.ts'
import { readObject } from '../../platform/git/objects.ts'
import { reachedCommits } from '../../platform/git/reachable.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { type Judged, judgeCommits, type RawCommit } from './judge-commits.ts'
import { insertPinned, replacePinned, selectConcerned, selectPinned } from './queries.ts'

export const judgeQueue = 'judge-signatures'

const movedShape = z.object({ repoId: z.string(), oldOid: z.string(), newOid: z.string() })
const againShape = z.object({ keyIds: z.array(z.string()).optional(), email: z.string().optional() })
const page = 500
const commitLimit = 1024 * 1024

/** Handler of `judge-signatures`. What was judged before stays as it was; a second run changes nothing. */
export async function judgeMoved(hub: Hub, payload: unknown): Promise<void> {
  const { repoId, oldOid, newOid } = movedShape.parse(payload)
  if (newOid === zeroOid || !(await hasRepository(hub.git, repoId))) return
  const exclude = oldOid === zeroOid ? [] : [oldOid]
  for await (const batch of reachedCommits(hub.git, repoId, [newOid], exclude)) {
    // Where most commits are unsigned this is all there is to do.
    const signed = batch.filter(({ bytes }) => bytes.includes('\ngpgsig'))
    const known = await selectPinned(
      hub.db,
      repoId,
      signed.map(({ oid }) => oid),
    )
    const pinned = new Set(known.map(({ commit }) => commit))
    await pin(
      hub,
      repoId,
      signed.filter(({ oid }) => !pinned.has(oid)),
    )
  }
}

async function pin(hub: Hub, repoId: string, commits: readonly RawCommit[]): Promise<void> {
  if (commits.length === 0) return
  const now = hub.clock.now()
  const rows = (await judgeCommits(hub, commits)).flatMap((judged) => rowOf(repoId, judged, now) ?? [])
  await hub.transaction((tx) => insertPinned(tx, rows))
}

/** Handler of `judge-signatures-again`: what is verified by a key that is still there stays (GPG-4); the rest is looked at anew. */
export async function judgeConcerned(hub: Hub, payload: unknown): Promise<void> {
  const { keyIds = [], email } = againShape.parse(payload)
  for (const keyId of keyIds) await judgeAllOf(hub, { keyId }, true)
  if (email !== undefined) await judgeAllOf(hub, { email }, false)
}

async function judgeAllOf(
  hub: Hub,
  by: { readonly keyId: string } | { readonly email: string },
  withVerified: boolean,
): Promise<void> {
  let after = { repoId: '', commit: '' }
  for (;;) {
    const rows = await selectConcerned(hub.db, by, after, page)
    for (const [repoId, concerned] of Map.groupBy(rows, (row) => row.repoId)) {
      const open = concerned.filter((row) => row.status !== 'verified' || row.keyIsThere === null || withVerified)
      await judgeAnew(hub, repoId, open)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < page) return
    after = { repoId: last.repoId, commit: last.commit }
  }
}

async function judgeAnew(
  hub: Hub,
  repoId: string,
  concerned: readonly { readonly commit: string; readonly status: string; readonly keyIsThere: string | null }[],
): Promise<void> {
  if (concerned.length === 0 || !(await hasRepository(hub.git, repoId))) return
  const commits: RawCommit[] = []
  for (const { commit } of concerned) {
    const object = await readObject(hub.git, repoId, commit, commitLimit)
    if (object !== null) commits.push({ oid: object.oid, bytes: object.bytes })
  }
  const before = new Map(concerned.map((row) => [row.commit, row]))
  const now = hub.clock.now()
  const judged = await judgeCommits(hub, commits)
  await hub.transaction(async (tx) => {
    for (const one of judged) {
      const row = rowOf(repoId, one, now)
      const old = before.get(one.oid)
      if (row === null || old === undefined) continue
      // An address that was given up, or a key that merely expired, leaves what was verified (GPG-4).
      const isPinned = old.status === 'verified' && old.keyIsThere !== null
      if (isPinned && row.reason !== 'revoked_key' && row.status !== 'verified') continue
      if (isPinned && row.status === 'verified') continue
      await replacePinned(tx, row)
    }
  })
}

/** Null for an unsigned commit, which has no row. */
export function rowOf(repoId: string, judged: Judged, now: number): CommitSignatureTable | null {
  if (judged.status === 'none') return null
  return {
    repoId,
    commit: judged.oid,
    status: judged.status,
    reason: judged.reason,
    signerKind: judged.signer?.kind ?? null,
    signerId: judged.signer?.id ?? null,
    signingKeyId: judged.signingKeyId,
    keyId: judged.keyId,
    email: judged.email,
    verifiedAt: now,
  }
}
