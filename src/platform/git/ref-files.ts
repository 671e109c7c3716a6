/**
 * The refs of a repository, read from their files: no process is started for what every clone, fetch and push begins with. Only git writes
 * these files. Whatever looks unusual (a damaged or doubtful name, a symbolic ref, very many refs) is left to git: the answer is null.
 */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isOid } from './safe-names.ts'

export interface RefFile {
  /** Full name, such as `refs/tags/v1`. */
  readonly ref: string
  readonly oid: string
  /** What a packed annotated tag points at; null for no tag; undefined where only the object can tell. */
  readonly peeled: string | null | undefined
}

export interface RefFiles {
  /** In git's order, that is by the bytes of the names. */
  readonly refs: readonly RefFile[]
  /** The branch that HEAD names, whether it exists or not. */
  readonly head: string
}

const mostRefs = 2_000
const mostPackedBytes = 512 * 1024

/** `repository` is the path of a bare repository. */
export async function readRefFiles(repository: string): Promise<RefFiles | null> {
  const head = /^ref: (refs\/heads\/.+)\n$/.exec(await readFile(join(repository, 'HEAD'), 'utf8'))?.[1]
  if (head === undefined) return null
  // Loose first: a ref that is packed meanwhile has its packed line before its file goes.
  const loose: RefFile[] = []
  if (!(await collectLoose(repository, 'refs', loose))) return null
  const packed = await readPacked(repository)
  if (packed === null) return null
  const all = new Map(packed.map((entry) => [entry.ref, entry]))
  for (const entry of loose) all.set(entry.ref, entry)
  if (all.size > mostRefs) return null
  // Names are ASCII (`isUsual`), so comparing strings compares bytes.
  const refs = [...all.values()].sort((a, b) => (a.ref < b.ref ? -1 : 1))
  return { refs, head }
}

/** False when git has to be asked. */
async function collectLoose(repository: string, folder: string, found: RefFile[]): Promise<boolean> {
  const entries = await readdir(join(repository, folder), { withFileTypes: true }).catch(goneAsEmpty)
  for (const entry of entries) {
    const ref = `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (!(await collectLoose(repository, ref, found))) return false
    } else if (!entry.name.endsWith('.lock')) {
      const text = await readFile(join(repository, ref), 'latin1').catch((error: NodeJS.ErrnoException) => {
        // Packed or deleted since its folder was read: the packed refs, read afterwards, know.
        if (error.code === 'ENOENT') return null
        throw error
      })
      if (text === null) continue
      const oid = text.trimEnd()
      if (!isOid(oid) || !isUsual(ref) || found.length >= mostRefs) return false
      // Git lets nothing but commits be branches.
      found.push({ ref, oid, peeled: ref.startsWith('refs/heads/') ? null : undefined })
    }
  }
  return true
}

/** Null when git has to be asked. */
async function readPacked(repository: string): Promise<RefFile[] | null> {
  const file = await open(join(repository, 'packed-refs'), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return []
  let text: string
  try {
    if ((await file.stat()).size > mostPackedBytes) return null
    text = await file.readFile('latin1')
  } finally {
    await file.close()
  }
  const found: RefFile[] = []
  let isFullyPeeled = false
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('#')) {
      isFullyPeeled = / fully-peeled /.test(line)
    } else if (line.startsWith('^')) {
      const last = found.pop()
      if (last === undefined || !isOid(line.slice(1))) return null
      found.push({ ...last, peeled: line.slice(1) })
    } else {
      const [oid, ref] = [line.slice(0, 40), line.slice(41)]
      if (!isOid(oid) || line[40] !== ' ' || !isUsual(ref) || found.length >= mostRefs) return null
      found.push({ ref, oid, peeled: null })
    }
  }
  return isFullyPeeled || found.length === 0 ? found : null
}

function isUsual(ref: string): boolean {
  return /^refs\/[\x21-\x7e]+$/.test(ref)
}

function goneAsEmpty(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return []
  throw error
}
