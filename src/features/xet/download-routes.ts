/** What a download by Xet needs: of which ranges of which xorbs a file is made, and these ranges. */
import { z } from 'zod'
import { findAddressInStore } from '../../access/address-in-store.ts'
import { sendFile } from '../../access/file-reply.ts'
import { empty, json, type Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { scanPolicies, storedContent } from '../../domain/quarantine.ts'
import { noteDownload } from '../downloads/service.ts'
import {
  findXetFileOfRepo,
  findXorbSize,
  isNewlyHeld,
  placeOf,
  redirectTime,
  refuseHeld,
  scanPolicyOf,
  type XetFile,
  xorbNamed,
} from '../storage/service.ts'
import { type CasCall, casRoute } from './cas-route.ts'
import { rangeSigner } from './fetch-address.ts'
import { parseHash } from './parse-hash.ts'
import { replyInPieces } from './piecewise-reply.ts'
import { presentBatch, presentReconstruction, type Version } from './present.ts'
import { type Reconstruction, rangeOf, reconstruct } from './reconstruct.ts'

const mostFiles = 200
/** Terms of a batch: its plan is in memory as a whole. */
const mostTerms = 50_000

const answers = {
  200: 'Terms, and for each xorb the ranges to fetch with their addresses',
  401: 'The Xet token is not valid',
  404: 'The repo has no such file',
  416: 'The range begins behind the end',
}

export const downloadRoutes: Route[] = [
  ...(['v1', 'v2'] as const).map((version) =>
    casRoute({
      method: 'GET',
      path: `/${version}/reconstructions/:file`,
      action: 'repo.content.read',
      summary: 'Xet: what a file, or a range of it, is made of',
      answers,
      handle: (call) => reconstructOne(call, version),
    }),
  ),
  ...['/reconstructions', '/v1/reconstructions'].flatMap((path) => [
    casRoute({
      method: 'GET',
      path,
      action: 'repo.content.read',
      query: z.object({ file_id: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()) }),
      summary: 'Xet: what several files are made of (`file_id`, again and again)',
      answers,
      handle: (call) => reconstructMany(call, call.query.file_id),
    }),
    casRoute({
      method: 'POST',
      path,
      action: 'repo.content.read',
      body: z.array(z.union([z.string(), z.object({ hash: z.string() }).transform(({ hash }) => hash)])),
      summary: 'Xet: what several files are made of (a JSON array of their hashes)',
      answers,
      handle: (call) => reconstructMany(call, call.body),
    }),
  ]),
  casRoute({
    method: 'HEAD',
    path: '/v1/files/:file',
    action: 'repo.content.read',
    summary: 'Xet: the size of a file',
    handle: async (call) => empty(200, { 'x-xet-file-size': (await getFile(call, call.params.get('file'))).size }),
  }),
  // hf-xet sends it to the root of the host, whatever the address of the token says; others follow the protocol.
  ...['/v1/telemetry', '/cas/:scope/v1/telemetry'].map((path) =>
    route({
      method: 'POST',
      path,
      surface: 'xet',
      authority: 'xet-token',
      action: 'instance.read',
      target: { on: 'instance' },
      summary: 'Xet: what clients tell of themselves; it is not read',
      handle: async () => json({}),
    }),
  ),
  route({
    method: 'GET',
    path: '/cas/:scope/xorbs/:hash',
    surface: 'xet',
    signed: true,
    action: 'repo.content.read',
    target: ({ query }) => ({ on: 'repo-id', id: query.get('repo') ?? '' }),
    query: z.object({
      first: z.coerce.number().int().min(0),
      last: z.coerce.number().int().min(0),
      file: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      policy: z.enum(scanPolicies).default('warn'),
      place: z.string().max(100).default(''),
    }),
    summary: 'Xet: one range of a xorb, at the address that a reconstruction gave',
    answers: { 206: 'The bytes', 403: 'The address has expired, or is for another range' },
    handle: async ({ hub, allowed, params, query, request }) => {
      if (query.file !== undefined) await refuseHeld(hub, allowed.resource, storedContent(query.file))
      // Whoever asks again learns which file is held, and gets new addresses for the others.
      else if (
        await isNewlyHeld(hub, allowed.resource, {
          at: Number(request.query.get('issued')),
          policy: query.policy,
          place: query.place,
        })
      ) {
        throw new HoldfastError('address_not_valid')
      }
      const hash = parseHash(params.get('hash'), 'xet_xorb_invalid')
      // Nothing but one plain range: front servers read this header too, and what they make of others is the whole xorb.
      const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(request.header('range') ?? '') ?? []
      const isInside = Number(first) >= query.first && Number(last) <= query.last && Number(first) <= Number(last)
      if (!isInside || request.header('if-range') !== null) throw new HoldfastError('xet_range_needed')
      const size = await findXorbSize(hub.db, hash)
      if (size === null) throw new HoldfastError('address_not_valid')
      return await sendFile(request, hub.config, {
        name: hash,
        size,
        etag: hash,
        served: { type: 'application/octet-stream', disposition: 'attachment' },
        caching: 'private, no-store',
        headers: {},
        open: (start, end) => hub.blobs.openRange(xorbNamed(hash), start, end),
        frontServerPath: hub.blobs.pathForFrontServer(xorbNamed(hash)),
        // The object storage checks the range too: it is signed, as this address is.
        addressElsewhere: async (headers) => {
          const content = query.file === undefined ? null : storedContent(query.file)
          const lifetimeMs = await redirectTime(hub, allowed.resource, content)
          if (lifetimeMs === null) return null
          const range = { start: Number(first), end: Number(last) }
          return await findAddressInStore(hub, xorbNamed(hash), size, headers, lifetimeMs, range)
        },
        timeLimitMs: null,
      })
    },
  }),
]

