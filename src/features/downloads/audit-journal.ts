/**
 * What was noted and is not in the database yet, in a file of its own for each second: written before the bytes are sent, so that a server that is
 * killed loses nothing. It is not synchronised to the disk, so a machine that loses its power may lose the last moments.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'

const prefix = 'download-audit-'

export class Journal {
  readonly #path: string
  #descriptor: number | null = null

  constructor(folder: string, id: string) {
    this.#path = path.join(folder, `${prefix}${id}.journal`)
  }

  /** Throws where the file cannot be written. */
  add(note: object): void {
    this.#descriptor ??= openSync(this.#path, 'a', 0o600)
    writeSync(this.#descriptor, `${JSON.stringify(note)}\n`)
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }

  /** What it holds is in the database. */
  async remove(): Promise<void> {
    this.close()
    await rm(this.#path, { force: true })
  }
}

/** Files that an earlier process left, the oldest first, with their lines. A last line that was cut is none. */
export async function readJournals(folder: string): Promise<{ file: string; notes: unknown[] }[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith('.journal')).sort()
  const found: { file: string; notes: unknown[] }[] = []
  for (const name of names) {
    const file = path.join(folder, name)
    const text = await readFile(file, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    found.push({
      file,
      notes: whole
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line)),
    })
  }
  return found
}
