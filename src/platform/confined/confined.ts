/** What processes that work on strangers' files have in common: what Node lets them do, and how much memory they hold. */
import { existsSync, realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Confinement {
  /** Of the JavaScript heap. */
  readonly heapMiB: number
  /** Whether it needs native code. */
  readonly isNative: boolean
  /** A folder that it reads beside its own program. */
  readonly folder?: string
}

/** For Node: the process reads its own program; writing, processes, threads, and from Node 25 on the network, are denied. */
export function confinedArguments({ heapMiB, isNative, folder }: Confinement): string[] {
  const readable = [...readablePaths(), ...(folder === undefined ? [] : [folder, realpathSync(folder)])].map(
    (place) => `--allow-fs-read=${place}`,
  )
  return [
    '--permission',
    ...readable,
    ...(isNative ? ['--allow-addons'] : []),
    `--max-old-space-size=${heapMiB}`,
    '--no-warnings',
  ]
}

/** What its own program consists of, and nothing else: no data folder, no home, no /etc. */
function readablePaths(): string[] {
  const program = fileURLToPath(new URL('../..', import.meta.url))
  const root = path.dirname(program)
  const places = [program, path.join(root, 'package.json')]
  // Where packages lie: beside it, or further up where it is installed as one of them.
  for (let folder = root; ; folder = path.dirname(folder)) {
    places.push(path.join(folder, 'node_modules'))
    if (folder === path.dirname(folder)) break
  }
  // A folder may be a link, and both of its names are asked for.
  return [...new Set(places.filter((place) => existsSync(place)).flatMap((place) => [place, realpathSync(place)]))]
}

/** Bytes in memory. Rejects where the system does not say: the process has ended, or this is no Linux. */
export async function residentBytes(pid: number | undefined): Promise<number> {
  const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1])
  return pages * 4096
}
