/**
 * Says what is wrong with a card before it is committed, in the words of `POST /api/validate-yaml`. An error refuses the commit; a warning
 * is only said.
 */
import type { RepoKind } from '../../domain/facts.ts'
import type { CardData } from './card.ts'
import { readCard } from './card-reader.ts'

export interface CardCheck {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

export const spaceSdks = ['gradio', 'streamlit', 'docker', 'static'] as const

const text = { is: (value: unknown) => typeof value === 'string', words: 'a string' }
const list = { is: (value: unknown) => Array.isArray(value), words: 'an array' }
const textOrTexts = {
  is: (value: unknown) => isScalar(value) || (Array.isArray(value) && value.every(isScalar)),
  words: 'a string or an array of strings',
}
const texts = { is: (value: unknown) => Array.isArray(value) && value.every(isScalar), words: 'an array of strings' }

const keys: Readonly<Record<string, { is: (value: unknown) => boolean; words: string }>> = {
  license: textOrTexts,
  language: textOrTexts,
  languages: textOrTexts,
  tags: texts,
  datasets: textOrTexts,
  metrics: textOrTexts,
  library_name: text,
  pipeline_tag: text,
  base_model: textOrTexts,
  'model-index': list,
  task_categories: textOrTexts,
  task_ids: textOrTexts,
  size_categories: textOrTexts,
  configs: list,
  title: text,
  app_file: text,
}

/** `readme` is the whole file. */
export async function checkCard(readme: string, kind: RepoKind): Promise<CardCheck> {
  const reading = await readCard(readme)
  if (reading.kind === 'broken') return { errors: [`The front matter is not usable: ${reading.reason}`], warnings: [] }
  if (reading.kind === 'none') {
    return { errors: [], warnings: ['empty or missing yaml metadata in repo card'] }
  }
  return { errors: faults(reading.data, kind), warnings: [] }
}

function faults(data: CardData, kind: RepoKind): string[] {
  const found: string[] = []
  for (const [key, { is, words }] of Object.entries(keys)) {
    const value = data[key]
    if (value !== undefined && value !== null && !is(value)) found.push(`"${key}" must be ${words}`)
  }
  if (kind === 'space' && data.sdk !== undefined && !(spaceSdks as readonly unknown[]).includes(data.sdk)) {
    found.push(`"sdk" must be one of [${spaceSdks.join(', ')}]`)
  }
  const index = data['model-index']
  if (Array.isArray(index)) found.push(...index.slice(0, 100).flatMap((entry, at) => resultFaults(entry, at)))
  return found
}

function resultFaults(entry: unknown, at: number): string[] {
  if (typeof entry !== 'object' || entry === null) return [`"model-index[${at}]" must be an object`]
  const found: string[] = []
  if ('name' in entry && typeof entry.name !== 'string') found.push(`"model-index[${at}].name" must be a string`)
  if (!('results' in entry) || !Array.isArray(entry.results))
    found.push(`"model-index[${at}].results" must be an array`)
  return found
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
