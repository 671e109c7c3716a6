/** "Signed models only" tried on the heads of an organization's models: which would be withheld, or handed out again. */
import type { OwnerFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type HeadRow, selectHeads, selectSignedSince } from './queries.ts'

export interface AffectedModel {
  readonly name: string
  /** Why its head does not count, as a sentence. */
  readonly reason: string
}

export interface AffectedModels {
  readonly effect: 'hold' | 'hand_out' | 'none'
  /** The first of them, by name. */
  readonly items: readonly AffectedModel[]
  readonly affected: number
  /** That were looked at: those with files. */
  readonly models: number
  /** False where there are too many to look at all of them. */
  readonly isWhole: boolean
}

const mostModels = 10_000
const page = 500

/** `most`: entries of the list. */
export async function affectedModels(
  hub: Hub,
  organization: OwnerFacts,
  signedOnly: boolean,
  most: number,
): Promise<AffectedModels> {
  const isSignedOnly = (await selectSignedSince(hub.db, organization.id)) > 0
  const items: AffectedModel[] = []
  if (isSignedOnly === signedOnly) return { effect: 'none', items, affected: 0, models: 0, isWhole: true }
  const effect = signedOnly ? 'hold' : 'hand_out'
  let affected = 0
  let models = 0
  for (let after = '', looked = 0; ; looked += page) {
    if (looked >= mostModels) return { effect, items, affected, models, isWhole: false }
    const rows = await selectHeads(hub.db, organization.id, after, page)
    for (const row of rows) {
      if (row.headCommit === null) continue
      models++
      // Where its workspace asks for the same, it is withheld now as then.
      if (row.isVerified === 1 || row.isWorkspaceSignedOnly === 1) continue
      affected++
      if (items.length < most) items.push({ name: row.name, reason: reasonOf(row) })
    }
    if (rows.length < page) return { effect, items, affected, models, isWhole: true }
    after = rows.at(-1)?.nameKey ?? ''
  }
}

function reasonOf({ status, detail }: HeadRow): string {
  if (status === null) return 'Nobody has asked for its signature yet: it is checked when somebody does.'
  if (status === 'none') return 'It is not signed.'
  // Verified once, by a key that is no longer trusted.
  if (status === 'verified') return 'It was signed by a key that is no longer trusted.'
  return detail ?? 'Its signature is not verified.'
}
