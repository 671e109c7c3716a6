/**
 * The one door. Every request passes the same five hops: match, authenticate, authorize, handler, reply; no other code calls a handler,
 * and this code never calls one without an `Allowed`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { namedFor } from '../domain/entity.ts'
import { HoldfastError } from '../domain/errors.ts'
import type { Facts } from '../domain/facts.ts'
import { type Action, permissionRow } from '../domain/permissions.ts'
import { type Allowed, authorize } from '../domain/policy.ts'
import type { Hub } from '../hub.ts'
import { check, queryObject, readBody } from './body.ts'
import { refuseBroken } from './broken-request.ts'
import { type CredentialUse, watchCredentials } from './credential-use.ts'
import { presentedBySignature, presentedCredential } from './credentials.ts'
import { openToOtherOrigins, preflight } from './cross-origin.ts'
import { asHoldfastError, errorReply } from './error-reply.ts'
import { type HttpRequest, isSafeMethod, readRequest, refuseCrossSite, trustedProxies } from './http-request.ts'
import { type LoadedFacts, loadFacts, type Target } from './load-facts.ts'
import { followed, movedReply, renamedReply } from './old-address.ts'
import { pageErrorReply } from './page-reply.tsx'
import type { Presented } from './presented.ts'
import { type Reply, send } from './reply.ts'
import { requestCountOf } from './request-count.ts'
import { logRequest } from './request-log.ts'
import type { Asked, Call, ErasedDefinition, Route, Surface } from './route.ts'
import { type Match, type RouteTable, routeTable } from './route-table.ts'
import { RefusedToken } from './sightings.ts'
import { warn, warningsOf } from './warnings.ts'
import { type XetGrant, xetTokenOf } from './xet-token.ts'

export interface Dispatcher {
  handle(message: IncomingMessage, response: ServerResponse): void
  /** Answers a connection on which no request can be read any more. */
  refuse(fault: NodeJS.ErrnoException, socket: Socket): void
  readonly table: RouteTable
  /** Requests under way. */
  readonly underWay: () => number
  /** Writes what was gathered of the use of credentials, as a timer does every minute. */
  writeGathered(): Promise<void>
  stop(): Promise<void>
}

const lingerMs = 120_000

export function dispatcher(hub: Hub, routes: readonly Route[]): Dispatcher {
  const table = routeTable(routes)
  const isTrusted = trustedProxies(hub.config.trustedProxies)
  const uses = watchCredentials(hub)
  const countRequest = requestCountOf(hub)
  const door: Door = { hub, table, uses, publicOrigin: () => new URL(hub.config.publicUrl).origin }
  let underWay = 0
  const responses = new WeakMap<Socket, ServerResponse>()
  return {
    table,
    underWay: () => underWay,
    refuse: (fault, socket) => {
      const response = responses.get(socket) ?? null
      refuseBroken(fault, socket, response?.closed === true ? null : response)
    },
    handle: (message, response) => {
      const request = readRequest(message, response, isTrusted)
      const startedAt = performance.now()
      const seen: Seen = { surface: surfaceAt(request) }
      underWay++
      responses.set(message.socket, response)
      response.once('close', () => {
        underWay--
        countRequest(seen.surface, response)
        logRequest(hub, request, response, performance.now() - startedAt)
      })
      answer(door, request, seen).catch((error: unknown) => {
        hub.log.error({ error, requestId: request.origin.requestId }, 'A reply could not be written')
        response.destroy()
      })
    },
    writeGathered: uses.flush,
    stop: uses.stop,
  }
}

interface Door {
  readonly hub: Hub
  readonly table: RouteTable
  readonly uses: CredentialUse
  readonly publicOrigin: () => string
}

/** What is known of a request that came. */
interface Seen {
  surface: Surface
}

async function answer(door: Door, request: HttpRequest, seen: Seen): Promise<void> {
  const { response } = request
  response.setHeader('x-request-id', request.origin.requestId)
  response.setHeader('x-content-type-options', 'nosniff')
  openToOtherOrigins(response)
  if (request.method === 'OPTIONS') return preflight(response)
  const match = door.table.find(request.method, request.path)
  if (match !== null) seen.surface = match.route.surface
  const state: RequestState = { facts: null, action: null }
  let reply: Reply
  try {
    if (match === null) throw unmatched(door.table, request)
    reply = await pass(door, match, request, state)
  } catch (thrown) {
    const fault = asHoldfastError(thrown, request, door.hub.log)
    door.uses.noteRefusal(fault, state.facts, request)
    const error = state.facts === null || fault.denied === null ? fault : fault.about(namedFor(state.facts))
    // Bytes are on their way: the only honest end is a broken connection, which every client takes for a failure.
    if (response.headersSent) {
      response.destroy()
      return
    }
    reply = await refused(door, match, request, state, error)
  }
  send(response, reply, request.method === 'HEAD')
  finishBody(request)
}

/**
 * A body that nobody read is read on and dropped, for a while: most clients listen only after they have sent everything, and would take
 * a connection that is cut for a fault of the network instead of reading why they were refused.
 */
