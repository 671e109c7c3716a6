/** Which models can be called: those that the caller sees and that a server answers for. */
import { visibleRepos } from '../../access/visible-repos.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findServed, type ListedModel, selectListed } from './queries.ts'

export interface ModelObject {
  readonly id: string
  readonly object: 'model'
  /** Seconds. */
  readonly created: number
  readonly owned_by: string
}

export function presentModel({ owner, name, servedAt }: Omit<ListedModel, 'id'>): ModelObject {
  return { id: `${owner}/${name}`, object: 'model', created: Math.floor(servedAt / 1000), owned_by: owner }
}

/** One page, in the shape of OpenAI's lists. `after`: the id that a page gave as `last_id`. */
export async function listCallable(
  hub: Hub,
  { principal, credential }: Facts,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<object> {
  const found = await visibleRepos(
    hub.db,
    { principal, credential },
    {
      kind: 'model',
      isServed: true,
      orderBy: 'createdAt',
      direction: 'descending',
      after: after === undefined ? undefined : positionOf(after),
      limit: limit + 1,
      now: hub.clock.now(),
    },
  )
  const page = found.slice(0, limit)
  const byId = new Map(
    (
      await selectListed(
        hub.db,
        page.map(({ id }) => id),
      )
    ).map((model) => [model.id, model]),
  )
  const last = page.at(-1)
  return {
    object: 'list',
    data: page.flatMap(({ id }) => byId.get(id) ?? []).map(presentModel),
    has_more: found.length > limit,
    last_id: last === undefined ? null : `${last.value}-${last.id}`,
  }
}

function positionOf(text: string): { id: string; value: number } {
  const [, value, id] = /^(\d{1,15})-([0-9a-f]{24})$/.exec(text) ?? []
  if (value === undefined || id === undefined) {
    throw new HoldfastError('bad_request', { reason: '"after" is not the last_id of a page.' })
  }
  return { id, value: Number(value) }
}

/** Throws `model_not_served`. */
export async function getCallable(hub: Hub, allowed: Allowed<'repo.infer'>): Promise<Omit<ListedModel, 'id'>> {
  const { id, owner, name } = allowed.resource
  const served = await findServed(hub.db.read, id)
  if (served === null) throw new HoldfastError('model_not_served', { model: `${owner.name}/${name}` })
  return { owner: owner.name, name, servedAt: served.updatedAt }
}
