/** What a policy would have done, as JSON. */
import { isoTime } from '../../domain/iso-time.ts'
import type { UnsafeContent } from '../scanning/service.ts'
import type { Pusher } from '../signatures/service.ts'
import type { PolicyPreview } from './try-policy.ts'

/** `most`: entries of a list. */
export function presentPolicyPreview(preview: PolicyPreview, most: number): object {
  if (preview.on === 'files') {
    const { before, after, unsafe, unscanned } = preview.found
    return { before, after, unsafe: { ...unsafe, items: unsafe.items.map(presentFile) }, unscanned }
  }
  if (preview.on === 'models') {
    const { items, ...rest } = preview.found
    return { ...rest, items: items.map(({ name, reason }) => ({ name: `${preview.owner.name}/${name}`, reason })) }
  }
  const { found, isPartial } = preview
  const { effect, since, pushes, failing, pushers, isWhole } = found
  return {
    effect,
    since: isoTime(since),
    pushers: isPartial ? null : pushers.slice(0, most).map(presentPusher),
    counts: { pushers: pushers.length, pushes, failing },
    isWhole,
    isPartial,
  }
}

function presentPusher({ kind, name, pushes, failing, last }: Pusher): object {
  const type = kind === 'service-account' ? 'service_account' : kind
  return { principal: { type, name }, pushes, failing, last: { ...last, at: isoTime(last.at) } }
}

function presentFile({ content, size, foundAt, found, places, hasMore }: UnsafeContent): object {
  const repos = places.map(({ kind, namespace, name, path }) => ({ type: kind, name: `${namespace}/${name}`, path }))
  return { content, size, foundAt: isoTime(foundAt), found, repos, moreRepos: hasMore }
}
