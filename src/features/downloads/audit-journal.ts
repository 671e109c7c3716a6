/**
 * What was noted and is not in the database yet, in a file of its own for each second: written before the bytes are sent, so that a server that is
 * killed loses nothing. It is not synchronised to the disk, so a machine that loses its power may lose the last moments.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
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

/** Files that an earlier process left, the oldest first. */
export async function listJournals(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith('.journal')).sort()
  return names.map((name) => path.join(folder, name))
}

export interface JournalLine {
  /** From 1. */
  readonly at: number
  /** Undefined for what is no JSON. */
  readonly value: unknown
}

/** Its lines, so many at a time: after a database that was away for hours it is large. A last line that was cut is none. */
export async function* readJournal(file: string, linesAtOnce: number): AsyncGenerator<readonly JournalLine[]> {
  const stream = createReadStream(file, 'utf8')
  let lines: JournalLine[] = []
  let at = 0
  let rest = ''
  for await (const chunk of stream) {
    const pieces = (rest + String(chunk)).split('\n')
    rest = pieces.pop() ?? ''
    for (const line of pieces) {
      at++
      if (line !== '') lines.push({ at, value: parsed(line) })
      if (lines.length < linesAtOnce) continue
      yield lines
      lines = []
    }
  }
  if (lines.length > 0) yield lines
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Kept for whoever finds out what happened; no later start reads it again. Gives its new name. */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.unreadable`
  await rename(file, aside)
  return aside
}
