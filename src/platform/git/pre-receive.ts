/**
 * The only hook: it hands the quarantine's path and the ref commands to the server over the inherited descriptor 3 and
 * prints what the server answers on 4 (`remote: ...` at the client). Everything else is judged in the server's own
 * process; a server that dies closes 4, `read` fails, and the push is refused. It starts no other program: each costs a small push 3 ms.
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from './durable.ts'
import { GitFailure } from './run.ts'

const preReceiveHook = `#!/bin/sh
trap '' PIPE
{
  printf '%s\\n' "$GIT_QUARANTINE_PATH"
  while IFS= read -r line; do printf '%s\\n' "$line"; done
  echo
} >&3 && while IFS= read -r line <&4; do
  case "$line" in accept) exit 0 ;; refuse) exit 1 ;; *) printf '%s\\n' "\${line#-}" >&2 ;; esac
done
echo 'The server went away before it had judged this push. Nothing was changed. Try again in a moment.' >&2
exit 1
`
/** Git passes over a hook that it may not run, without a word, and takes the push: the file has this mode before it has its name. */
const hookMode = 0o700
const hookName = 'pre-receive'

/**
 * Puts the hook into the folder of hooks. Commands do so beside a running server, so what is there already is not touched, and what is not is
 * whole from the first moment. Throws `GitFailure` where git could not run it.
 */
export async function placeHook(folder: string): Promise<void> {
  const file = join(folder, hookName)
  if (!(await isInPlace(file))) await writeFileDurably(file, preReceiveHook, hookMode)
  await assertRunnable(folder)
}

/** Throws `GitFailure` where the system does not let git run the hook in this folder: no push may begin then. */
export async function assertRunnable(folder: string): Promise<void> {
  const file = join(folder, hookName)
  await access(file, constants.X_OK).catch((error: Error) => {
    throw new GitFailure(
      'spawn',
      `the system does not let git run ${file}, by which the hub judges every push (${error.message}). Is the data folder on a file system that is mounted with "noexec"? Mount it without, or move the folder`,
    )
  })
}

async function isInPlace(file: string): Promise<boolean> {
  try {
    return ((await stat(file)).mode & 0o777) === hookMode && (await readFile(file, 'utf8')) === preReceiveHook
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
