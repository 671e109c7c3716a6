/** A scan policy tried on what lies in the repos of an organization: what would be held from then on, or handed out again. */
import type { OwnerFacts } from '../../domain/facts.ts'
import { type ScanPolicy, scanPolicies, stricterPolicy } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { scanPolicyOfOwner } from '../storage/service.ts'
import { selectOwned, selectReleased, selectUnscanned } from './held-queries.ts'
import { listUnsafe, type UnsafeContent } from './list-held.ts'

export type HoldEffect = 'hold' | 'hand_out' | 'none'

export interface AffectedFiles {
  /** What counts now and then: the stricter of what the organization and the hub say. */
  readonly before: ScanPolicy
  readonly after: ScanPolicy
  /** What scanners found unsafe and nobody released, newest first. */
  readonly unsafe: { readonly effect: HoldEffect; readonly items: readonly UnsafeContent[]; readonly isWhole: boolean }
  /** What no scanner has finished with. */
  readonly unscanned: { readonly effect: HoldEffect; readonly count: number; readonly isWhole: boolean }
}

/** Entries of the list of unsafe files at most: each is looked for in its repos. */
export const mostFiles = 100
/** Contents of the whole hub that wait for scanners and are looked at, of each state. */
const mostWaiting = 2_000
const slice = 500

export async function affectedFiles(
  hub: Hub,
  organization: OwnerFacts,
  wanted: ScanPolicy,
  most: number,
): Promise<AffectedFiles> {
  const own = await scanPolicyOfOwner(hub, organization)
  const before = stricterPolicy(hub.config.scanPolicy, own)
  const after = stricterPolicy(hub.config.scanPolicy, wanted)
  const unsafe = effectOf(before, after, 'block_infected')
  const unscanned = effectOf(before, after, 'block_until_scanned')
  const found =
    unsafe === 'none'
      ? { items: [], next: null }
      : await listUnsafe(hub, organization.id, null, Math.min(most, mostFiles))
  return {
    before,
    after,
    unsafe: {
      effect: unsafe,
      items: found.items.filter(({ isReleased }) => !isReleased),
      isWhole: found.next === null,
    },
    unscanned: {
      effect: unscanned,
      ...(unscanned === 'none' ? { count: 0, isWhole: true } : await countUnscanned(hub, organization.id)),
    },
  }
}

/** What the change does to files that are held from the policy `from` on. */
function effectOf(before: ScanPolicy, after: ScanPolicy, from: ScanPolicy): HoldEffect {
  const holds = (policy: ScanPolicy) => scanPolicies.indexOf(policy) >= scanPolicies.indexOf(from)
  if (holds(before) === holds(after)) return 'none'
  return holds(after) ? 'hold' : 'hand_out'
}

async function countUnscanned(hub: Hub, ownerId: string): Promise<{ count: number; isWhole: boolean }> {
  const { contents, isWhole } = await selectUnscanned(hub.db, mostWaiting)
  let count = 0
  for (let at = 0; at < contents.length; at += slice) {
    const some = contents.slice(at, at + slice)
    const [owned, released] = await Promise.all([selectOwned(hub.db, some, ownerId), selectReleased(hub.db, some)])
    for (const content of owned) if (!released.has(content)) count++
  }
  return { count, isWhole }
}
