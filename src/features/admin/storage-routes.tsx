/** Storage of the hub on pages: counted when asked, a dry run of the collection, and the collection asked for. */
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { collectAfter, collectionQueue, countStore, planCollection } from '../storage/service.ts'
import { storageWords } from './health-routes.tsx'
import { selectQueues } from './queries.ts'
import { StoragePage, type StorageView, storagePath } from './storage-page.tsx'

const instance = { on: 'instance' } as const
/** How long somebody waits for a count before it is shown as far as it came. */
const patienceMs = 10_000

export const storageRoutes: Route[] = [
  route({
    method: 'GET',
    path: storagePath,
    surface: 'page',
    action: 'instance.manage.read',
    target: instance,
    handle: ({ hub, facts, request }) => reply(hub, facts, request, null),
  }),
  route({
    method: 'POST',
    path: `${storagePath}/count`,
    surface: 'page',
    action: 'instance.manage.read',
    target: instance,
    handle: async ({ hub, facts, request }) => {
      const until = deadline()
      const { objects, xorbs } = await countStore(hub.db, until.passed)
      return await reply(hub, facts, request, {
        kind: 'stored',
        counts: [
          { label: 'Large files', about: 'as they were sent', ...objects },
          { label: 'Xorbs', about: 'packs of chunks, of which Xet files are made', ...xorbs },
        ],
        isComplete: !until.wasAsked(),
      })
    },
  }),
  route({
    method: 'POST',
    path: `${storagePath}/plan`,
    surface: 'page',
    action: 'instance.manage.read',
    target: instance,
    handle: async ({ hub, facts, request }) => {
      const until = deadline()
      const { blobs, files, xorbs, claims } = await planCollection(hub, false, until.passed)
      return await reply(hub, facts, request, {
        kind: 'plan',
        counts: [
          { label: 'Large files', about: 'that no commit names', ...blobs },
          { label: 'Xet files', about: 'what those were made of', ...files },
          { label: 'Xorbs', about: 'of which no file is made', ...xorbs },
          { label: 'Claims', about: 'to chunks that nobody used', ...claims },
        ],
        isComplete: !until.wasAsked(),
      })
    },
  }),
  route({
    method: 'POST',
    path: `${storagePath}/collect`,
    surface: 'page',
    action: 'storage.collect',
    target: instance,
    handle: async ({ hub, allowed, request }) => {
      await hub.transaction(async (tx) => {
        await collectAfter(hub, tx)
        await recordEvent(hub, tx, allowed, request.origin, {
          resource: { kind: 'instance', id: null, name: null },
          ownerId: null,
          data: { asked: true },
        })
      })
      return redirectWithNotice(
        storagePath,
        'success',
        'The collection begins. What it removed stands in the audit log.',
      )
    },
  }),
]

function deadline(): { passed: () => boolean; wasAsked: () => boolean } {
  const end = performance.now() + patienceMs
  let isCut = false
  return {
    passed: () => {
      isCut ||= performance.now() > end
      return isCut
    },
    wasAsked: () => isCut,
  }
}

async function reply(hub: Hub, facts: Facts, request: HttpRequest, answer: StorageView['answer']): Promise<Reply> {
  const [context, [queue]] = await Promise.all([
    pageContext(hub, facts, request),
    selectQueues(hub.db, [collectionQueue]),
  ])
  const view = { place: storageWords(hub), nextAt: queue?.nextAt ?? null, answer }
  return pageReply(context, <StoragePage context={context} view={view} />)
}
