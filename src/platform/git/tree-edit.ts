/**
 * Edits to a tree, kept as an overlay: only folders that change are read and written, and a folder of 100,000 files
 * is merged in one pass. Operations apply in the order given; a file takes the place of a folder and the other way round.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseTree, type RawEntry, rawName, sortKey } from './tree.ts'

/** Where the overlay reads the folders that it stands on, and puts the ones that it makes. */
export interface TreeStorage {
  read(tree: string): Promise<Buffer>
  write(bytes: Buffer): Promise<string>
}

interface Leaf {
  kind: 'leaf'
  mode: string
  oid: string
}

interface Gone {
  kind: 'gone'
}

interface Folder {
  kind: 'folder'
  /** The tree below the overlay, null for none; undefined until somebody asked. */
  base: string | null | undefined
  children: Map<string, Node>
  /** The base's entries by name, once somebody looked one up. */
  index: Map<string, RawEntry> | undefined
}

type Node = Leaf | Gone | Folder

const folderMode = '040000'

export class TreeEdit {
  readonly #storage: TreeStorage
  readonly #root: Folder

  /** `base` is the tree to start from, null for an empty one. */
  constructor(storage: TreeStorage, base: string | null) {
    this.#storage = storage
    this.#root = newFolder(base)
  }

  /** Puts an entry (a blob, or a whole tree with mode `040000`), with the folders on its way. */
  put(path: string, mode: string, oid: string): void {
    const parts = path.split('/').map(rawName)
    const name = parts.pop() ?? ''
    let folder = this.#root
    for (const part of parts) folder = this.#enter(folder, part)
    folder.children.set(name, mode === folderMode ? newFolder(oid) : { kind: 'leaf', mode, oid })
  }

  /** Removes a file or a folder; says what it was, null when there was nothing. */
  async remove(path: string): Promise<'file' | 'folder' | null> {
    const found = await this.find(path)
    if (found === null) return null
    const parts = path.split('/').map(rawName)
    const name = parts.pop() ?? ''
    let folder = this.#root
    for (const part of parts) folder = this.#enter(folder, part)
    folder.children.set(name, { kind: 'gone' })
    return found.mode === folderMode ? 'folder' : 'file'
  }

  /** The entry at a path as the edits stand; a folder that was edited has no id yet. */
  async find(path: string): Promise<{ mode: string; oid: string | null } | null> {
    const parts = path.split('/').map(rawName)
    let folder = this.#root
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1
      const child = folder.children.get(part)
      if (child?.kind === 'gone') return null
      if (child?.kind === 'leaf') return isLast ? { mode: child.mode, oid: child.oid } : null
      if (child?.kind === 'folder') {
        await this.#settleBase(folder, part, child)
        if (isLast) return (await this.#isEmpty(child)) ? null : { mode: folderMode, oid: null }
        folder = child
        continue
      }
      const base = await this.#findInBase(folder, part)
      if (base === null || isLast) return base && { mode: base.mode, oid: base.oid }
      if (base.mode !== folderMode) return null
      // Look on without leaving an overlay behind: a look-up must not make a folder count as changed.
      folder = newFolder(base.oid)
    }
    return null
  }

  /** Writes the changed folders, innermost first; gives the new root. */
  async write(): Promise<string> {
    return (await this.#writeFolder(this.#root)) ?? (await this.#storage.write(Buffer.alloc(0)))
  }

  #enter(folder: Folder, name: string): Folder {
    const child = folder.children.get(name)
    if (child?.kind === 'folder') return child
    // Nothing known: the base may have a folder here. A file or a removal hides whatever the base has.
    const entered = newFolder(child === undefined ? undefined : null)
    folder.children.set(name, entered)
    return entered
  }

