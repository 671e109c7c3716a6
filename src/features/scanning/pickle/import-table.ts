import { mostImports } from './values.ts'

/** How a pickle uses what it imports, from the least to the most. `built`: an instance is made without calling it (NEWOBJ), or its state is set. */
export const uses = ['referenced', 'built', 'called'] as const
export type Use = (typeof uses)[number]

export interface FoundImport {
  /** Null where the name is the result of a call, forgotten or not decided by the pickle. */
  readonly module: string | null
  readonly name: string | null
  how: Use
  /** For getattr alone: every one of its calls named a plain attribute of an import, and those are judged in its place. */
  isResolved?: boolean
  /** Where it was first found: bytes from the beginning of the stream. */
  readonly at: number
  /** Found after the stream was broken: by what is known, Python never comes so far. */
  readonly isAfterBreak: boolean
}

/** What a stream imports, each pair once. */
export class ImportTable {
  readonly found: FoundImport[] = []
  readonly #byPair = new Map<string, number>()
  isFull = false
  /** An innocuous caller was given what is no longer known: any import may have been called by it. */
  mayAllBeCalled = false

  /** The index of the import. All that do not fit share the last one, which is unresolvable. */
  add(module: string | null, name: string | null, at: number, isAfterBreak: boolean): number {
    const key = module === null || name === null ? '' : `${module}\n${name}`
    const known = this.#byPair.get(key)
    if (known !== undefined) return known
    if (this.found.length >= mostImports && key !== '') {
      this.isFull = true
      return this.add(null, null, at, isAfterBreak)
    }
    const isPair = key !== ''
    const index = this.found.push({
      module: isPair ? module : null,
      name: isPair ? name : null,
      how: 'referenced',
      at,
      isAfterBreak,
    })
    this.#byPair.set(key, index - 1)
    return index - 1
  }

  use(index: number, how: Use): void {
    const found = this.found[index]
    if (found !== undefined && uses.indexOf(how) > uses.indexOf(found.how)) found.how = how
  }
}
