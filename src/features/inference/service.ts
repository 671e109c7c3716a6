/**
 * Which servers answer for a model, or that the hub runs it: said by who administers it. Secrets of servers are kept encrypted, and told to nobody but
 * the server.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import type { Facts } from '../../domain/facts.ts'
import { type Allowed, authorize, decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { recordEvent } from '../audit/service.ts'
import { getRevision } from '../files/service.ts'
import { lockRepo } from '../repos/service.ts'
import { mostBackends, type NewBackend, type NewSettings } from './backend.ts'
import { type ModelPlan, planModel } from './embedded/model-files.ts'
import { forgetModel } from './embedded/running.ts'
import { type Backend, deleteServed, findServed, replaceServed, type Served } from './queries.ts'
import { embeddedCall, type UsualCall, usualCall } from './usual-call.ts'

export {
  sampleBody,
  sampleContext,
  sampleLabels,
  sampleSentences,
  sampleText,
  type TextTask,
} from './call-samples.ts'
export { startEmbedded } from './embedded/running.ts'
export { glanceAtInference, type InferenceGlance } from './glance.ts'
export { scheduleForgettingUsage, startUsageRecords, usageJobs } from './usage-book.ts'
export type { CallWay, UsualCall } from './usual-call.ts'

/** Null where none does. */
export async function getServers(
  hub: Hub,
  allowed: Allowed<'repo.inference.read' | 'repo.inference.update'>,
): Promise<Served | null> {
  return await findServed(hub.db.read, allowed.resource.id)
}

/** For who sees the model: how it is called; null where nobody answers for it. `facts`: those that were decided by. */
export async function howToCall(hub: Hub, allowed: Allowed<'repo.read'>, facts: Facts): Promise<UsualCall | null> {
  const served = await findServed(hub.db.read, allowed.resource.id)
  if (served === null) return null
  return served.isEmbedded ? embeddedCall(served, (await planServed(hub, facts, served)).plan) : usualCall(served)
}

/** What the hub loads of a model that it runs, as far as whoever asks may read its files; and else why it cannot run it. */
export async function planServed(
  hub: Hub,
  facts: Facts,
  { commit, headCommit }: Served,
): Promise<{ readonly plan: ModelPlan | null; readonly why: string | null }> {
  const wanted = commit ?? headCommit
  if (wanted === null || !decide('repo.content.read', facts).allow) return { plan: null, why: null }
  try {
    const plan = await planModel(hub, authorize('repo.content.read', facts), wanted, hub.config.inferenceMemory)
    return { plan, why: null }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'model_not_runnable') throw error
    return { plan: null, why: error.message }
  }
}

/** What a page was drawn from. */
export interface MadeFrom {
  /** `updatedAt` of the servers as they were seen; null: there were none. Absent: whatever they are now is replaced. */
  readonly updatedAt?: number | null
  /** Whatever revision and commit there are stay as they are. */
  readonly keepsRevision?: true
}

/**
 * Throws `invalid_input` for an address that is not let through, `revision_not_found`, `model_not_runnable` for files that the hub cannot run, and
 * `servers_changed` where they are not as they were seen.
 * `facts`: those that were decided by.
 */
