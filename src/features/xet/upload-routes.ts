/** What an upload by Xet needs: xorbs, the shard that makes files of them, and the question which chunks are stored already. */
import { empty, json } from '../../access/reply.ts'
import type { Route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { holdClaimedXorb } from '../storage/service.ts'
import { type CasCall, casRoute } from './cas-route.ts'
import { answerDedup } from './dedup-answer.ts'
import { parseHash } from './parse-hash.ts'
import { replyWithProgress } from './progress-reply.ts'
import { receiveShard } from './receive-shard.ts'
import { receiveXorb } from './receive-xorb.ts'

const refusals = {
  400: 'Not valid; nothing was stored',
  401: 'The Xet token is not valid',
  403: 'The token is for downloads, or for a repo of another scope',
  413: 'Too large',
  503: 'Too much at once; try again',
}

const dedup = async ({ hub, scope, params }: CasCall) => {
  const shard = await answerDedup(hub, scope, parseHash(params.get('hash'), 'xet_chunk_unknown'))
  const headers = { 'cache-control': 'no-store' }
  return { kind: 'body' as const, status: 200, type: 'application/octet-stream', body: shard, headers }
}

export const uploadRoutes: Route[] = [
  casRoute({
    method: 'POST',
    path: '/v1/xorbs/default/:hash',
    action: 'repo.push',
    summary: 'Xet: a xorb, in the body',
    answers: { 200: 'Stored; `was_inserted` says whether it was new', ...refusals },
    handle: async (call) => json({ was_inserted: await receiveXorb(call) }),
  }),
  casRoute({
    method: 'HEAD',
    path: '/v1/xorbs/default/:hash',
    action: 'repo.push',
    summary: 'Xet: whether a xorb is stored',
    handle: async ({ hub, scope, params }) => {
      const size = await holdClaimedXorb(hub, scope, parseHash(params.get('hash'), 'xet_xorb_invalid'))
      return size === null ? empty(404) : empty(200, { 'x-xet-xorb-size': size })
    },
  }),
  casRoute({
    method: 'POST',
    path: '/v1/xorb-grants/default/:hash',
    action: 'repo.push',
    summary: 'Xet: whether a xorb must be sent, and where to',
    answers: { 200: 'It is stored already', 404: 'Send it to /v1/xorbs' },
    // A grant would be an address to send bytes to that nobody checks on the way: newer clients take 404 for "send it here" (hf-xet 1.8).
    handle: async ({ hub, scope, params }) => {
      const size = await holdClaimedXorb(hub, scope, parseHash(params.get('hash'), 'xet_xorb_invalid'))
      if (size === null) throw new HoldfastError('xet_no_grants')
      return json({ was_inserted: false })
    },
  }),
  casRoute({
    method: 'POST',
    path: '/v2/shards',
    action: 'repo.push',
    summary: 'Xet: a shard, in the body; answers with JSON lines while it is checked',
    answers: { 200: 'JSON lines; the last one is "result" or "error"', ...refusals },
    handle: async (call) => await replyWithProgress(call, await receiveShard(call)),
  }),
  casRoute({
    method: 'POST',
    path: '/v1/shards',
    action: 'repo.push',
    summary: 'Xet: a shard, in the body',
    answers: { 200: 'Registered; `result` is 1 if anything was new', ...refusals },
    handle: async (call) => {
      const shard = await receiveShard(call)
      try {
        const isNew = await shard.accept({ total: 0, verified: 0, stage: 'validating' })
        return json({ result: isNew ? 1 : 0 })
      } finally {
        shard.leave()
      }
    },
  }),
  ...(['default', 'default-merkledb'] as const).map((prefix) =>
    casRoute({
      method: 'GET',
      path: `/v1/chunks/${prefix}/:hash`,
      action: 'repo.push',
      summary: 'Xet: which xorbs have a chunk, and what lies around it',
      answers: { 200: 'A shard', 404: 'The chunk is not known' },
      handle: dedup,
    }),
  ),
]
