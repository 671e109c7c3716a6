/**
 * What a route is. It names its action, its target and its shapes; the dispatcher does the rest in five hops, so that a handler starts
 * with proof in hand. A route without an action does not compile, and an open one says so by its row in the permission table.
 */
import type { z } from 'zod'
import type { HoldfastError } from '../domain/errors.ts'
import type { Facts } from '../domain/facts.ts'
import type { Action } from '../domain/permissions.ts'
import type { Allowed } from '../domain/policy.ts'
import type { Hub } from '../hub.ts'
import type { HttpRequest } from './http-request.ts'
import type { Target } from './load-facts.ts'
import type { Reply } from './reply.ts'
import type { XetGrant } from './xet-token.ts'

/** Who speaks at this address: decides the dialect of errors and the rate limit that counts. */
export type Surface = 'api' | 'resolve' | 'git' | 'lfs' | 'xet' | 'oauth' | 'openai' | 'page'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Params {
  /** A named segment, decoded once. */
  get(name: string): string
  /** What `*` stands for, as segments that are still encoded. */
  readonly tail: readonly string[]
  /** `model`, `dataset` or `space` where the path has `{kinds}` or `{prefix}`. */
  readonly kind: 'model' | 'dataset' | 'space'
}

/** What a route may look at to say what is being done to what: nothing that costs. */
export interface Asked<Body> {
  readonly params: Params
  readonly query: URLSearchParams
  readonly request: HttpRequest
  /** Set only where `decidesByBody` is. */
  readonly body: Body
  /** Who asks, for targets such as "one's own namespace". Null for anonymous. */
  readonly callerName: string | null
  /** What the Xet token is for; null where the route takes none. */
  readonly xet: XetGrant | null
}

export interface Call<A extends Action, Query, Body> {
  readonly hub: Hub
  readonly allowed: Allowed<A>
  readonly facts: Facts
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly request: HttpRequest
  readonly xet: XetGrant | null
  /** Decides again with facts of this moment: before the commit point of a service that streamed its input. */
  reauthorize(): Promise<Allowed<A>>
  /** What a decision about another thing would be made from: to explain it, never to act on it. */
  factsAbout(target: Target): Promise<Facts>
  /** Decides about a second thing that the same act touches (the namespace a repo is moved to). */
  authorizeAlso<B extends Action>(action: B, target: Target): Promise<Allowed<B>>
}

export interface RouteDefinition<A extends Action, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method
  /**
   * `:name` for a segment, a last `*` for the rest, `{kinds}` for models|datasets|spaces and `{prefix}` for the web prefix of each kind
   * (`` | `datasets/` | `spaces/`).
   */
  readonly path: string
  readonly surface: Surface
  readonly action: A | ((asked: Asked<z.output<B>>) => A)
  readonly target: Target | ((asked: Asked<z.output<B>>) => Target)
  /** Which file of the repo is asked for, where it is one: tokens can be limited to some. */
  readonly file?: (asked: Asked<z.output<B>>) => string
  readonly query?: Q
  readonly body?: B
  /** The body decides action or target: it is read before authorization, but after authentication, and only where the caller is known. */
  readonly decidesByBody?: true
  /** The address itself carries the authority (`signed-address.ts`): no header or cookie is looked at. */
  readonly signed?: true
  /**
   * `xet-token`: only a Xet token counts here (`xet-token.ts`), as that of the credential behind it. `body`: what the body proves, which the
   * handler judges; no header or cookie makes the caller anybody. `address`: so does the address, from wherever it is called.
   */
  readonly authority?: 'xet-token' | 'body' | 'address'
  /** Bytes; default 1 MiB. */
  readonly bodyLimit?: number
  /** One sentence for the API description. Absent for pages. */
  readonly summary?: string
  /** What is answered, for the API description: status to sentence. */
  readonly answers?: Readonly<Record<number, string>>
  /** May turn a refusal into another answer, from facts that the policy already judged visible. */
  readonly onRefused?: (
    refusal: HoldfastError,
    facts: Facts,
    asked: Asked<z.output<B>>,
    hub: Hub,
  ) => Promise<Reply | null>
  /** A page that shows its own form again with the fault in place. */
  readonly onFault?: (fault: HoldfastError, call: Call<A, z.output<Q>, unknown>) => Promise<Reply>
  readonly handle: (call: Call<A, z.output<Q>, z.output<B>>) => Promise<Reply>
}

/** A route whose types have been checked; the dispatcher no longer needs to know them. */
export interface Route {
  readonly method: Method
  readonly path: string
  readonly surface: Surface
  readonly definition: ErasedDefinition
}

export type ErasedDefinition = RouteDefinition<Action, z.ZodType, z.ZodType>

/** The only way to serve an address. */
export function route<
  A extends Action,
  Q extends z.ZodType = z.ZodType<unknown>,
  B extends z.ZodType = z.ZodType<unknown>,
>(definition: RouteDefinition<A, Q, B>): Route {
  return {
    method: definition.method,
    path: definition.path,
    surface: definition.surface,
    // Query and body were parsed by this definition's own schemas before its handler sees them.
    definition: definition as unknown as ErasedDefinition,
  }
}
