/**
 * The files of writes under way. A name says which process writes, so that the next start removes what a dead one left and nothing that a
 * living one still needs, also where a command runs beside the server or several servers share the folder.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 12)
/** Process ids are used again, in a container even the same one at each start; this is not. */
const life = randomBytes(6).toString('hex')
const namePattern = /^([0-9a-f]{12})-(\d+)-([0-9a-f]{12})-[0-9a-f]{32}$/
/** A connection is given up long before this, so a file of another machine that did not change since belongs to nobody. */
const silentMs = 3_600_000

export interface Incoming {
  /** A new path, on the same file system as the blobs. */
  newFile(): string
  readonly folder: string
}

/** Makes the folder and removes what dead processes left in it. */
export async function openIncoming(folder: string): Promise<Incoming> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name)
    if (await isAbandoned(name, file)) await rm(file, { recursive: true, force: true })
  }
  return {
    folder,
    newFile: () => path.join(folder, `${host}-${process.pid}-${life}-${randomBytes(16).toString('hex')}`),
  }
}

async function isAbandoned(name: string, file: string): Promise<boolean> {
  const [, itsHost, pid, itsLife] = namePattern.exec(name) ?? []
  if (itsHost === host) return Number(pid) === process.pid ? itsLife !== life : !isAlive(Number(pid))
  const found = await stat(file).catch(() => null)
  return found !== null && Date.now() - found.mtimeMs > silentMs
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is alive too.
    return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
