/** Files that survive a power cut: the bytes are synced before the name appears, and the name is synced after. */
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a whole small file under a temporary name and renames it into place. */
export async function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.new-${process.pid}-${Math.random().toString(36).slice(2)}`
  const file = await open(temporary, 'wx', mode)
  try {
    // Whatever the umask takes away.
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Makes renames and deletions in a folder durable: git syncs files, never the folders that name them. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
