/** The field of a token's picker in which a repository is typed: what it offers, and what becomes of what is left in it. */
import { type Viewer, visibleRepos } from '../../access/visible-repos.ts'
import { repoKinds } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { namesOfRepos } from './queries.ts'

const perKind = 50

/**
 * The repos that were changed last, as they are typed into the picker: `acme/m1`, `datasets/acme/d1`. Of those that the viewer sees, and of
 * one owner (id of a user or organization) where it is given; at most fifty of a kind.
 */
export async function suggestRepos(hub: Hub, viewer: Viewer, ownerId?: string): Promise<string[]> {
  const lists = await Promise.all(
    repoKinds.map(async (kind) => {
      const order = { orderBy: 'updatedAt', direction: 'descending', limit: perKind } as const
      const query = { kind, ownerId, ...order, now: hub.clock.now() }
      const positions = await visibleRepos(hub.db, viewer, query)
      const names = await namesOfRepos(
        hub.db,
        positions.map(({ id }) => id),
      )
      return positions.flatMap(({ id }) => {
        const name = names.get(id)
        return name === undefined ? [] : [kind === 'model' ? name : `${kind}s/${name}`]
      })
    }),
  )
  return lists.flat()
}

export const addedInstead =
  'This repository was typed but not added. It is added now: tick what the token may do on it.'

/** The form was sent by another button than the field's own, with something in the field. */
export function isTypedAndLeft(body: {
  readonly role: string
  readonly add?: string | undefined
  readonly repo: string
}): boolean {
  return body.role === 'fineGrained' && body.add === undefined && body.repo.trim() !== ''
}
