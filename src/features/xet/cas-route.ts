/**
 * A route below `/cas/{scope}/`: its authority is a Xet token alone, its target the repo of that token, and the scope in its address must be
 * the one that the repo belongs to at this moment, also when a long upload is decided about again at its end.
 */
import type { z } from 'zod'
import type { Reply } from '../../access/reply.ts'
import { type Call, type Method, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { dedupScope } from '../storage/service.ts'
import { scopeSegment } from './scope-address.ts'

type CasAction = 'repo.content.read' | 'repo.push'

export interface CasCall<Query = unknown, Body = unknown> extends Call<CasAction, Query, Body> {
  /** Within which chunks are shared. */
  readonly scope: string
  /** How the scope stands in addresses. */
  readonly segment: string
}

interface CasRoute<Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method
  /** Below `/cas/:scope`. */
  readonly path: string
  /** `repo.push` needs a token of the mode "write". */
  readonly action: CasAction
  readonly query?: Q
  readonly body?: B
  readonly bodyLimit?: number
  readonly summary: string
  readonly answers?: Readonly<Record<number, string>>
  readonly handle: (call: CasCall<z.output<Q>, z.output<B>>) => Promise<Reply>
}

export function casRoute<Q extends z.ZodType = z.ZodType<unknown>, B extends z.ZodType = z.ZodType<unknown>>(
  definition: CasRoute<Q, B>,
): Route {
  const { path, handle, ...rest } = definition
  return route<CasAction, Q, B>({
    ...rest,
    path: `/cas/:scope${path}`,
    surface: 'xet',
    authority: 'xet-token',
    target: ({ xet }) => ({ on: 'repo-id', id: xet?.repoId ?? '' }),
    handle: async (call) => {
      const segment = call.params.get('scope')
      if (definition.action === 'repo.push' && call.xet?.mode !== 'write') throw new HoldfastError('xet_token_mode')
      checkScope(call.hub, call.allowed, segment)
      const reauthorize = async (): Promise<Allowed<CasAction>> => {
        const allowed = await call.reauthorize()
        checkScope(call.hub, allowed, segment)
        return allowed
      }
      const scope = dedupScope(call.hub.config, call.allowed.resource)
      return await handle({ ...call, scope, segment, reauthorize })
    },
  })
}

function checkScope(hub: Hub, allowed: Allowed<CasAction>, segment: string): void {
  if (scopeSegment(hub, allowed.resource) !== segment) throw new HoldfastError('xet_scope')
}
