/** Walks the folders `ab/cd/` in the order of the hashes, one folder at a time, so that a list of any length costs little memory. */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { isBlobHash } from './blob-path.ts'
import type { ListedBlob } from './blob-store.ts'
import { nullIfMissing } from './file-faults.ts'

/** Up to `limit` blobs under `folder`, from the first one after `after`. */
export async function listFolder(folder: string, after: string | null, limit: number): Promise<ListedBlob[]> {
  const found: ListedBlob[] = []
  for await (const file of filesAfter(folder, after)) {
    if (found.length >= limit) break
    // It may have been collected since the folder was read.
    const size = (await stat(file).catch(nullIfMissing))?.size
    if (size !== undefined) found.push({ hash: path.basename(file), size })
  }
  return found
}

async function* filesAfter(folder: string, after: string | null): AsyncGenerator<string> {
  for (const first of await namesIn(folder, /^[0-9a-f]{2}$/, after?.slice(0, 2))) {
    const isFirst = after?.startsWith(first) === true
    const outer = path.join(folder, first)
    for (const second of await namesIn(outer, /^[0-9a-f]{2}$/, isFirst ? after.slice(2, 4) : undefined)) {
      const inner = path.join(outer, second)
      for (const hash of (await namesIn(inner, null)).filter(isBlobHash)) {
        if (after === null || hash > after) yield path.join(inner, hash)
      }
    }
  }
}

/** Sorted, from `least` on. */
async function namesIn(folder: string, pattern: RegExp | null, least = ''): Promise<string[]> {
  const names = (await readdir(folder).catch(nullIfMissing)) ?? []
  return names.filter((name) => name >= least && (pattern === null || pattern.test(name))).sort()
}
