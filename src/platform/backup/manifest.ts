/**
 * The manifest of a snapshot: what it consists of, with the hash of every file. It is written last, so a snapshot that has one is whole;
 * nothing of a snapshot is believed before it was compared with its manifest.
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileDurably } from '../git/durable.ts'
import { BackupError } from './errors.ts'
import { readFileFacts } from './line-file.ts'

export const backupFormat = 1

const count = z.number().int().min(0)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
/** The only names a manifest may give to files: nothing leads out of the snapshot's folder. */
const fileName = z.string().regex(/^(?:tables\/[A-Za-z]\w{0,62}\.ndjson\.zst|git\.ndjson\.zst|keys\.json)$/)

const damageShape = z.object({
  what: z.enum(['object', 'xorb', 'repo']),
  /** The hash, or the id of the repo. */
  name: z.string().max(100),
  reason: z.string(),
})

const shape = z.object({
  format: z.literal(backupFormat),
  id: z.string(),
  /** The moment that the snapshot shows, in milliseconds. */
  createdAt: count,
  /** The version that made it. */
  holdfast: z.string(),
  dialect: z.enum(['sqlite', 'postgres']),
  /** Names of the migrations that had made its tables, in order. */
  migrations: z.array(z.string()),
  files: z.record(fileName, z.object({ bytes: count, sha256: hash })),
  tables: z.record(z.string(), z.object({ columns: z.array(z.string()).min(1), rows: count })),
  git: z.object({ repos: count, refs: count }),
  blobs: z.partialRecord(z.enum(['object', 'xorb']), z.object({ count, bytes: count })),
  /** An HMAC by which a key ring is recognized, and whether the ring itself is in the snapshot. */
  keys: z.object({ isIncluded: z.boolean(), check: hash }),
  /** What could not be read when the snapshot was made, so that nobody looks for it in vain. */
  damaged: z.array(damageShape),
})

export type Manifest = z.output<typeof shape>
export type Damage = z.output<typeof damageShape>

const manifestName = 'manifest.json'

/** The moment from which the snapshot counts. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileDurably(path.join(folder, manifestName), `${JSON.stringify(shape.parse(manifest), null, 2)}\n`)
}

export async function hasManifest(folder: string): Promise<boolean> {
  return stat(path.join(folder, manifestName)).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** Throws `BackupError` where it is damaged, or written by a newer version. */
export async function readManifest(folder: string): Promise<Manifest> {
  const name = path.basename(folder)
  const text = await readFile(path.join(folder, manifestName), 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadable(name, error)
  }
  const format = z.object({ format: z.number() }).safeParse(value)
  if (format.success && format.data.format > backupFormat) {
    throw new BackupError(
      `The snapshot ${name} has format ${format.data.format}, and this Holdfast reads up to ${backupFormat}.`,
      'Use the version of Holdfast that made it, or a newer one.',
    )
  }
  const parsed = shape.safeParse(value)
  if (!parsed.success || parsed.data.id !== name) throw unreadable(name, parsed.error)
  return parsed.data
}

/** Compares every file of the snapshot with its manifest. Throws `BackupError` that names the first that differs. */
export async function checkFiles(folder: string, manifest: Manifest): Promise<void> {
  for (const [name, expected] of Object.entries(manifest.files)) {
    const found = await readFileFacts(path.join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    if (found?.bytes === expected.bytes && found.sha256 === expected.sha256) continue
    throw new BackupError(
      `${name} of the snapshot ${manifest.id} is ${found === null ? 'missing' : 'damaged: it is not the file that was written'}.`,
      'Use another snapshot, or another copy of this backup.',
    )
  }
}

export function tableFile(table: string): string {
  return `tables/${table}.ndjson.zst`
}

export const gitFile = 'git.ndjson.zst'
export const keysFile = 'keys.json'

function unreadable(name: string, cause: unknown): BackupError {
  return new BackupError(
    `The manifest of the snapshot ${name} is damaged.`,
    'Use another snapshot, or another copy of this backup.',
    { cause },
  )
}
