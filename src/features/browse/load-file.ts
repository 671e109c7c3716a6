/** What the page of a file shows: its text, its picture, or what it is and where its bytes are. */
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import { fitsCodeView } from '../../web/code-view.tsx'
import type { Reading, RepoEntry } from '../files/service.ts'
import { findHeld, findLinkedBlob, revisionHold } from '../storage/service.ts'
import type { BlobBody } from './blob-page.tsx'

/** Bytes that are read to be shown as text. */
const textLimit = 600_000
const pictureLimit = 20_000_000
const pictures = /\.(png|jpe?g|gif|webp|avif)$/i

export async function loadFileBody(hub: Hub, allowed: Reading, commit: string, entry: RepoEntry): Promise<BlobBody> {
  if ((await revisionHold(hub, allowed.resource, commit)) !== null) return { kind: 'sizes', why: 'unsigned' }
  const held = await findHeld(hub, allowed.resource, [contentOf(entry)], commit)
  if (held.size > 0 && !entry.isSymlink) return { kind: 'sizes', why: 'held' }
  const isPicture = pictures.test(entry.path) && entry.size <= pictureLimit
  if (entry.lfs !== null) {
    const linked = await findLinkedBlob(hub.db, allowed.resource.id, entry.lfs.sha256)
    if (linked === null) return { kind: 'sizes', why: 'missing' }
    return isPicture ? { kind: 'image' } : { kind: 'sizes', why: 'stored' }
  }
  if (isPicture && !entry.isSymlink) return { kind: 'image' }
  if (entry.size > textLimit) return { kind: 'sizes', why: 'large' }
  const object = await readObject(hub.git, allowed.resource.id, entry.oid, textLimit)
  const text = object === null ? null : textOf(object.bytes)
  if (text === null) return { kind: 'sizes', why: 'binary' }
  if (entry.isSymlink) return { kind: 'link', target: text.slice(0, 4_096) }
  return fitsCodeView(text) ? { kind: 'text', text } : { kind: 'sizes', why: 'large' }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Null for what is not text in UTF-8. */
function textOf(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}
