/** What stands in the way of a file, each with its line: a file is applied whole or not at all. */
import { HoldfastError } from '../../domain/errors.ts'
import type { AccessFile } from './document.ts'
import { visible } from './visible.ts'

export interface Problem {
  readonly line: number
  /** Such as `workspaces.Research.members.ada`. */
  readonly target: string
  /** Of the catalogue of errors. */
  readonly code: string
  readonly message: string
}

/** As many are told; how many there are is told too. */
const mostTold = 100
/** In the sentence of the error. */
const mostInSentence = 5

export class Problems {
  readonly list: Problem[] = []
  readonly #lineOf: AccessFile['lineOf']

  constructor({ lineOf }: AccessFile) {
    this.#lineOf = lineOf
  }

  add(path: readonly string[], { code, message }: HoldfastError): void {
    this.list.push({ line: this.#lineOf(path), target: visible(path.join('.')), code, message: visible(message) })
  }

  /** Runs `act`; a refusal is a problem with what is at `path`. Anything else that goes wrong is thrown on. */
  async attempt(path: readonly string[], act: () => unknown): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      this.add(path, error)
    }
  }

  get told(): readonly Problem[] {
    return [...this.list].sort((a, b) => a.line - b.line).slice(0, mostTold)
  }

  /** Throws `access_file_refused` where there are any. */
  refuse(): void {
    const { told } = this
    if (told.length === 0) return
    const sentences = told.slice(0, mostInSentence).map(sentenceOf)
    const more = this.list.length - sentences.length
    if (more > 0) sentences.push(`And ${more} more.`)
    const problems = sentences.join(' ')
    throw new HoldfastError('access_file_refused', { problems }, { body: { problems: told, count: this.list.length } })
  }
}

export function sentenceOf({ line, target, message }: Problem): string {
  return `Line ${line}, ${target}: ${message}`
}