async function getFile({ hub, allowed }: CasCall, hash: string): Promise<XetFile> {
  const file = await findXetFileOfRepo(hub.db, allowed.resource.id, parseHash(hash, 'xet_file_missing'))
  if (file === null) throw new HoldfastError('xet_file_missing')
  await refuseHeld(hub, allowed.resource, storedContent(file.sha256))
  return file
}

/** Whoever is told where the pieces of a file lie has it: the ranges themselves no longer say of which file they are. */
function noteFile<Q, B>({ hub, allowed, request }: CasCall<Q, B>, { sha256 }: XetFile, bytes: number): void {
  noteDownload(hub, allowed, request.origin, { content: storedContent(sha256), via: 'xet', bytes })
}

async function reconstructOne(call: CasCall, version: Version): Promise<Reply> {
  const { hub, allowed, segment, request } = call
  const file = await getFile(call, call.params.get('file'))
  const range = rangeOf(request.header('range'), file.size)
  const plan = await reconstruct(hub, file, range)
  noteFile(call, file, range === null ? file.size : range.end - range.start + 1)
  const sign = rangeSigner(hub, allowed, segment, file)
  return await replyInPieces(request, presentReconstruction(hub, version, plan, sign))
}

async function reconstructMany<Q, B>(call: CasCall<Q, B>, hashes: readonly string[]): Promise<Reply> {
  const { hub, allowed, segment, request } = call
  const wanted = [...new Set(hashes)]
  if (wanted.length > mostFiles)
    throw new HoldfastError('bad_request', { reason: `At most ${mostFiles} files at once.` })
  // Before the files are looked at: what becomes held meanwhile ends these addresses.
  const sign = rangeSigner(hub, allowed, segment, {
    policy: await scanPolicyOf(hub, allowed.resource),
    place: placeOf(allowed.resource),
  })
  const plans = new Map<string, Reconstruction>()
  let terms = 0
  for (const hash of wanted) {
    const file = await getFile(call, hash)
    terms += file.terms.count
    if (terms > mostTerms)
      throw new HoldfastError('bad_request', { reason: 'These files are too large for one batch.' })
    plans.set(hash, await reconstruct(hub, file, null))
    noteFile(call, file, file.size)
  }
  return await replyInPieces(request, presentBatch(hub, plans, sign))
}
