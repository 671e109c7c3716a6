/**
 * A commit in the making, for commits that arrive through the API. Its objects are written as one pack in a folder of
 * its own, on the same file system as the repository; nothing is visible to readers before `publish`, no ref moves here at all, and
 * `discard` leaves nothing behind. No process is spawned: the base is read through the pooled reader.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { formatCommit, type Person } from './commit.ts'
import { syncFolder } from './durable.ts'
import { type GitStore, incomingFolder, repositoryFolder } from './git-store.ts'
import { type FinishedPack, PackWriter } from './pack-writer.ts'
import { GitFailure } from './run.ts'
import { assertPath, emptyTreeOid } from './safe-names.ts'
import { entryAt, readTree, rootTree } from './tree.ts'
import { TreeEdit } from './tree-edit.ts'

/** An ordinary file, an executable one, or a symbolic link (whose content is its target). */
export type FileMode = '100644' | '100755' | '120000'

export interface StagedCommit {
  commit: string
  tree: string
  /** The tree of the base; equal to `tree` when the commit changes nothing. */
  baseTree: string
}

export interface NewCommitInput {
  author: Person
  committer: Person
  message: string
  /** The base commit when left out. */
  parents?: readonly string[]
  /** Gets the commit object's bytes and gives an armoured signature over them. */
  sign?: (payload: Buffer) => Promise<string>
}

interface Operation {
  path: string
  /** Null removes what is there. */
  put: { mode: string; oid: string } | null
}

const smallFile = 256 * 1024

export class CommitStage {
  /** The folder of objects that only this commit has; with the repository as alternate it is its quarantine. */
  readonly objectDirectory: string
  readonly #packFolder: string
  readonly #repositoryPack: string
  readonly #store: GitStore
  readonly #repo: string
  readonly #writer: PackWriter
  readonly #operations: Operation[] = []
  #base: string | null
  #baseTree: string
  #edit: TreeEdit
  #pack: FinishedPack | null = null

  constructor(store: GitStore, repo: string, base: { commit: string; tree: string } | null, folder: string) {
    this.#store = store
    this.#repo = repo
    this.#base = base?.commit ?? null
    this.#baseTree = base?.tree ?? emptyTreeOid
    this.objectDirectory = folder
    this.#packFolder = join(folder, 'pack')
    this.#repositoryPack = join(repositoryFolder(store, repo), 'objects', 'pack')
    this.#writer = new PackWriter(this.#packFolder)
    this.#edit = this.#editOf(base?.tree ?? null)
  }

  /** Puts a file that is in memory; gives the id of its blob. */
  async putBytes(path: string, bytes: Buffer, mode: FileMode = '100644'): Promise<string> {
    return this.#put(path, mode, await this.#writer.add('blob', bytes))
  }

  /** Puts a file of known size from a stream, in bounded memory. Throws `size-mismatch`. */
  async putStream(path: string, size: number, stream: Readable, mode: FileMode = '100644'): Promise<string> {
    return this.#put(path, mode, await this.#writer.addStream(size, stream))
  }

  /** Puts a file that lies on the server's disk. */
  async putFile(path: string, file: string, mode: FileMode = '100644'): Promise<string> {
    const { size } = await stat(file)
    if (size <= smallFile) return this.putBytes(path, await readFile(file), mode)
    return this.putStream(path, size, createReadStream(file, { highWaterMark: 256 * 1024 }), mode)
  }

  /** Removes a file or a folder; null when there is none. */
  async delete(path: string): Promise<'file' | 'folder' | null> {
    assertPath(path)
    this.#operations.push({ path, put: null })
    return this.#edit.remove(path)
  }

  /** Copies a file or a folder of any commit of this repository; false when there is none. */
  async copyFrom(commit: string, from: string, to: string): Promise<boolean> {
    const entry = await entryAt(this.#store, this.#repo, commit, from)
    if (entry === null) return false
    this.#put(to, entry.mode, entry.oid)
    return true
  }

  /** The entry at a path as the commit stands now; an edited folder has no id yet. */
  async find(path: string): Promise<{ mode: string; oid: string | null } | null> {
    assertPath(path)
    return this.#edit.find(path)
  }

  /** Puts the same changes, in the same order, on top of another commit: for a branch that moved in the meantime. */
  async rebase(base: string): Promise<void> {
    const root = await rootTree(this.#store, this.#repo, base)
    if (root === null) throw new GitFailure('broken', `commit ${base} is missing`)
    this.#base = base
    this.#baseTree = root.oid
    this.#edit = this.#editOf(root.oid)
    for (const { path, put } of this.#operations) {
      if (put) this.#edit.put(path, put.mode, put.oid)
      else await this.#edit.remove(path)
    }
  }

  /** Writes trees and commit and closes the pack, synced to disk. To be called once. */
  async finish(input: NewCommitInput): Promise<StagedCommit> {
    const tree = await this.#edit.write()
    const parents = input.parents ?? (this.#base === null ? [] : [this.#base])
    const commit = { tree, parents, author: input.author, committer: input.committer, message: input.message }
    const signature = input.sign ? await input.sign(formatCommit(commit)) : null
    const oid = await this.#writer.add('commit', formatCommit(commit, signature))
    this.#pack = await this.#writer.finish()
    return { commit: oid, tree, baseTree: this.#baseTree }
  }

  /** Moves the pack into the repository, durably: first the pack, then the index that makes it count. */
  async publish(): Promise<void> {
    if (this.#pack === null) throw new GitFailure('broken', 'a commit is published after it is finished')
    for (const ending of ['.pack', '.idx']) {
      const name = `${this.#pack.name}${ending}`
      await rename(join(this.#packFolder, name), join(this.#repositoryPack, name))
    }
    await syncFolder(this.#repositoryPack)
    await this.discard()
  }

  /** Removes what is staged; after `publish` there is nothing left to remove. Never throws for what is gone. */
  async discard(): Promise<void> {
    await this.#writer.close()
    await rm(this.objectDirectory, { recursive: true, force: true })
  }

  #put(path: string, mode: string, oid: string): string {
    assertPath(path)
    if (path === '') throw new GitFailure('bad-name', 'a file needs a path')
    this.#operations.push({ path, put: { mode, oid } })
    this.#edit.put(path, mode, oid)
    return oid
  }

  #editOf(tree: string | null): TreeEdit {
    const read = async (oid: string) => (await readTree(this.#store, this.#repo, oid)).bytes
    const write = (bytes: Buffer) => this.#writer.add('tree', bytes)
    return new TreeEdit({ read, write }, tree)
  }
}

/** Begins a commit on top of `base` (null: a first commit). The caller must end it with `publish` or `discard`. */
export async function stageCommit(store: GitStore, repo: string, base: string | null): Promise<CommitStage> {
  const tree = base === null ? null : await rootTree(store, repo, base)
  if (base !== null && tree === null) throw new GitFailure('broken', `commit ${base} is missing`)
  const folder = join(incomingFolder(store), `stage-${repo}-${randomBytes(9).toString('hex')}`)
  await mkdir(join(folder, 'pack'), { recursive: true, mode: 0o700 })
  return new CommitStage(store, repo, base === null || tree === null ? null : { commit: base, tree: tree.oid }, folder)
}