function finishBody({ message, response }: HttpRequest): void {
  if (message.complete || message.destroyed) return
  const timer = setTimeout(() => message.destroy(), lingerMs)
  message.once('close', () => clearTimeout(timer))
  message.on('error', () => response.end())
  message.resume()
}

interface RequestState {
  facts: Facts | null
  action: Action | null
}

/** Hops 2 to 5. */
async function pass(door: Door, match: Match, request: HttpRequest, state: RequestState): Promise<Reply> {
  const { hub } = door
  const { definition, surface } = match.route
  const { presented, xet } = presentedOrLimited(door, match, request)
  // An address that is its own authority is also called by mail providers; another site that knows it could call it itself.
  const isOpenPage = surface === 'page' && definition.authority !== 'address'
  if (presented.kind === 'session' || (presented.kind === 'none' && isOpenPage)) {
    if (!isSafeMethod(request.method)) refuseCrossSite(request, door.publicOrigin())
  }
  const asked = {
    params: match.params,
    query: request.query,
    request,
    body: undefined as unknown,
    callerName: null as string | null,
    xet,
  }
  // Who shows nothing is known before anything is read.
  if (presented.kind === 'none') door.uses.count(surface, request, null)
  if (definition.decidesByBody === true) await readDecidingBody(door, match, presented, asked, state)
  const action = typeof definition.action === 'function' ? definition.action(asked) : definition.action
  const target = typeof definition.target === 'function' ? definition.target(asked) : definition.target
  const found = await load(door, presented, target, request, surface)
  // No redirect reaches what the body names, and none is followed for what git posts.
  const isFollowed =
    surface === 'git' ? request.method === 'POST' : surface === 'openai' && definition.decidesByBody === true
  const loaded = isFollowed ? await followed(hub, presented, target, found, request) : found
  const facts = withFile(definition, asked, loaded.facts)
  state.facts = facts
  state.action = action
  const allowed = await decided(door, match, action, facts, target, request, asked)
  if ('kind' in allowed) return allowed
  door.uses.note(loaded, request, action)
  const fresh = async (anotherTarget: Target): Promise<Facts> =>
    withFile(
      definition,
      asked,
      (await loadFacts(hub.db, presented, anotherTarget, hub.clock.now(), request.origin.ip)).facts,
    )
  const call: Call<Action, unknown, unknown> = {
    hub,
    allowed: allowed.proof,
    facts,
    params: match.params,
    query: undefined,
    body: asked.body,
    request,
    xet,
    reauthorize: async () => authorize(action, await fresh(targetAgain(target, facts))),
    authorizeAlso: async (other, otherTarget) => authorizeNamed(other, await fresh(otherTarget)),
    factsAbout: fresh,
  }
  try {
    const query = definition.query === undefined ? undefined : check(definition.query, queryObject(request.query))
    const body =
      definition.decidesByBody === true || definition.body === undefined
        ? asked.body
        : await readBody(request, definition.body, definition.bodyLimit ?? 1_048_576)
    return await definition.handle({ ...call, query, body })
  } catch (thrown) {
    if (definition.onFault === undefined || !(thrown instanceof HoldfastError) || thrown.status >= 500) throw thrown
    return await definition.onFault(thrown, call)
  }
}

function withFile(definition: ErasedDefinition, asked: Asked<unknown>, facts: Facts): Facts {
  return definition.file === undefined ? facts : { ...facts, path: definition.file(asked) }
}

/** A refusal of a second thing names that one. */
function authorizeNamed<A extends Action>(action: A, facts: Facts): Allowed<A> {
  try {
    return authorize(action, facts)
  } catch (thrown) {
    throw thrown instanceof HoldfastError ? thrown.about(namedFor(facts)) : thrown
  }
}

/** A repo is asked for again by id: a rename in between must neither lose it nor reach another one. */
function targetAgain(target: Target, facts: Facts): Target {
  return facts.resource.on === 'repo' && facts.resource.repo !== null
    ? { on: 'repo-id', id: facts.resource.repo.id }
    : target
}

/** A credential that cannot be one still counts against the address it came from. */
function presentedOrLimited(
  door: Door,
  match: Match,
  request: HttpRequest,
): { readonly presented: Presented; readonly xet: XetGrant | null } {
  const { keys, clock } = door.hub
  const { definition } = match.route
  if (definition.authority === 'body' || definition.authority === 'address')
    return { presented: { kind: 'none' }, xet: null }
  try {
    if (definition.authority === 'xet-token') {
      const { grant, signed } = xetTokenOf(request, keys, clock.now())
      return { presented: { kind: 'signed', ...signed }, xet: grant }
    }
    const isSigned = definition.signed === true
    const presented = isSigned ? presentedBySignature(request, keys, clock.now()) : presentedCredential(request, keys)
    return { presented, xet: null }
  } catch (error) {
    door.uses.count(match.route.surface, request, null)
    throw error
  }
}

async function load(
  door: Door,
  presented: Presented,
  target: Target,
  request: HttpRequest,
  surface: Surface,
): Promise<LoadedFacts> {
  const loaded = await loadCounted(door, presented, target, request, surface)
  await door.uses.admit(presented, loaded.facts, surface, request)
  if (request.response.getHeader('x-hf-warning') === undefined) {
    for (const warning of warningsOf(loaded.facts, door.hub.clock.now())) warn(request.response, warning)
  }
  return loaded
}

