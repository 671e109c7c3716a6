/**
 * A clone turns a pointer into a file only where .gitattributes says so. As on the Hub, a commit adds a line for each large file that no
 * pattern covers yet; nobody has to know.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { attributesFileLimit, trackingLine } from '../../domain/git-attributes.ts'
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import type { ApiCommit } from '../ingest/service.ts'
import { attributesName, readAttributes } from './attributes.ts'

/** Attributes that the commit itself puts: its objects are not in the repository yet. */
export interface NewText {
  readonly blob: string
  readonly text: string
}

/** `largeFiles`: the blob of each pointer by its path. Throws `field_too_large` where the file would grow too large. */
export async function trackLargeFiles(
  hub: Hub,
  repoId: string,
  commit: ApiCommit,
  largeFiles: ReadonlyMap<string, string>,
  newTexts: ReadonlyMap<string, NewText>,
): Promise<void> {
  if (largeFiles.size === 0) return
  const read = async (paths: readonly string[]) => {
    const texts = new Map<string, string>()
    for (const path of paths) {
      const text = await readText(hub, repoId, commit, path, newTexts)
      if (text !== null) texts.set(path, text)
    }
    return texts
  }
  const paths = [...largeFiles.keys()]
  const attributes = await readAttributes(read, paths)
  const lines: string[] = []
  const giveTurn = turnGiver()
  for (const [path, blob] of largeFiles) {
    await giveTurn()
    if (attributes.filterOf(path) === 'lfs') continue
    // A later operation of the same commit may have replaced or removed it.
    if ((await commit.find(path))?.oid === blob) lines.push(trackingLine(path))
  }
  if (lines.length === 0) return
  const before = (await read([attributesName])).get(attributesName) ?? ''
  const text = `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines.join('\n')}\n`
  if (text.length > attributesFileLimit) {
    throw new HoldfastError('field_too_large', {
      field: `${attributesName}, with a line for each large file that no pattern covers,`,
      limit: `${attributesFileLimit} bytes`,
    })
  }
  await commit.putBytes(attributesName, Buffer.from(text))
}

async function readText(
  hub: Hub,
  repoId: string,
  commit: ApiCommit,
  path: string,
  newTexts: ReadonlyMap<string, NewText>,
): Promise<string | null> {
  const entry = await commit.find(path)
  if (entry === null || entry.oid === null || !entry.mode.startsWith('100')) return null
  const known = newTexts.get(path)
  if (known?.blob === entry.oid) return known.text
  const object = await readObject(hub.git, repoId, entry.oid, attributesFileLimit)
  return object?.bytes.toString('utf8') ?? null
}
