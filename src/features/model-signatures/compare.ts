/** The files of a commit beside those that a signature lists: each has to be there, unchanged, and no other. */
import { z } from 'zod'
import { contentOf, storedContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type TreeEntry, walkTree } from '../../platform/git/tree.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { ignoring, type Manifest, type SignedFile } from '../../platform/model-signing/manifest.ts'
import { findPointers } from '../files/service.ts'
import { findLinkedBlobs } from '../storage/service.ts'
import { type DigestedFile, digestsOf } from './digests.ts'

const namesShape = z.object({ count: z.number(), names: z.array(z.string()) })
export const reportShape = z.object({
  /** As the signer called the model. */
  name: z.string().nullable(),
  rootDigest: z.string().nullable(),
  hash: z.string().nullable(),
  /** Files that the signature lists. */
  files: z.number(),
  changed: namesShape,
  missing: namesShape,
  extra: namesShape,
  /** There, and left out by whoever signed. */
  uncovered: namesShape,
  /** Links, which this hub does not follow. */
  links: namesShape,
})
export type Report = z.infer<typeof reportShape>
export type Names = z.infer<typeof namesShape>

const mostNamed = 200
const batchSize = 500

export interface Compared {
  readonly report: Report
  /** Large files of the commit that the repo has, named as scans name contents. */
  readonly stored: readonly string[]
}

export function emptyReport(): Report {
  const none = (): Names => ({ count: 0, names: [] })
  return {
    name: null,
    rootDigest: null,
    hash: null,
    files: 0,
    changed: none(),
    missing: none(),
    extra: none(),
    uncovered: none(),
    links: none(),
  }
}

/** `signature`: the path of the file that the manifest is from. */
export async function compareFiles(
  hub: Hub,
  repoId: string,
  commit: string,
  { manifest, signature }: { readonly manifest: Manifest; readonly signature: string },
  signal: AbortSignal,
): Promise<Compared> {
  const { name, rootDigest, hash, shardSize, files } = manifest
  const report: Report = { ...emptyReport(), name: name.slice(0, 200), rootDigest, hash, files: files.length }
  const left = new Map<string, SignedFile>()
  const giveTurn = turnGiver()
  for (const file of files) {
    left.set(file.path, file)
    await giveTurn()
  }
  const stored = new Set<string>()
  const isIgnored = ignoring(manifest.ignored)
  let batch: TreeEntry[] = []
  const look = async (): Promise<void> => {
    const entries = batch
    batch = []
    await lookAt(hub, repoId, { way: { hash, shardSize }, entries, left, report, stored }, signal)
  }
  for await (const entry of walkTree(hub.git, repoId, commit)) {
    signal.throwIfAborted()
    await giveTurn()
    if (entry.type === 'tree') continue
    if (entry.path === signature) {
      // It cannot list itself; where it is a large file, its bytes are part of the revision all the same.
      const pointer = (await findPointers(hub, repoId, [entry])).get(entry.oid)
      if (pointer !== undefined) stored.add(storedContent(pointer.sha256))
    } else if (isIgnored(entry.path)) {
      note(report.uncovered, entry.path)
      const pointer = entry.type === 'blob' ? (await findPointers(hub, repoId, [entry])).get(entry.oid) : undefined
      if (pointer !== undefined) stored.add(storedContent(pointer.sha256))
    } else if (entry.mode === '120000') {
      note(report.links, entry.path)
      left.delete(entry.path)
    } else if (entry.type === 'commit') {
      note(report.extra, entry.path)
    } else if (batch.push(entry) >= batchSize) {
      await look()
    }
  }
  await look()
  for (const path of left.keys()) note(report.missing, path)
  return { report, stored: [...stored] }
}

interface Look {
  readonly way: { readonly hash: Manifest['hash']; readonly shardSize: number | null }
  readonly entries: readonly TreeEntry[]
  readonly left: Map<string, SignedFile>
  readonly report: Report
  readonly stored: Set<string>
}

async function lookAt(hub: Hub, repoId: string, look: Look, signal: AbortSignal): Promise<void> {
  const { way, entries, left, report, stored } = look
  const pointers = await findPointers(hub, repoId, entries)
  const linked = await findLinkedBlobs(
    hub.db,
    repoId,
    [...pointers.values()].map(({ sha256 }) => sha256),
  )
  const toCompare: { readonly file: DigestedFile; readonly expected: SignedFile }[] = []
  for (const { path, oid, size } of entries) {
    const lfs = pointers.get(oid) ?? null
    const actual = lfs === null ? size : linked.get(lfs.sha256)
    if (actual === undefined) {
      // A pointer to bytes that the repo does not have is no file that anybody could get: what was signed is missing.
      if (!left.has(path)) note(report.extra, path)
      continue
    }
    if (lfs !== null) stored.add(storedContent(lfs.sha256))
    const expected = left.get(path)
    left.delete(path)
    if (expected === undefined) {
      // An empty file has no shards.
      if (way.shardSize === null || actual > 0) note(report.extra, path)
    } else if (expected.size !== null && expected.size !== actual) {
      note(report.changed, path)
    } else {
      toCompare.push({ file: { oid, size: actual, lfs }, expected })
    }
  }
  const found = await digestsOf(
    hub,
    repoId,
    way,
    toCompare.map(({ file }) => file),
    signal,
  )
  for (const { file, expected } of toCompare) {
    if (found.get(contentOf(file)) !== expected.digest) note(report.changed, expected.path)
  }
}

function note(list: Names, path: string): void {
  list.count++
  if (list.names.length < mostNamed) list.names.push(path)
}
