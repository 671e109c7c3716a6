/**
 * Objects that were received and are not yet part of the repository. A small push is read in this process; a large one
 * through processes of its own, streamed in batches, so that a push of a million objects is judged in bounded memory.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { type ContentRequest, type StreamedObject, streamAll, streamContents, streamInfos } from './object-stream.ts'
import type { ObjectType } from './objects.ts'
import { readSmallPack } from './pack-reader.ts'
import { type GitChild, GitFailure, startGit } from './run.ts'

/** Up to this size of a pack, passing over what is not wanted costs less than asking for the rest one by one. */
const wholePackLimit = 16 * 1024 * 1024

export class Quarantine {
  /** Null when nothing was received. */
  readonly objectDirectory: string | null
  readonly #store: GitStore
  readonly #folder: string
  readonly #children = new Set<GitChild>()

  constructor(store: GitStore, repo: string, objectDirectory: string | null) {
    this.#store = store
    this.#folder = repositoryFolder(store, repo)
    this.objectDirectory = objectDirectory
  }

  /**
   * Every received object, in batches, with the content of those that are wanted. Objects that a thin pack was
   * completed with are among them. A wanted object over `maxBytes` throws `too-large`.
   */
  async *objects(
    isWanted: (type: ObjectType, size: number) => boolean,
    maxBytes: number,
  ): AsyncGenerator<readonly StreamedObject[]> {
    if (this.objectDirectory === null || (await isEmpty(this.objectDirectory))) return
    const small = await readSmallPack(this.objectDirectory, isWanted)
    if (small !== null) {
      yield small
      return
    }
    if ((await sizeOfPacks(this.objectDirectory)) <= wholePackLimit) {
      yield* streamAll(await this.#startOnNew(this.objectDirectory, '--batch'), isWanted, maxBytes)
      return
    }
    const unwanted: StreamedObject[] = []
    const format = '--batch-check=%(objectname) %(objecttype) %(objectsize)'
    const infos = streamInfos(await this.#startOnNew(this.objectDirectory, format))
    async function* wanted(): AsyncGenerator<readonly string[]> {
      for await (const batch of infos) {
        for (const info of batch) if (!isWanted(info.type, info.size)) unwanted.push({ ...info, bytes: null })
        yield batch.filter((info) => isWanted(info.type, info.size)).map((info) => info.oid)
      }
    }
    for await (const batch of this.contents(wanted(), maxBytes)) {
      if (unwanted.length > 0) yield unwanted.splice(0)
      yield batch
    }
    if (unwanted.length > 0) yield unwanted
  }

  /** The content of received or stored objects, batch by batch, in the order asked. */
  async *contents(oids: ContentRequest, maxBytes: number): ReturnType<typeof streamContents> {
    const args = ['--git-dir', this.#folder, 'cat-file', '--batch', '--buffer']
    yield* streamContents(await this.#start(args, this.environment()), oids, maxBytes)
  }

  /** For git commands that are to see the repository and the quarantine. */
  environment(): Record<string, string> {
    if (this.objectDirectory === null) return {}
    return {
      GIT_OBJECT_DIRECTORY: this.objectDirectory,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(this.#folder, 'objects'),
    }
  }

  /** Ends what still reads; the verdict has fallen. */
  async close(): Promise<void> {
    const children = [...this.#children]
    for (const child of children) child.stop(new GitFailure('aborted', 'the push is judged'))
    await Promise.allSettled(children.map((child) => child.ended))
  }

  /** Without the alternate: only what is new. */
  #startOnNew(objectDirectory: string, format: string): Promise<GitChild> {
    const args = ['--git-dir', this.#folder, 'cat-file', '--batch-all-objects', '--unordered', '--buffer', format]
    return this.#start(args, { GIT_OBJECT_DIRECTORY: objectDirectory })
  }

  async #start(args: readonly string[], environment: Record<string, string>): Promise<GitChild> {
    const child = await startGit(this.#store, args, { environment, timeLimitMs: 600_000 })
    this.#children.add(child)
    const forget = () => this.#children.delete(child)
    child.ended.then(forget, forget)
    return child
  }
}

async function sizeOfPacks(objectDirectory: string): Promise<number> {
  const folder = join(objectDirectory, 'pack')
  let sum = 0
  for (const name of await readdir(folder)) if (name.endsWith('.pack')) sum += (await stat(join(folder, name))).size
  return sum
}

async function isEmpty(objectDirectory: string): Promise<boolean> {
  for (const name of await readdir(objectDirectory)) {
    if (name === 'pack' && (await readdir(join(objectDirectory, name))).length === 0) continue
    return false
  }
  return true
}