  async #settleBase(parent: Folder, name: string, child: Folder): Promise<void> {
    if (child.base !== undefined) return
    const entry = await this.#findInBase(parent, name)
    child.base = entry?.mode === folderMode ? entry.oid : null
  }

  async #findInBase(folder: Folder, name: string): Promise<RawEntry | null> {
    return (await this.#baseIndex(folder)).get(name) ?? null
  }

  async #baseIndex(folder: Folder): Promise<Map<string, RawEntry>> {
    if (folder.index === undefined) {
      folder.index = new Map()
      const bytes = folder.base ? await this.#storage.read(folder.base) : Buffer.alloc(0)
      for (const entry of parseTree(bytes)) folder.index.set(entry.rawName, entry)
    }
    return folder.index
  }

  /** Whether every file of the folder was removed; the folder's base must be settled. */
  async #isEmpty(folder: Folder): Promise<boolean> {
    for (const [name, child] of folder.children) {
      if (child.kind === 'leaf') return false
      if (child.kind === 'gone') continue
      await this.#settleBase(folder, name, child)
      if (!(await this.#isEmpty(child))) return false
    }
    for (const name of (await this.#baseIndex(folder)).keys()) if (!folder.children.has(name)) return false
    return true
  }

  /** The id of the folder as edited, or null when nothing is left in it (git has no empty folders). */
  async #writeFolder(folder: Folder): Promise<string | null> {
    if (folder.children.size === 0) return folder.base ?? null
    const base = folder.base ? await this.#storage.read(folder.base) : Buffer.alloc(0)
    await this.#settleChildren(folder, base)
    const added: RawEntry[] = []
    for (const [name, child] of folder.children) {
      if (child.kind === 'leaf') added.push({ mode: child.mode, rawName: name, oid: child.oid })
      if (child.kind !== 'folder') continue
      const oid = await this.#writeFolder(child)
      if (oid !== null) added.push({ mode: folderMode, rawName: name, oid })
    }
    const bytes = await merge(base, folder.children, added)
    return bytes.length === 0 ? null : this.#storage.write(bytes)
  }

  async #settleChildren(folder: Folder, base: Buffer): Promise<void> {
    const open = new Map<string, Folder>()
    for (const [name, child] of folder.children)
      if (child.kind === 'folder' && child.base === undefined) open.set(name, child)
    if (open.size === 0) return
    for (const entry of parseTree(base)) {
      const child = open.get(entry.rawName)
      if (child && entry.mode === folderMode) child.base = entry.oid
    }
    for (const child of open.values()) child.base ??= null
  }
}

function newFolder(base: string | null | undefined): Folder {
  return { kind: 'folder', base, children: new Map(), index: undefined }
}

/** The base's entries without the changed names, with the added ones in their places. */
async function merge(base: Buffer, changed: ReadonlyMap<string, Node>, added: RawEntry[]): Promise<Buffer> {
  const sorted = added.map((entry) => ({ key: sortKey(entry), bytes: formatEntry(entry) }))
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1))
  const parts: Buffer[] = []
  let next = 0
  let position = 0
  let keptFrom = 0
  let count = 0
  const keepUntil = (end: number) => {
    if (end > keptFrom) parts.push(base.subarray(keptFrom, end))
  }
  for (const entry of parseTree(base)) {
    const start = position
    position = base.indexOf(0, position) + 21
    const key = sortKey(entry)
    for (let item = sorted[next]; item !== undefined && item.key < key; item = sorted[++next]) {
      keepUntil(start)
      keptFrom = start
      parts.push(item.bytes)
    }
    if (changed.has(entry.rawName)) {
      keepUntil(start)
      keptFrom = position
    }
    if (++count % 4096 === 0) await nextTurn()
  }
  keepUntil(base.length)
  for (const item of sorted.slice(next)) parts.push(item.bytes)
  return Buffer.concat(parts)
}

function formatEntry(entry: RawEntry): Buffer {
  // Git writes folders as 40000; a leading zero is damage to fsck.
  return Buffer.concat([
    Buffer.from(`${entry.mode.replace(/^0/, '')} ${entry.rawName}\0`, 'latin1'),
    Buffer.from(entry.oid, 'hex'),
  ])
}
