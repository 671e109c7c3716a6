/** What the real clients sent (make-vectors.py, make-vectors.mjs), as tests read it. */
import { readFileSync } from 'node:fs'
import { type DataRecipe, makeData } from './data.ts'

export interface VectorXorb {
  readonly hash: string
  readonly size: number
  /** Base64; null for large ones, whose data can be made again. */
  readonly bytes: string | null
}

export interface VectorRun {
  readonly policy: string
  readonly files: readonly { readonly name: string; readonly hash?: string; readonly sha256?: string }[]
  readonly xorbs: readonly VectorXorb[]
  /** Base64. */
  readonly shards: readonly string[]
}

export interface Vectors {
  readonly client: string
  readonly data: Readonly<Record<string, DataRecipe>>
  readonly runs: readonly VectorRun[]
}

export const pythonVectors = readVectors('python.json')
export const javascriptVectors = readVectors('javascript.json')
export const allRuns = [pythonVectors, javascriptVectors].flatMap((vectors) => vectors.runs)

/** The raw bytes that a client was given under this name. */
export function vectorData(vectors: Vectors, name: string): Buffer {
  const recipe = vectors.data[name]
  if (recipe === undefined) throw new RangeError(`There is no data ${name}.`)
  const made = makings.get(recipe) ?? makeData(recipe)
  makings.set(recipe, made)
  return made
}

/** Some take a second to make. */
const makings = new WeakMap<DataRecipe, Buffer>()

function readVectors(file: string): Vectors {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
}
