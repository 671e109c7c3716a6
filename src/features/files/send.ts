/** From an entry of a repo to the answer that carries its bytes: as they were meant (`resolve`) or as they lie in git (`raw`). */
import type { Readable } from 'node:stream'
import { sendFile } from '../../access/file-reply.ts'
import { servedType, servedTypeOfRaw } from '../../access/file-type.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Headers, Reply } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Credential } from '../../domain/facts.ts'
import { isOpenToAll } from '../../domain/gate.ts'
import { contentOf, gitContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { streamBlob } from '../../platform/git/objects.ts'
import { isOid } from '../../platform/git/safe-names.ts'
import { noteDownload } from '../downloads/service.ts'
import { bytesOf, findPlacedBlob, type PlacedBlob, refuseHeld } from '../storage/service.ts'
import { xetFileInfoType, xetLinkHeaders } from '../xet/service.ts'
import { entryNotFound, type FoundRevision, type Reading, type RepoEntry } from './contents.ts'

export interface Asked {
  /** As the client wrote it. */
  readonly revision: string
  readonly found: FoundRevision
  readonly entry: RepoEntry
}

/** The content: a large file's own bytes where the entry is a pointer. Throws `entry_not_found` where they are gone. */
export async function sendContent(hub: Hub, allowed: Reading, request: HttpRequest, asked: Asked): Promise<Reply> {
  const { entry, found } = asked
  const { lfs } = entry
  await refuseHeld(hub, allowed.resource, contentOf(entry), found.commit)
  if (lfs === null)
    return await sendGitBlob(hub, allowed, request, asked, 'resolve', entry.size, servedType(nameOf(entry)))
  const linked = await findPlacedBlob(hub.db, allowed.resource.id, lfs.sha256)
  // A pointer is text that anybody can write: only what was uploaded to this repo is sent.
  if (linked === null) throw entryNotFound(found.commit)
  // A token that reads certain files alone gets none by their hash, so it is not sent there.
  const xetHash = readsByName(allowed.credential) ? null : linked.xetHash
  const headers = {
    'x-repo-commit': found.commit,
    'x-linked-size': linked.size,
    'x-linked-etag': `"${linked.sha256}"`,
    ...(xetHash === null ? {} : xetLinkHeaders(hub, allowed.resource, found.commit, xetHash)),
  }
  if (xetHash !== null && asksForXetInfo(request)) return xetInfo(linked, xetHash, headers)
  return await sendFile(request, hub.config, {
    name: nameOf(entry),
    size: linked.size,
    etag: linked.sha256,
    served: servedType(nameOf(entry)),
    caching: cachingOf(allowed, asked),
    headers,
    ...bytesOf(hub, allowed.resource, linked),
    onSend: noterOf(hub, allowed, request, asked, 'resolve'),
  })
}

function readsByName(credential: Credential | null): boolean {
  return credential?.kind === 'token' && credential.limits.paths.length > 0
}

/** The JavaScript client asks for the first byte of a file and says that it would rather be told how to get it by Xet. */
function asksForXetInfo(request: HttpRequest): boolean {
  return request.method === 'GET' && request.header('accept')?.includes(xetFileInfoType) === true
}

function xetInfo({ sha256, size }: PlacedBlob, hash: string, headers: Headers): Reply {
  const body = JSON.stringify({ hash, size })
  const about = { ...headers, etag: `"${sha256}"`, 'cache-control': 'private, no-store', vary: 'Accept' }
  return { kind: 'body', status: 200, type: xetFileInfoType, body, headers: about }
}

/** The git blob as it is: of a large file the pointer. */
export async function sendRaw(hub: Hub, allowed: Reading, request: HttpRequest, asked: Asked): Promise<Reply> {
  const { entry, found } = asked
  if (entry.lfs === null) await refuseHeld(hub, allowed.resource, contentOf(entry), found.commit)
  const size = entry.lfs?.pointerSize ?? entry.size
  const served = entry.lfs === null ? servedTypeOfRaw(nameOf(entry)) : servedTypeOfRaw('pointer.txt')
  return await sendGitBlob(hub, allowed, request, asked, 'raw', size, served)
}

/** Writes down who takes the file away. */
function noterOf(
  hub: Hub,
  allowed: Reading,
  request: HttpRequest,
  { entry, found }: Asked,
  via: 'resolve' | 'raw',
): (bytes: number) => void {
  // The raw form of a large file is its pointer.
  const content = via === 'raw' ? gitContent(entry.oid) : contentOf(entry)
  const about = { content, via, path: entry.path, commits: [found.commit] }
  return (bytes) => noteDownload(hub, allowed, request.origin, { ...about, bytes })
}

async function sendGitBlob(
  hub: Hub,
  allowed: Reading,
  request: HttpRequest,
  asked: Asked,
  via: 'resolve' | 'raw',
  size: number,
  served: ReturnType<typeof servedType>,
): Promise<Reply> {
  const { entry, found } = asked
  return await sendFile(request, hub.config, {
    name: nameOf(entry),
    size,
    etag: entry.oid,
    served,
    caching: cachingOf(allowed, asked),
    headers: { 'x-repo-commit': found.commit },
    open: (first, last) =>
      bounded(() => streamBlob(hub.git, allowed.resource.id, { oid: entry.oid, size }, { first, last })),
    frontServerPath: null,
    // The bytes come out of a process: whoever takes them slower than 64 KiB/s after the first minute has to come again.
    timeLimitMs: 60_000 + size / 64,
    onSend: noterOf(hub, allowed, request, asked, via),
  })
}

/** Each stream may hold a git process, so there are only so many; clients wait and ask again. */
const mostStreams = 64
let streams = 0

function bounded(open: () => Readable): Readable {
  if (streams >= mostStreams) throw new HoldfastError('busy', {}, { headers: { 'retry-after': '1' } })
  const stream = open()
  streams++
  stream.once('close', () => streams--)
  return stream
}

/**
 * What is private or gated is kept by nobody. What is public and named by its full commit id never changes, but may be withdrawn, so it is kept
 * for a day; a branch moves, so there the copy is checked each time.
 */
function cachingOf(allowed: Reading, asked: Asked): string {
  if (!isOpenToAll(allowed.resource)) return 'private, no-store'
  return isOid(asked.revision) ? 'public, max-age=86400, immutable' : 'public, no-cache'
}

function nameOf(entry: RepoEntry): string {
  return entry.path.slice(entry.path.lastIndexOf('/') + 1)
}
