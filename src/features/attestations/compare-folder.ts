/** A folder beside what an attestation says of its files. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Attestation } from './read-attestation.ts'

export interface Difference {
  readonly kind: 'changed' | 'missing' | 'extra'
  readonly path: string
}

/** What git and `hf download --local-dir` keep beside the files. */
const notContent = ['.git', '.cache/huggingface']

export async function* compareFolder(folder: string, { files, left }: Attestation): AsyncGenerator<Difference> {
  for (const file of files) {
    const kind = await compareFile(path.join(folder, ...file.path.split('/')), file)
    if (kind !== null) yield { kind, path: file.path }
  }
  const known = new Set([...files.map((file) => file.path), ...left])
  for await (const found of filesBelow(folder, '')) if (!known.has(found)) yield { kind: 'extra', path: found }
}

/** Links are followed: the cache of Hugging Face's clients consists of them. */
async function compareFile(
  at: string,
  expected: { readonly sha256: string; readonly size: number },
): Promise<'changed' | 'missing' | null> {
  const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (found === null || !found.isFile()) return 'missing'
  if (found.size !== expected.size) return 'changed'
  const hash = createHash('sha256')
  await pipeline(createReadStream(at, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex') === expected.sha256 ? null : 'changed'
}

async function* filesBelow(folder: string, below: string): AsyncGenerator<string> {
  for (const entry of await readdir(path.join(folder, below), { withFileTypes: true })) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (notContent.includes(name)) continue
    if (entry.isDirectory()) yield* filesBelow(folder, name)
    else yield name
  }
}
