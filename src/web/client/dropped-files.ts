/* What was dropped, folders walked to their files. Bounded: a dropped disk is not an upload. */

export type Found = { file: File; path: string }

const mostFound = 10_000

export async function droppedFiles(transfer: DataTransfer): Promise<Found[]> {
  // Entries must be taken before anything is waited for: the transfer is empty afterwards.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: file.name }))
  const found: Found[] = []
  for (const entry of entries) await walk(entry, found)
  return found
}

async function walk(entry: FileSystemEntry, found: Found[]): Promise<void> {
  if (found.length >= mostFound) return
  const path = entry.fullPath.replace(/^\/+/, '')
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    found.push({ file, path })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    for (const inside of some) await walk(inside, found)
  }
}
