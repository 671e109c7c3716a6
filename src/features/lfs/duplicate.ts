/**
 * Copies of large files between repos, without bytes: the target links what the source links. The caller may read the one and push to the
 * other; a file is named by its SHA-256, and linked only if the source itself links it and hands it out.
 */
import type { Allowed } from '../../domain/policy.ts'
import { storedContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { findHeld, holdLinkedBlobs, linkStoredBlob } from '../storage/service.ts'

export interface DuplicateAnswer {
  readonly failed: readonly { readonly sha256: string; readonly error: string }[]
}

export async function duplicateFiles(
  hub: Hub,
  source: Allowed<'repo.content.read'>,
  target: Allowed<'repo.push'>,
  sha256s: readonly string[],
): Promise<DuplicateAnswer> {
  const linked = await holdLinkedBlobs(hub, source.resource.id, sha256s)
  // What is not handed out there shall not be had through a copy elsewhere, where nobody holds it.
  const kept = await findHeld(hub, source.resource, [...linked.keys()].map(storedContent))
  const failed: { sha256: string; error: string }[] = []
  const copied: { sha256: string; size: number }[] = []
  for (const sha256 of sha256s) {
    const size = linked.get(sha256)
    if (size === undefined) failed.push({ sha256, error: 'The source repository has no such file.' })
    else if (kept.has(storedContent(sha256))) failed.push({ sha256, error: 'Access to this resource is disabled.' })
    else copied.push({ sha256, size })
  }
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    for (const blob of copied) await linkStoredBlob(tx, target.resource.id, blob, now)
  })
  return { failed }
}
