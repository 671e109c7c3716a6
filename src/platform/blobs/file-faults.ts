/** Files that go wrong: told by their error codes, and never left behind. */
import { readdir, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '../../domain/errors.ts'

/** Runs `work`; if it fails, `file` is gone afterwards, and a full disk is told as one. */
export async function keepingNothing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await unlink(file).catch(nullIfMissing)
    if (isDiskFull(error)) throw new HoldfastError('storage_full', {}, { cause: error })
    throw error
  }
}

/** Removes the entries of a folder that did not change since `before`. Returns how many. */
export async function removeOld(folder: string, before: number): Promise<number> {
  let removed = 0
  for (const name of (await readdir(folder).catch(nullIfMissing)) ?? []) {
    const file = path.join(folder, name)
    const found = await stat(file).catch(nullIfMissing)
    if (found === null || found.mtimeMs >= before) continue
    await rm(file, { recursive: true, force: true })
    removed += 1
  }
  return removed
}

export function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

export function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT'
}

export function isDiskFull(error: unknown): boolean {
  return errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT'
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
