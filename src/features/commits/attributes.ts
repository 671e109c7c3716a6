/** The attributes that hold for some paths: the file at the root and those in the folders on the way, as far as there are any. */
import { attributeLines, type GitAttributes, gitAttributes } from '../../domain/git-attributes.ts'
import { turnGiver } from '../../platform/give-turn.ts'

/** The texts of the files that exist among those asked for. */
export type ReadTexts = (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>

export const attributesName = '.gitattributes'

/** Attributes in more folders than this are not looked for: no repo has them, and each costs a look-up. */
const folderLimit = 1000
const linesAtOnce = 250

/** `root`: the text to take for the file at the root, where it is known. */
export function readAttributes(
  read: ReadTexts,
  paths: readonly string[],
  root?: string | undefined,
): Promise<GitAttributes> {
  return attributesReader(read, root)(paths)
}

/** The same for paths that come one after the other: what was read for those before is not read again. To be called one at a time. */
export function attributesReader(
  read: ReadTexts,
  root?: string | undefined,
): (paths: readonly string[]) => Promise<GitAttributes> {
  const attributes = gitAttributes()
  const known = new Set<string>()
  return async (paths) => {
    // What comes later wins: a folder is added with those around it or after them, never before.
    const folders = ['', ...foldersAbove(paths)].filter((folder) => !known.has(folder) && known.size <= folderLimit)
    if (folders.length === 0) return attributes
    const texts = await read(folders.map(fileIn))
    const giveTurn = turnGiver()
    for (const folder of folders) {
      known.add(folder)
      const text = folder === '' && root !== undefined ? root : texts.get(fileIn(folder))
      if (text === undefined) continue
      const lines = attributeLines(text)
      for (let at = 0; at < lines.length; at += linesAtOnce) {
        attributes.add(folder, lines.slice(at, at + linesAtOnce))
        await giveTurn()
      }
    }
    return attributes
  }
}

/** Each folder that holds one of the paths, outer ones first. */
function foldersAbove(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  }
  return [...folders].sort((a, b) => a.length - b.length).slice(0, folderLimit)
}

function fileIn(folder: string): string {
  return folder === '' ? attributesName : `${folder}/${attributesName}`
}
