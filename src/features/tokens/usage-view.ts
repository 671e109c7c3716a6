/** What a token touched, between the service and the pages. */
import { HoldfastError } from '../../domain/errors.ts'
import { repoKinds } from '../../domain/facts.ts'
import { repoPath } from '../../web/address.ts'
import type { ShrinkView, UsageView } from '../../web/token-usage.tsx'
import type { Proposal, TouchedThing, UsageReport } from './usage.ts'

const words: Readonly<Record<TouchedThing['type'], string>> = {
  model: 'model',
  dataset: 'dataset',
  space: 'space',
  org: 'organization',
  user: 'person',
  gone: 'deleted, or no longer for you to see',
  other: 'beyond what is recorded one by one',
}

export function viewOfUsage(report: UsageReport): UsageView {
  const { firstUsedAt, lastUsedAt, unused, addresses, programs } = report
  return { firstUsedAt, lastUsedAt, unused, addresses, programs, things: report.things.map(viewOfThing) }
}

function viewOfThing({ type, name, ...thing }: TouchedThing): UsageView['things'][number] {
  const kind = repoKinds.find((each) => each === type)
  const [namespace = '', repo = ''] = (name ?? '').split('/')
  const href = name === null ? null : kind === undefined ? `/${name}` : repoPath({ kind, namespace, name: repo })
  return { ...thing, name: name ?? (type === 'other' ? 'Other things' : 'Something'), type: words[type], href }
}

/** `propose` throws `shrink_impossible` or `child_token` where there is nothing to propose. */
export async function viewOfShrink(role: string, propose: () => Promise<Proposal>): Promise<ShrinkView> {
  try {
    const { before, after } = await propose()
    return { kind: 'proposal', before, after, losesRole: role === 'read' || role === 'write' }
  } catch (thrown) {
    if (thrown instanceof HoldfastError && (thrown.code === 'shrink_impossible' || thrown.code === 'child_token')) {
      return { kind: 'none', reason: thrown.message }
    }
    throw thrown
  }
}
