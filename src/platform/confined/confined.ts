/** What processes that work on strangers' files have in common: how they are started, what Node lets them do, and how much memory they may hold. */
import { type ChildProcess, fork } from 'node:child_process'
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

export type ConfinedProcess = ChildProcess

export interface ConfinedProgram extends Confinement {
  readonly module: URL
  readonly arguments?: readonly string[]
  /** Beside messages, bytes go over descriptor 4. */
  readonly hasPipe?: boolean
}

/** Does not keep the hub going. */
export function startConfined({
  module,
  arguments: given = [],
  hasPipe,
  ...confinement
}: ConfinedProgram): ConfinedProcess {
  const child = fork(fileURLToPath(module), given, {
    execArgv: confinedArguments(confinement),
    // No setting of the hub, and none of its secrets.
    env: {},
    // Its own group: Ctrl-C in a terminal is the hub's, and must not count against what is being worked on.
    detached: true,
    // Not `advanced`: the hub must not feed V8's deserializer with what a hostile file may have written.
    serialization: 'json',
    // What it writes may hold what it was asked, or what the file says.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc', ...(hasPipe === true ? (['pipe'] as const) : [])],
  })
  child.unref()
  child.channel?.unref()
  return child
}

/** Until it has ended, or what this gives is called. `tell` is called at each look at which it holds more than `most` bytes. */
export function watchMemory(child: ConfinedProcess, most: number, everyMs: number, tell: () => void): () => void {
  // It could not be started, which is told elsewhere.
  if (child.pid === undefined) return () => undefined
  let isWatched = true
  const look = setInterval(() => {
    residentBytes(child.pid).then(
      (bytes) => {
        if (isWatched && bytes > most) tell()
      },
      // It has ended, which is told elsewhere, or this is no Linux, where V8's own limit holds. What else fails is tried again at the next look.
      () => undefined,
    )
  }, everyMs).unref()
  const end = (): void => {
    isWatched = false
    clearInterval(look)
    child.off('exit', end)
  }
  child.once('exit', end)
  return end
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
