/** What is said of the model signature in a commit: from what was found, if that still holds; else it is asked for, and nobody waits. */
import type { Hub } from '../../hub.ts'
import { askForModelCheck, trustWord } from '../storage/service.ts'
import { signatureNames } from './candidates.ts'
import { isCurrent } from './check.ts'
import { emptyReport, type Report, reportShape } from './compare.ts'
import { selectState, selectTrustedKeys } from './queries.ts'

export interface ModelSignature {
  /** `pending`: it is being judged. `none`: the revision has none. */
  readonly status: 'verified' | 'unverified' | 'none' | 'pending'
  readonly reason: string | null
  /** The reason as a sentence. */
  readonly detail: string | null
  readonly file: string | null
  readonly key: {
    readonly id: string
    readonly name: string
    readonly kind: 'key' | 'certificate'
    readonly fingerprint: string
  } | null
  readonly signer: string | null
  readonly report: Report
  readonly checkedAt: number | null
}

const nothing = { reason: null, detail: null, file: null, key: null, signer: null, checkedAt: null } as const

export async function modelSignatureOf(
  hub: Hub,
  repo: { readonly id: string; readonly owner: { readonly id: string } },
  commit: string,
): Promise<ModelSignature> {
  const row = await selectState(hub.db, repo.id, commit)
  if (row?.status === 'none') return { ...nothing, status: 'none', report: emptyReport() }
  if (row === null) {
    const names = await signatureNames(hub, repo.id, commit)
    if (names.length === 0) return { ...nothing, status: 'none', report: emptyReport() }
  }
  const keys = await selectTrustedKeys(hub.db, repo.owner.id)
  const ids = keys.map(({ id }) => id)
  if (row === null || !isCurrent(row, trustWord(ids), new Set(ids))) {
    await askForModelCheck(hub, { repoId: repo.id, commit, isAsked: true })
    return { ...nothing, status: 'pending', report: emptyReport(), file: row?.file ?? null }
  }
  const { status, reason, detail, file, signer, checkedAt } = row
  const key = keys.find(({ id }) => id === row.keyId) ?? null
  return { status, reason, detail, file, signer, checkedAt, key, report: reportShape.parse(JSON.parse(row.report)) }
}
