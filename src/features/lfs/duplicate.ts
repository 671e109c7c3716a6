/**
 * Copies of large files between repos, without bytes: the target links what the source links. The caller may read the one and push to the
 * other; a file is named by its SHA-256, and linked only if the source itself links it.
 */
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { holdLinkedBlobs, linkStoredBlob } from '../storage/service.ts'

export interface DuplicateAnswer {
  readonly failed: readonly { readonly sha256: string; readonly error: string }[]
}

export async function duplicateFiles(
  hub: Hub,
  source: Allowed<'repo.content.read'>,
  target: Allowed<'repo.push'>,
  sha256s: readonly string[],
): Promise<DuplicateAnswer> {
  const held = await holdLinkedBlobs(hub, source.resource.id, sha256s)
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    for (const [sha256, size] of held) await linkStoredBlob(tx, target.resource.id, { sha256, size }, now)
  })
  const absent = sha256s.filter((sha256) => !held.has(sha256))
  return { failed: absent.map((sha256) => ({ sha256, error: 'The source repository has no such file.' })) }
}
