/**
 * A commit that arrives through the API: the same judge and the same ref move as a push. Without `parent` it lands on
 * the head of that moment, also when others committed meanwhile; with it, only on that very commit.
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { formatLfsPointer, type LfsPointer, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import { parseRepoPath, revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Person } from '../../platform/git/commit.ts'
import { moveRefs, readRefs } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { type CommitStage, type FileMode, stageCommit } from '../../platform/git/stage.ts'
import { signAsHub } from '../repos/service.ts'
import { describeMove } from './describe-move.ts'
import type { ContentWatch } from './gate.ts'
import { inOurWords } from './git-words.ts'
import { Judgement, readLimit } from './judge.ts'
import { leakPolicyOf } from './leak-policy.ts'
import { locateHere, type Place } from './places.ts'
import { openMoves, settleMoves } from './ref-move.ts'
import { trapTokens } from './trap-tokens.ts'
import { inTurn } from './turns.ts'

export interface CommitTarget {
  /** Full name of a branch, `refs/heads/...`. */
  readonly ref: string
  /** The commit that the branch must be at: an id, or its first 5 digits and more. */
  readonly parent?: string | null | undefined
  /** Makes the branch, at this commit of the repo, when the commit lands; the caller has asked the gate whether it may be led to. */
  readonly startAt?: string | undefined
  /** Sees every new content; null: nobody does. */
  readonly watch: ContentWatch | null
}

export interface CommitInput {
  readonly author: Person
  readonly message: string
  readonly origin: Origin
  /** Makes no commit where nothing changes. */
  readonly skipIfUnchanged?: boolean
  /** Last changes, which depend on what the commit lands on: called in the repo's turn, on the head of that moment. */
  complete?(head: string | null): Promise<void>
  reauthorize(): Promise<Allowed<'repo.push'>>
}

export interface CommitResult {
  /** The new head; the old one where nothing changed and that was asked for. */
  readonly commit: string
  readonly parent: string | null
  readonly isUnchanged: boolean
}

/**
 * Begins a commit on a branch. Throws `revision_not_found` where there is no such branch (`main` of an empty repo is
 * there), `reference_exists` for a branch that was to be made, and `stale_parent`. The caller must end it with `finish` or `discard`.
 */
