/**
 * The last checkpoint that this data folder has seen, in a file beside the database. Who can write the database alone cannot cut off the end
 * of the log, and have it grow again, without the file telling. Never overwritten by one that does not continue it.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { AuditCheckpointTable } from '../../platform/db/schema.ts'
import { writeFileDurably } from '../../platform/git/durable.ts'

export const rememberedFile = 'audit-checkpoint.json'

export const checkpointShape = z.object({
  number: z.number().int(),
  hash: z.string(),
  total: z.number().int(),
  madeAt: z.number().int(),
  keyId: z.string(),
  signature: z.string(),
})

/** Null where there is none yet, 'unreadable' where somebody spoilt it. */
export async function findRemembered(folder: string): Promise<AuditCheckpointTable | 'unreadable' | null> {
  let text: string
  try {
    text = await readFile(path.join(folder, rememberedFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return checkpointShape.parse(JSON.parse(text))
  } catch {
    return 'unreadable'
  }
}

export async function remember(folder: string, checkpoint: AuditCheckpointTable): Promise<void> {
  await writeFileDurably(path.join(folder, rememberedFile), `${JSON.stringify(checkpoint)}\n`)
}
