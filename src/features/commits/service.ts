/**
 * Commits through the API and the website: what comes in is read as a stream, its files go straight into the commit in the making, and the branch moves once, at
 * the end, or not at all. Whatever goes wrong before leaves nothing.
 */
import { open } from 'node:fs/promises'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { attributesFileLimit } from '../../domain/git-attributes.ts'
import { lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { incomingFolder } from '../../platform/git/git-store.ts'
import { readObject } from '../../platform/git/objects.ts'
import { type ApiCommit, beginCommit, type CommitResult, type ContentWatch } from '../ingest/service.ts'
import { checkCard, commitPerson, invalidMetadata } from '../repos/service.ts'
import { attributesName } from './attributes.ts'
import { branchRef } from './branch.ts'
import type { SpooledContent } from './content-spool.ts'
import { type MayRead, type NamedLargeFile, putLargeFiles, storeAsLargeFile } from './large-files.ts'
import { type CommitHeader, type CommitOperation, readCommitBody } from './ndjson-commit.ts'
import { refuseChanged } from './refuse-changed.ts'
import { type NewText, trackLargeFiles } from './track-large-files.ts'

export { branchRef } from './branch.ts'
export { ContentSpool, type SpooledContent } from './content-spool.ts'
export type { CommitHeader, CommitOperation } from './ndjson-commit.ts'
export { largeFileRule, planUpload } from './preupload.ts'
export { squashBranch } from './squash.ts'

export interface CommitRequest {
  readonly revision: string
  /** Makes the branch `revision` at this commit; it must not be there. */
  readonly startAt?: string
  /** The commit that the author looked at, null for an empty repo: what the commit touches must still be as it was there. */
  readonly seen?: string | null
  readonly origin: Origin
  readonly mayRead: MayRead
  /** Sees every new content. */
  readonly watch: ContentWatch | null
  /** Decides again, immediately before the branch moves. */
  reauthorize(): Promise<Allowed<'repo.push'>>
}

/** More than any client sends: each costs memory until the tree is written. */
const operationLimit = 100_000
const largeFileBatch = 500
/** What is read of a README to judge its front matter. */
const readmeLimit = 1 << 20

/**
 * Commits what the body says. Where nothing changes there is no commit, and the result is the head as it was. Throws what the parser
 * throws, `revision_not_found`, `stale_parent`, `file_to_delete_not_found`, `invalid_metadata`, `lfs_object_missing`, `ref_moved`.
 */
export function commitFromBody(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  request: CommitRequest,
  body: AsyncIterable<Buffer>,
): Promise<CommitResult> {
  const limits = { fileLimit: hub.config.maxInlineFile, bodyLimit: 2 * hub.config.maxPush, operationLimit }
  return commitParts(hub, allowed, request, readCommitBody(body, { folder: incomingFolder(hub.git), ...limits }))
}

/** The same from parts that somebody else read: the header, then the operations. Throws `changed_meanwhile` too, where `seen` is given. */
export async function commitParts(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  request: CommitRequest,
  parts: AsyncIterable<CommitHeader | CommitOperation>,
): Promise<CommitResult> {
  const ref = branchRef(request.revision)
  const { watch, startAt } = request
  let header: CommitHeader | null = null
  let making: CommitInTheMaking | null = null
  try {
    for await (const part of parts) {
      if (part.kind === 'header') {
        header = part
        const commit = await beginCommit(hub, allowed, { ref, parent: part.parentCommit, startAt, watch })
        making = new CommitInTheMaking(hub, allowed, commit, request.mayRead)
      } else {
        await making?.apply(part)
      }
    }
    if (header === null || making === null) throw new Error('The parser gave no header.')
    await making.settle()
  } catch (error) {
    await making?.commit.discard()
    throw error
  }
  return await land(hub, allowed, request, header, making)
}

async function land(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  request: CommitRequest,
  header: CommitHeader,
  making: CommitInTheMaking,
): Promise<CommitResult> {
  const { commit } = making
  if (making.operations === 0 && commit.base === null) {
    await commit.discard()
    throw new HoldfastError('bad_request', { reason: 'The first commit of a repo must have an operation.' })
  }
  const { summary, description } = header
  return await commit.finish({
    author: commitPerson(hub, allowed.principal),
    message: description.trim() === '' ? summary : `${summary}\n\n${description}`,
    origin: request.origin,
    skipIfUnchanged: true,
    complete: async (head) => {
      const { id } = allowed.resource
      if (request.seen !== undefined) await refuseChanged(hub, id, { seen: request.seen, head }, making.touched)
      await trackLargeFiles(hub, id, commit, making.largeFiles, making.newTexts)
    },
    reauthorize: request.reauthorize,
  })
}

/** Applies the operations, in order. */
class CommitInTheMaking {
  readonly commit: ApiCommit
  /** The blob of each pointer that was put, by path. */
  readonly largeFiles = new Map<string, string>()
  /** Attributes that the commit puts, by path. */
  readonly newTexts = new Map<string, NewText>()
  /** Every path that an operation names. */
  readonly touched = new Set<string>()
  operations = 0
  readonly #hub: Hub
  readonly #allowed: Allowed<'repo.push'>
  readonly #mayRead: MayRead
  #waiting: NamedLargeFile[] = []
  #notedBytes = 0

  constructor(hub: Hub, allowed: Allowed<'repo.push'>, commit: ApiCommit, mayRead: MayRead) {
    this.#hub = hub
    this.#allowed = allowed
    this.commit = commit
    this.#mayRead = mayRead
  }

  async apply(operation: CommitOperation): Promise<void> {
    this.operations++
    this.touched.add(operation.path)
    if (operation.kind === 'lfsFile') {
      this.#waiting.push(operation)
      if (this.#waiting.length >= largeFileBatch) await this.settle()
      return
    }
    // The order of the body counts, also between a file and a large file at the same path.
    await this.settle()
    if (operation.kind === 'deletion') await this.commit.delete(operation.path)
    else if (operation.kind === 'rename') await this.#rename(operation.from, operation.path)
    else await this.#putFile(operation)
  }

  /** Puts the large files that wait for their batch. */
  async settle(): Promise<void> {
    if (this.#waiting.length === 0) return
    const files = this.#waiting
    this.#waiting = []
    const { id } = this.#allowed.resource
    await putLargeFiles(this.#hub, id, this.commit, files, this.#mayRead, (path, blob) =>
      this.largeFiles.set(path, blob),
    )
  }

  async #rename(from: string, path: string): Promise<void> {
    const { base } = this.commit
    if (base === null) throw new HoldfastError('file_to_delete_not_found', { path: from })
    this.touched.add(from)
    await this.commit.copy(base, from, path)
    await this.commit.delete(from)
    const entry = await this.commit.find(path)
    if (entry === null || entry.oid === null || !entry.mode.startsWith('100')) return
    const object = await readObject(this.#hub.git, this.#allowed.resource.id, entry.oid, lfsPointerLimit)
    // A large file has to be one in clones under its new name too.
    if (object !== null && parseLfsPointer(object.bytes) !== null) this.largeFiles.set(path, entry.oid)
  }

  async #putFile({ path, content, mode, isLarge }: Extract<CommitOperation, { kind: 'file' }>): Promise<void> {
    if (path === 'README.md') await this.#checkReadme(content)
    if (isLarge === true || content.size > this.#hub.config.maxRegularFile) {
      const pointer = await storeAsLargeFile(this.#hub, this.#allowed.resource.id, content)
      this.largeFiles.set(path, await this.commit.putLargeFile(path, pointer))
      return
    }
    const blob =
      content.file === null
        ? await this.commit.putBytes(path, content.bytes, mode)
        : await this.commit.putFile(path, content.file, content.size, mode)
    if (path === attributesName || path.endsWith(`/${attributesName}`)) await this.#noteAttributes(path, blob, content)
  }

  async #noteAttributes(path: string, blob: string, content: SpooledContent): Promise<void> {
    if (content.size > attributesFileLimit) {
      throw new HoldfastError('field_too_large', { field: path, limit: `${attributesFileLimit} bytes` })
    }
    this.#notedBytes += content.size - (this.newTexts.get(path)?.text.length ?? 0)
    // Those in folders only spare the root some lines.
    if (path !== attributesName && this.#notedBytes > 2 * attributesFileLimit) return
    this.newTexts.set(path, { blob, text: (await beginningOf(content, content.size)).toString('utf8') })
  }

  async #checkReadme(content: SpooledContent): Promise<void> {
    const text = (await beginningOf(content, readmeLimit)).toString('utf8')
    const { errors } = await checkCard(text, this.#allowed.resource.kind)
    if (errors.length > 0) throw invalidMetadata(errors)
  }
}

async function beginningOf(content: SpooledContent, limit: number): Promise<Buffer> {
  if (content.file === null) return content.bytes.subarray(0, limit)
  const file = await open(content.file, 'r')
  try {
    const block = Buffer.alloc(Math.min(limit, content.size))
    const { bytesRead } = await file.read(block, 0, block.length, 0)
    return block.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
