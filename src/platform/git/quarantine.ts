/**
 * Objects that were received and are not yet part of the repository. They are read through processes of their own,
 * with the repository as alternate, and streamed: a push of a million objects is judged in bounded memory.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { ByteReader } from './byte-reader.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { type ObjectContent, type ObjectInfo, parseHeader } from './objects.ts'
import { exitFailure, type GitChild, GitFailure, runGit, startGit } from './run.ts'
import { assertOid } from './safe-names.ts'

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

  /** Type and size of every received object, in the order in which they lie. */
  async *objects(): AsyncGenerator<ObjectInfo> {
    if (this.objectDirectory === null || (await isEmpty(this.objectDirectory))) return
    const format = '--batch-check=%(objectname) %(objecttype) %(objectsize)'
    const args = ['--git-dir', this.#folder, 'cat-file', '--batch-all-objects', '--unordered', '--buffer', format]
    // Without the alternate: only what is new.
    const child = this.#start(args, { GIT_OBJECT_DIRECTORY: this.objectDirectory })
    child.stdin.end()
    const reader = new ByteReader(child.stdout)
    for (let line = await reader.lineOrEnd(); line !== null; line = reader.lineNow() ?? (await reader.lineOrEnd())) {
      const info = parseHeader(line)
      if (info) yield info
    }
    const { code, stderr } = await child.ended
    if (code !== 0) throw exitFailure(args, code, stderr)
  }

  /** The content of received or stored objects, in the order asked. Throws when one is missing or larger than `maxBytes`. */
  async *contents(oids: AsyncIterable<string>, maxBytes: number): AsyncGenerator<ObjectContent> {
    const args = ['--git-dir', this.#folder, 'cat-file', '--batch', '--buffer']
    const child = this.#start(args, this.environment())
    const reader = new ByteReader(child.stdout)
    let asked = 0
    let answered = 0
    let isAsking = true
    let fault: unknown = null
    const ask = async () => {
      try {
        for await (const oid of oids) {
          assertOid(oid)
          asked++
          if (child.stdin.destroyed) break
          if (!child.stdin.write(`${oid}\n`)) await drained(child.stdin)
        }
      } catch (error) {
        fault = error
      } finally {
        isAsking = false
        child.stdin.end()
      }
    }
    const asking = ask()
    for (;;) {
      const line = reader.lineNow() ?? (await reader.lineOrEnd())
      if (line === null) break
      const info = parseHeader(line)
      if (info === null) throw new GitFailure('broken', `an object of the push is missing: ${line.slice(0, 60)}`)
      if (info.size > maxBytes) throw new GitFailure('too-large', `object ${info.oid} has ${info.size} bytes`)
      const bytes = await reader.exactly(info.size)
      await reader.exactly(1)
      answered++
      yield { ...info, bytes }
    }
    await asking
    if (fault !== null) throw fault
    const { code, stderr } = await child.ended
    if (code !== 0 || answered !== asked || isAsking) throw exitFailure(args, code, stderr)
  }

  /** Runs a read-only git command that sees the repository and the quarantine. */
  async run(
    args: readonly string[],
    options: { input?: string; okCodes?: readonly number[]; outputLimit?: number } = {},
  ) {
    return runGit(this.#store, ['--git-dir', this.#folder, ...args], { ...options, environment: this.environment() })
  }

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

  #start(args: readonly string[], environment: Record<string, string>): GitChild {
    const child = startGit(this.#store, args, { environment, timeLimitMs: 600_000 })
    this.#children.add(child)
    const forget = () => this.#children.delete(child)
    child.ended.then(forget, forget)
    return child
  }
}

/** The process takes more, or will never take anything again. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.once('drain', done)
    stream.once('close', done)
  })
}

async function isEmpty(objectDirectory: string): Promise<boolean> {
  for (const name of await readdir(objectDirectory)) {
    if (name === 'pack' && (await readdir(join(objectDirectory, name))).length === 0) continue
    return false
  }
  return true
}