/** A credential that is none of ours, or is so no more, counts against the address it came from. */
async function loadCounted(
  door: Door,
  presented: Presented,
  target: Target,
  request: HttpRequest,
  surface: Surface,
): Promise<LoadedFacts> {
  try {
    const loaded = await loadFacts(door.hub.db, presented, target, door.hub.clock.now(), request.origin.ip)
    refuseOrganizationToken(door.hub, loaded.facts)
    return loaded
  } catch (error) {
    if (error instanceof RefusedToken || (error instanceof HoldfastError && error.status === 401))
      door.uses.count(surface, request, null)
    throw error
  }
}

/** OAT-1: as if it had never been made, where this hub takes none. */
function refuseOrganizationToken(hub: Hub, { principal }: Facts): void {
  if (principal.kind !== 'organization' || hub.config.legacyOrgTokens) return
  throw new HoldfastError('invalid_credentials', {}, { denied: { code: 'organization_token_off' } })
}

/** Only a caller who is known may make us read a body before the decision; a stranger is refused first. */
async function readDecidingBody(
  door: Door,
  match: Match,
  presented: Presented,
  asked: { body: unknown; callerName: string | null; request: HttpRequest },
  state: RequestState,
): Promise<void> {
  const { definition, surface } = match.route
  const { facts } = await loadCounted(door, presented, { on: 'self' }, asked.request, surface)
  state.facts = facts
  const isOpen = typeof definition.action === 'string' && permissionRow(definition.action).least === 'anyone'
  const isRead = typeof definition.action === 'string' && permissionRow(definition.action).openWherePublic === true
  if (facts.principal.kind === 'anonymous' && !isOpen && !isRead) {
    throw new HoldfastError('unauthenticated', {}, { denied: { code: 'unauthenticated' } })
  }
  asked.callerName = facts.principal.kind === 'user' ? facts.principal.name : null
  if (definition.body !== undefined)
    asked.body = await readBody(asked.request, definition.body, definition.bodyLimit ?? 1_048_576)
}

/** Hop 3. A refusal may become a redirect to where the repo is now, or what the route makes of it. */
async function decided(
  door: Door,
  match: Match,
  action: Action,
  facts: Facts,
  target: Target,
  request: HttpRequest,
  asked: Asked<unknown>,
): Promise<{ proof: ReturnType<typeof authorize<Action>> } | Reply> {
  try {
    return { proof: authorize(action, facts) }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    const moved =
      (await movedReply(door.hub, match, facts, target, request)) ??
      (await renamedReply(door.hub, match, facts, target, request))
    if (moved !== null) return moved
    const instead = (await match.route.definition.onRefused?.(error, facts, asked, door.hub)) ?? null
    if (instead !== null) return instead
    throw error
  }
}

async function refused(
  door: Door,
  match: Match | null,
  request: HttpRequest,
  state: RequestState,
  error: HoldfastError,
): Promise<Reply> {
  const surface = match?.route.surface ?? surfaceAt(request)
  if (surface !== 'page') return errorReply(error, surface, request)
  const facts = state.facts ?? (await factsForPage(door, request))
  return await pageErrorReply(door.hub, facts, error, request, state.action)
}

/** Of an address that nothing stands at. What is sent below `/models/` comes from a client of the Inference API; who looks there sees a page. */
function surfaceAt({ path, method }: HttpRequest): Surface {
  if (path === '/v1' || path.startsWith('/v1/') || /^\/models\/[^/]+\/[^/]+\/v1(\/|$)/.test(path)) return 'openai'
  if (path.startsWith('/models/') && method !== 'GET' && method !== 'HEAD') return 'api'
  return path.startsWith('/api/') ? 'api' : path.startsWith('/cas/') ? 'xet' : 'page'
}

/** Who looks at the error page, where the request failed before that was known. */
async function factsForPage(door: Door, request: HttpRequest): Promise<Facts | null> {
  try {
    const presented = presentedCredential(request, door.hub.keys)
    return (await loadFacts(door.hub.db, presented, { on: 'instance' }, door.hub.clock.now(), request.origin.ip)).facts
  } catch (error) {
    if (error instanceof HoldfastError) return null
    throw error
  }
}

function unmatched(table: RouteTable, request: HttpRequest): HoldfastError {
  const allowed = table.methodsAt(request.path)
  if (allowed.length > 0) {
    const list = allowed.join(', ')
    return new HoldfastError(
      'method_not_allowed',
      { method: request.method, allowed: list },
      { headers: { allow: list } },
    )
  }
  // What looks like a repo's address is answered like one, so that clients say "repository not found" and not "error 404".
  const isRepoApi = /^\/api\/(models|datasets|spaces)\/./.test(request.path)
  if (!isRepoApi) return new HoldfastError('not_found')
  const isStranger = request.header('authorization') === null && request.cookie('token') === null
  return new HoldfastError('repo_not_found', {}, isStranger ? { status: 401 } : {})
}
