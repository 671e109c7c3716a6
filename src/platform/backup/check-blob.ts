/** Whether stored bytes are there and are what their name says. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { SizedBlob } from './contents.ts'
import { damageOf } from './copy-blobs.ts'

/** Reads a xorb to its end; throws where it is not the one of that hash. */
export type CheckXorb = (source: Readable, hash: string) => Promise<void>

export interface Depth {
  /** Read and hash every byte; otherwise only sizes are compared. */
  readonly isDeep: boolean
  /** How xorbs are looked into. */
  readonly checkXorb: CheckXorb
}

/** Null if all is well, else what is wrong. Throws where the store cannot be read at all. */
export async function findBlobFault(store: BlobStore, { name, size }: SizedBlob, depth: Depth): Promise<string | null> {
  const found = await store.findSize(name)
  if (found === null) return 'its bytes are missing'
  if (found !== size) return `it has ${found} bytes and should have ${size}`
  if (!depth.isDeep || size === 0) return null
  try {
    const source = await store.openRange(name, 0, size - 1)
    if (name.kind === 'object') return (await hashOf(source)) === name.hash ? null : 'its bytes are not what they were'
    await depth.checkXorb(source, name.hash)
    return null
  } catch (error) {
    const damage = damageOf(error)
    if (damage === null) throw error
    return damage
  }
}

async function hashOf(source: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
