/** Which ref had which tip in a snapshot: one line per repo, in the order of their ids. */
import path from 'node:path'
import { z } from 'zod'
import { isOid, isSafeRef } from '../git/safe-names.ts'
import type { SnapshotRows } from './backup-folder.ts'
import { BackupError } from './errors.ts'
import type { NamedTip } from './keep-repo.ts'
import { readLines } from './line-file.ts'
import { gitFile } from './manifest.ts'

const lineShape = z.object({
  repo: z.string().regex(/^[0-9a-f]{24}$/),
  refs: z.record(z.string().refine(isSafeRef), z.string().refine(isOid)),
})

export interface RepoTips {
  readonly repo: string
  readonly tips: readonly NamedTip[]
}

export function formatRepo({ repo, tips }: RepoTips): string {
  return JSON.stringify({ repo, refs: Object.fromEntries(tips.map(({ ref, oid }) => [ref, oid])) })
}

export async function* readRepoList(snapshot: SnapshotRows): AsyncGenerator<RepoTips> {
  let line = 0
  for await (const text of readLines(path.join(snapshot.folder, gitFile))) {
    line++
    const parsed = lineShape.safeParse(parsedJson(text))
    if (!parsed.success) throw new BackupError(`${gitFile}: line ${line} is not a repo with its refs.`)
    yield { repo: parsed.data.repo, tips: Object.entries(parsed.data.refs).map(([ref, oid]) => ({ ref, oid })) }
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
