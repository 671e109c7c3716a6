/** A file of a repo as its viewer shows it. The caller has made sure that its bytes may be handed out: that it is not held, and that the repo links them. */
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { streamBlob } from '../../platform/git/objects.ts'
import type { Reading, RepoEntry } from '../files/service.ts'
import { openBlob } from '../storage/service.ts'
import type { Format } from './job.ts'
import type { Language } from './languages.ts'
import { limits } from './limits.ts'
import { type Viewed, view } from './viewer-host.ts'

const formats: ReadonlyMap<string, Format> = new Map([
  ['csv', 'csv'],
  ['tsv', 'tsv'],
  ['json', 'json'],
  ['jsonl', 'jsonl'],
  ['ndjson', 'jsonl'],
  ['parquet', 'parquet'],
  ['safetensors', 'safetensors'],
  ['gguf', 'gguf'],
  ['ipynb', 'notebook'],
])

/** What a viewer can make of a file with this name; null where there is none for it. */
export function formatOf(path: string): Format | null {
  return formats.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase()) ?? null
}

/** From row, tensor or cell `from` on. */
export async function viewFile(
  hub: Hub,
  allowed: Reading,
  entry: RepoEntry,
  format: Format,
  from: number,
): Promise<Viewed> {
  const key = `${format} ${from} ${contentOf(entry)}`
  const repoId = allowed.resource.id
  return await view(hub.log, key, { do: 'read', format, size: entry.size, from }, async (start, end) => {
    const range = { first: start, last: end - 1 }
    const stream =
      entry.lfs === null
        ? streamBlob(hub.git, repoId, { oid: entry.oid, size: entry.size }, range)
        : await openBlob(hub, entry.lfs, range.first, range.last)
    const chunks: Uint8Array[] = []
    for await (const chunk of stream) chunks.push(chunk as Uint8Array)
    return Buffer.concat(chunks)
  })
}

/** Code with its colours, as rows of a table; null where it is shown without them: too long, or its colours take too long. */
export async function highlight(hub: Hub, oid: string, text: string, language: Language): Promise<string | null> {
  if (text.length > limits.highlightCharacters) return null
  const unread = async (): Promise<never> => {
    throw new Error('Colours need no bytes of a file.')
  }
  const viewed = await view(hub.log, `code ${language} ${oid}`, { do: 'highlight', language, text }, unread)
  return viewed.kind === 'shown' && viewed.shown.kind === 'code' ? viewed.shown.bodyHtml : null
}
