/** The page of who answers for a model, as it is now, with what its viewer asked for. */
import { faultAnswer } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { repoId } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import type { RepoView } from '../../web/repo-place.tsx'
import { repoViewOf } from '../repos/service.ts'
import { hasLibrary, libraryCommand, loadState } from './embedded/running.ts'
import { gatewayOf } from './gateway.ts'
import type { Backend, Served } from './queries.ts'
import { ServersPage } from './server-pages.tsx'
import type { RunningView, ServersDialog, ServerView, TryView } from './server-view.ts'
import { planServed } from './service.ts'
import { waysOfEmbedded, waysOfServers } from './try-ways.ts'
import { embeddedCall, embeddedWays, usualCall } from './usual-call.ts'

/** What the page shows beside how things are. */
export interface View {
  readonly form?: FormState
  /** The id of the server that is changed. */
  readonly changing?: string
  readonly revisionForm?: FormState
  readonly tried?: Pick<TryView, 'form' | 'answer'>
  readonly embedForm?: FormState
  readonly dialog?: { readonly kind: 'end' | 'embed' } | { readonly kind: 'remove'; readonly id: string }
  readonly fault?: HoldfastError
}

export async function serversReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  served: Served | null,
  view: View,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const repo = repoViewOf(facts)
  const planned = served?.isEmbedded === true ? await planServed(hub, facts, served) : null
  const servers = (served?.backends ?? []).map((backend) => viewOf(hub, backend))
  const { dialog, tried, fault } = view
  const asked = dialog?.kind === 'remove' ? servers.find(({ id }) => id === dialog.id) : undefined
  const page = (
    <ServersPage
      context={context}
      repo={repo}
      servers={servers}
      embedded={{
        isInstalled: hasLibrary(),
        command: libraryCommand,
        most: hub.config.inferenceMemory,
        running: served === null || planned === null ? null : runningOf(hub, facts, served, planned),
        form: view.embedForm ?? freshForm,
      }}
      revision={served?.revision ?? null}
      commit={served?.commit ?? null}
      madeFrom={served === null ? '' : String(served.updatedAt)}
      form={view.form ?? freshForm}
      changing={servers.find(({ id }) => id === view.changing) ?? null}
      revisionForm={view.revisionForm ?? freshForm}
      tried={{
        form: tried?.form ?? freshForm,
        answer: tried?.answer ?? null,
        ...waysOf(hub, repo, served, planned),
      }}
      dialog={dialogOf(dialog?.kind, asked, servers.length, planned !== null)}
      mayChange={decide('repo.inference.update', facts).allow}
      mayTry={decide('repo.infer', facts).allow}
    />
  )
  return pageReply(context, page, fault === undefined ? {} : answerFor(fault))
}

type Planned = Awaited<ReturnType<typeof planServed>>

function runningOf(hub: Hub, { resource }: Facts, served: Served, { plan, why }: Planned): RunningView {
  if (resource.on !== 'repo' || resource.repo === null) throw new Error('A repo page was drawn without a repo.')
  return {
    ...loadState(hub, resource.repo.id, served),
    notRunnable: why,
    hasFiles: (served.commit ?? served.headCommit) !== null,
    graph: plan === null ? null : { dtype: plan.dtype, weights: plan.weights, task: plan.task },
  }
}

/** Of servers the usual way comes first as well; what they can do, nobody tells. */
function waysOf(
  hub: Hub,
  repo: RepoView,
  served: Served | null,
  planned: Planned | null,
): Pick<TryView, 'ways' | 'mask' | 'imageAddress'> {
  if (served === null || planned === null) {
    const { way, mask } = served === null ? ({ way: 'chat', mask: '' } as const) : usualCall(served)
    return { ways: [way, ...waysOfServers.filter((one) => one !== way)], mask, imageAddress: null }
  }
  const { plan } = planned
  const ways = embeddedWays(plan === null ? served.pipelineTag : plan.task, plan?.hasChatTemplate ?? false)
  const isForImages = ways.includes('image-classification')
  return {
    ways: waysOfEmbedded(ways),
    mask: embeddedCall(served, plan).mask,
    imageAddress: isForImages ? `${hub.config.publicUrl}/models/${repoId(repo)}` : null,
  }
}

function dialogOf(
  kind: ServersDialog['kind'] | undefined,
  server: ServerView | undefined,
  count: number,
  isHub: boolean,
): ServersDialog | null {
  if (kind === 'remove') return server === undefined ? null : { kind, server }
  if (kind === 'end') return count > 0 || isHub ? { kind } : null
  return kind === 'embed' && count > 0 ? { kind } : null
}

/** That a server of the model failed is told on a page that did not: what stands before the hub leaves it as it is. */
function answerFor(fault: HoldfastError) {
  return fault.status >= 500 ? {} : faultAnswer(fault)
}

function viewOf(hub: Hub, backend: Backend): ServerView {
  const { id, url, kind, model, weight, secret } = backend
  const { failures, skippedUntil } = gatewayOf(hub).healthOf(backend)
  const leftAloneMs = skippedUntil === null ? null : skippedUntil - hub.clock.now()
  return { id, url, kind, model, weight, hasSecret: secret !== null, failures, leftAloneMs }
}
