/** A small blob that is written, found, read and deleted, for `holdfast doctor` and the start of a hub. */
import { randomBytes } from 'node:crypto'
import { write } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { BlobName, BlobStore } from './blob-store.ts'

const writeFile = promisify(write)
const size = 4096

/** Throws what is wrong with the store. */
export async function probeStore(store: BlobStore): Promise<void> {
  const bytes = randomBytes(size)
  // Under a name that no content has, so that it never meets a blob of somebody.
  const name: BlobName = { kind: 'object', hash: randomBytes(32).toString('hex') }
  const staged = await store.openStaged()
  try {
    await writeFile(staged.fd, bytes, 0, size, 0)
    await staged.publish(name)
  } finally {
    await staged.discard()
  }
  try {
    const found = await store.findSize(name)
    if (found !== size) throw new Error(`A test file of ${size} bytes was stored as ${found ?? 'nothing'}.`)
    const read = await buffer(await store.openRange(name, 1, size - 1))
    if (!read.equals(bytes.subarray(1))) throw new Error('A test file did not come back as it was stored.')
  } finally {
    await store.delete(name)
  }
}