export async function setServers(
  hub: Hub,
  allowed: Allowed<'repo.inference.update'>,
  facts: Facts,
  origin: Origin,
  asked: NewSettings,
  madeFrom: MadeFrom = {},
): Promise<Served> {
  const { id: repoId, headCommit } = allowed.resource
  const isEmbedded = asked.embedded === true
  const askedBackends = asked.backends ?? []
  if (askedBackends.length > mostBackends) throw tooMany()
  for (const backend of askedBackends) judge(hub, backend.url)
  const wanted = asked.revision ?? null
  const reading = wanted !== null || isEmbedded ? authorize('repo.content.read', facts) : null
  const pinned = wanted === null || reading === null ? null : (await getRevision(hub, reading, wanted)).commit
  const stays = isEmbedded && madeFrom.keepsRevision ? await findServed(hub.db.read, repoId) : null
  const first = stays?.commit ?? pinned ?? headCommit
  // Told at once, while whoever attaches it is there. An empty repo may get its files later.
  if (isEmbedded && reading !== null && first !== null) await planModel(hub, reading, first, hub.config.inferenceMemory)
  await hub.transaction(async (tx) => {
    if ((await lockRepo(tx, hub.db.dialect, repoId)) === null) throw new HoldfastError('repo_not_found')
    // What stays keeps its secret as it is now, whoever changed it a moment ago.
    const before = await findServed(tx, repoId)
    refuseChanged(before, madeFrom)
    const known = new Map((before?.backends ?? []).map((backend) => [keyOf(backend), backend]))
    const backends = askedBackends.map((backend, position) => {
      // Each server that was there stays the same one, once.
      const old = known.get(keyOf(backend)) ?? null
      known.delete(keyOf(backend))
      return describe(hub, repoId, position, backend, old)
    })
    const { revision, commit } =
      madeFrom.keepsRevision && before !== null ? before : { revision: wanted, commit: pinned }
    // Each state has a moment of its own, by which a page says what it was drawn from.
    const updatedAt = Math.max(hub.clock.now(), (before?.updatedAt ?? 0) + 1)
    await replaceServed(tx, { repoId, revision, commit, embedded: isEmbedded ? 1 : 0, updatedAt }, backends)
    await record(hub, tx, allowed, origin, {
      backends: isEmbedded ? ['the hub itself'] : backends.map(inWords),
      revision,
      commit,
    })
  })
  const served = await findServed(hub.db.read, repoId)
  // Somebody took them away in this moment.
  if (served === null) throw new HoldfastError('not_found')
  forgetModel(hub, repoId, served)
  return served
}

function inWords({ url, kind, model, weight, secret }: Backend): string {
  return [
    url,
    kind,
    ...(model === null ? [] : [`as ${model}`]),
    `weight ${weight}`,
    ...(secret === null ? [] : ['secret']),
  ].join(', ')
}

function refuseChanged(before: Served | null, { updatedAt }: MadeFrom): void {
  if (updatedAt !== undefined && (before?.updatedAt ?? null) !== updatedAt) throw new HoldfastError('servers_changed')
}

/** Nobody answers for it any more. Throws `not_found` where nobody did, and `servers_changed`. */
export async function removeServers(
  hub: Hub,
  allowed: Allowed<'repo.inference.update'>,
  origin: Origin,
  madeFrom: MadeFrom = {},
): Promise<void> {
  await hub.transaction(async (tx) => {
    if (madeFrom.updatedAt !== undefined) {
      await lockRepo(tx, hub.db.dialect, allowed.resource.id)
      refuseChanged(await findServed(tx, allowed.resource.id), madeFrom)
    }
    if (!(await deleteServed(tx, allowed.resource.id))) throw new HoldfastError('not_found')
    await record(hub, tx, allowed, origin, { backends: [], revision: null, commit: null })
  })
  forgetModel(hub, allowed.resource.id, null)
}

/** A secret goes on only where the whole address is the same: else whoever may change the address would be sent it. */
function keyOf({ url, kind, model }: { url: string; kind: string; model?: string | null | undefined }): string {
  return JSON.stringify([url, kind, model ?? null])
}

function describe(hub: Hub, repoId: string, position: number, asked: NewBackend, old: Backend | null): Backend {
  const id = old?.id ?? hub.clock.id()
  const kept = asked.secret === undefined ? (old?.secret ?? null) : null
  return {
    ...{ id, repoId, position, url: asked.url, kind: asked.kind, model: asked.model ?? null, weight: asked.weight },
    secret: asked.secret == null ? kept : hub.keys.encrypt('backend-secret', asked.secret, id),
    createdAt: old?.createdAt ?? hub.clock.now(),
  }
}

function judge(hub: Hub, text: string): void {
  try {
    const url = hub.outbound.judge(text)
    if (url.search !== '' || url.hash !== '')
      throw new OutboundRefusal('The address of a server has neither a query nor a fragment.')
  } catch (error) {
    if (!(error instanceof OutboundRefusal)) throw error
    throw new HoldfastError('invalid_input', { reason: error.reason, field: 'url' })
  }
}

function tooMany(): HoldfastError {
  return new HoldfastError('invalid_input', { reason: `At most ${mostBackends} servers answer for a model.` })
}

async function record(
  hub: Hub,
  tx: Parameters<typeof recordEvent>[1],
  allowed: Allowed<'repo.inference.update'>,
  origin: Origin,
  data: EventData,
): Promise<void> {
  const { id, kind, owner, name } = allowed.resource
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind, id, name: `${owner.name}/${name}` },
    ownerId: owner.id,
    data,
  })
}