export async function beginCommit(hub: Hub, allowed: Allowed<'repo.push'>, target: CommitTarget): Promise<ApiCommit> {
  const repoId = allowed.resource.id
  const current = (await readRefs(hub.git, repoId, [target.ref]))[0] ?? null
  if (target.startAt !== undefined && current !== null) throw new HoldfastError('reference_exists', { ref: target.ref })
  const head = target.startAt ?? current
  if (head === null && target.ref !== 'refs/heads/main')
    throw revisionNotFound(target.ref.replace(/^refs\/heads\//, ''))
  if (!isExpected(head, target.parent)) throw new HoldfastError('stale_parent')
  return new ApiCommit(hub, allowed, target, head, await stageCommit(hub.git, repoId, head))
}

export class ApiCommit {
  /** The commit that this one stands on so far. */
  readonly base: string | null
  readonly #hub: Hub
  readonly #allowed: Allowed<'repo.push'>
  readonly #repoId: string
  readonly #target: CommitTarget
  readonly #stage: CommitStage
  readonly #judgement: Judgement

  constructor(hub: Hub, allowed: Allowed<'repo.push'>, target: CommitTarget, base: string | null, stage: CommitStage) {
    this.#hub = hub
    this.#allowed = allowed
    this.#repoId = allowed.resource.id
    this.#target = target
    this.base = base
    this.#stage = stage
    this.#judgement = new Judgement(hub, this.#repoId)
  }

  /** A file that is in memory. Throws `unsafe_path` or `push_rejected` at once. Gives the id of its blob. */
  async putBytes(path: string, bytes: Buffer, mode: FileMode = '100644'): Promise<string> {
    const pointer = parseLfsPointer(bytes)
    this.#judge(path, mode, bytes.length)
    if (pointer) this.#judgement.pointer(path, pointer)
    else await this.#look({ kind: 'path', path }, bytes)
    return this.#stage.putBytes(path, bytes, mode)
  }

  /** A file of known size from a stream, in bounded memory. Throws `length_mismatch` too. */
  async putStream(path: string, size: number, stream: Readable, mode: FileMode = '100644'): Promise<string> {
    this.#judge(path, mode, size)
    const looked = Readable.from(this.#lookThrough(path, size, stream), { objectMode: false })
    return this.#stage.putStream(path, size, looked, mode).catch((error: unknown) => {
      throw inOurWords(error)
    })
  }

  /** A file that lies on the server's disk. */
  async putFile(path: string, file: string, size: number, mode: FileMode = '100644'): Promise<string> {
    this.#judge(path, mode, size)
    for await (const _ of this.#lookThrough(path, size, createReadStream(file))) {
      // Only looked at: it is stored from where it lies.
    }
    return this.#stage.putFile(path, file, mode)
  }

  /** A pointer to a large file, which must be linked to this repo by the time of `finish`. */
  async putLargeFile(path: string, pointer: LfsPointer): Promise<string> {
    return this.putBytes(path, Buffer.from(formatLfsPointer(pointer)))
  }

  /** Removes a file or a folder. Throws `file_to_delete_not_found`. */
  async delete(path: string): Promise<'file' | 'folder'> {
    const removed = await this.#stage.delete(parseRepoPath(path))
    if (removed === null) throw new HoldfastError('file_to_delete_not_found', { path })
    return removed
  }

  /** Copies a file or a folder from any commit of the repo. Throws `entry_not_found`. */
  async copy(commit: string, from: string, to: string): Promise<void> {
    this.#judge(to, '100644', 0)
    if (!(await this.#stage.copyFrom(commit, parseRepoPath(from), to))) throw new HoldfastError('entry_not_found')
  }

  /** What stands at a path as the commit is now, or null. */
  async find(path: string): Promise<{ mode: string; oid: string | null } | null> {
    return this.#stage.find(parseRepoPath(path))
  }

  /**
   * Judges, commits and moves the branch; durable and settled when it returns. Throws `lfs_object_missing`,
   * `stale_parent`, `ref_moved`, `storage_full`. Whatever happens, nothing staged is left.
   */
  async finish(input: CommitInput): Promise<CommitResult> {
    try {
      const [fault] = await this.#judgement.conclude()
      if (fault) throw fault.error(fault.places)
      await this.#judgeSecrets(input)
      return await inTurn(this.#repoId, () => this.#land(input))
    } catch (error) {
      throw inOurWords(error)
    } finally {
      await this.#stage.discard()
    }
  }

  async discard(): Promise<void> {
    await this.#stage.discard()
  }

  async #land(input: CommitInput): Promise<CommitResult> {
    const hub = this.#hub
    const { ref, parent: expected, startAt } = this.#target
    const current = (await readRefs(hub.git, this.#repoId, [ref]))[0] ?? null
    if (startAt !== undefined && current !== null) throw new HoldfastError('reference_exists', { ref })
    const head = startAt ?? current
    if (!isExpected(head, expected)) throw new HoldfastError('stale_parent')
    if (head !== this.base) {
      if (head === null) throw revisionNotFound(ref.replace(/^refs\/heads\//, ''))
      await this.#stage.rebase(head)
    }
    await input.complete?.(head)
    const { author, message } = input
    const staged = await this.#stage.finish({ author, committer: author, message, sign: signAsHub(hub) })
    const isUnchanged = head !== null && staged.tree === staged.baseTree
    if (isUnchanged && input.skipIfUnchanged) return { commit: head, parent: head, isUnchanged }
    const allowed = await input.reauthorize()
    await this.#stage.publish()
    const move = { ref, oldOid: current ?? zeroOid, newOid: staged.commit }
    const title = message.split('\n', 1)[0]?.slice(0, 200) ?? ''
    const describe = () => describeMove(hub, allowed, input.origin, move, { via: 'api', title })
    const opened = await openMoves(hub, this.#repoId, [move], describe)
    const moved = await moveRefs(hub.git, this.#repoId, [move])
    await settleMoves(
      hub,
      this.#repoId,
      opened.map((open) => ({ move: open, hasMoved: moved.ok })),
      this.#judgement.largeFiles,
    )
    if (!moved.ok) throw new HoldfastError('ref_moved', { ref }, { cause: new Error(moved.message) })
    return { commit: staged.commit, parent: head, isUnchanged }
  }

  async #look(place: Place, bytes: Buffer): Promise<void> {
    this.#judgement.tokens.look(place, bytes)
    if (bytes.length < readLimit) await this.#target.watch?.look(place, bytes)
  }

  async *#lookThrough(path: string, size: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const place: Place = { kind: 'path', path }
    const { watch } = this.#target
    const kept: Buffer[] = []
    for await (const chunk of this.#judgement.tokens.through(place, chunks)) {
      if (watch !== null && size < readLimit) kept.push(Buffer.from(chunk))
      yield chunk
    }
    if (kept.length > 0) await watch?.look(place, Buffer.concat(kept))
  }

  async #judgeSecrets({ message, origin }: CommitInput): Promise<void> {
    await this.#look({ kind: 'message', of: 'commit', oid: null }, Buffer.from(message))
    const { found } = this.#judgement.tokens
    if (found.length > 0) {
      const { leakedTokens } = await leakPolicyOf(this.#hub, this.#allowed.resource)
      const outcome = leakedTokens === 'refuse' ? 'refused' : 'recorded'
      const [leaked] = await trapTokens(this.#hub, this.#allowed, origin, found, outcome, locateHere)
      if (leaked !== undefined && leakedTokens === 'refuse') throw leaked
    }
    const judged = await this.#target.watch?.conclude(origin, async () => [message], locateHere)
    if (judged?.errors[0] !== undefined) throw judged.errors[0]
  }

  #judge(path: string, mode: string, size: number): void {
    parseRepoPath(path)
    this.#judgement.entry(path, mode)
    this.#judgement.blob(path, size)
    const [fault] = this.#judgement.faultsSoFar
    if (fault) throw fault.error(fault.places)
  }
}

function isExpected(head: string | null, parent: string | null | undefined): boolean {
  if (parent === null || parent === undefined || parent === '') return true
  return head !== null && /^[0-9a-f]{5,40}$/i.test(parent) && head.startsWith(parent.toLowerCase())
}
