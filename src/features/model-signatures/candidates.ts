/** Which files of a commit are signatures of the model: `model.sig` at the root, and other Sigstore bundles there whose name ends with `.sig`. */
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { entriesAt, parseTree, rootTree } from '../../platform/git/tree.ts'
import { looksLikeBundle } from '../../platform/model-signing/bundle.ts'
import { findPointers, openFile } from '../files/service.ts'
import { findLinkedBlobs } from '../storage/service.ts'
import type { DigestedFile } from './digests.ts'

export const usualName = 'model.sig'
const mostCandidates = 8
/** Some 150,000 files. */
export const mostBundleBytes = 32 * 1024 * 1024

/** Their names: the usual one first, then in alphabetical order. Costs one look at the root folder. */
export async function signatureNames(hub: Hub, repoId: string, commit: string): Promise<string[]> {
  const root = await rootTree(hub.git, repoId, commit)
  if (root === null) return []
  const names: string[] = []
  for (const { mode, rawName } of parseTree(root.bytes)) {
    if (!rawName.endsWith('.sig') || !mode.startsWith('100')) continue
    names.push(Buffer.from(rawName, 'latin1').toString('utf8'))
  }
  names.sort((one, other) => Number(other === usualName) - Number(one === usualName) || (one < other ? -1 : 1))
  return names.slice(0, mostCandidates)
}

export interface Candidate {
  readonly name: string
  /** Named as scans name contents. */
  readonly content: string
  readonly bytes: Buffer | 'too large' | 'missing'
}

/** Those that are bundles, or would be by their name. One at a time, since each may be large. */
export async function* readCandidates(hub: Hub, repoId: string, commit: string): AsyncGenerator<Candidate> {
  const names = await signatureNames(hub, repoId, commit)
  for (const entry of await entriesAt(hub.git, repoId, commit, names)) {
    if (entry?.type !== 'blob') continue
    const pointer = (await findPointers(hub, repoId, [entry])).get(entry.oid)
    const file = { oid: entry.oid, size: pointer?.size ?? entry.size, lfs: pointer ?? null }
    const bytes = await readBytes(hub, repoId, file)
    const isUsual = entry.path === usualName
    if (!isUsual && (typeof bytes === 'string' || !looksLikeBundle(bytes.subarray(0, 100)))) continue
    yield { name: entry.path, content: contentOf(file), bytes }
  }
}

async function readBytes(hub: Hub, repoId: string, file: DigestedFile): Promise<Candidate['bytes']> {
  if (file.size > mostBundleBytes) return 'too large'
  if (file.lfs !== null && !(await findLinkedBlobs(hub.db, repoId, [file.lfs.sha256])).has(file.lfs.sha256)) {
    return 'missing'
  }
  const chunks: Buffer[] = []
  for await (const chunk of await openFile(hub, repoId, file)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
