/**
 * The card: what README.md says of its repo in its YAML front matter. Pure and bounded: the text comes from anybody, so its size, its
 * depth and its aliases are limited before and after it is parsed, and what is stored is plain JSON.
 */
import { parseDocument } from 'yaml'
import type { RepoKind } from '../../domain/facts.ts'

export type CardData = Readonly<Record<string, unknown>>

export type CardReading =
  /** No front matter at all. */
  | { readonly kind: 'none' }
  | { readonly kind: 'card'; readonly data: CardData }
  | { readonly kind: 'broken'; readonly reason: string }

/** What is read of a README: front matter beyond this is refused, text beyond it is not looked at. */
export const readmeLimit = 1_048_576
const yamlLimit = 262_144
const jsonLimit = 524_288
const aliasLimit = 64

/** The YAML between the two `---` lines that a README begins with, or null. */
export function frontMatter(readme: string): string | null {
  const match = /^\ufeff?---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/m.exec(readme.slice(0, yamlLimit + 16))
  if (match === null || match.index !== 0) return /^\ufeff?---[ \t]*\r?\n/.test(readme) ? '' : null
  return match[1] ?? ''
}

export type YamlReading =
  /** Plain JSON. */
  { readonly kind: 'yaml'; readonly value: unknown } | { readonly kind: 'broken'; readonly reason: string }

/** Parses YAML. Takes about a millisecond per kilobyte: long ones belong in a worker (card-reader.ts). */
export function parseYaml(yaml: string): YamlReading {
  if (yaml.length > yamlLimit) return broken('it is too large')
  try {
    const document = parseDocument(yaml, { schema: 'core', logLevel: 'silent', prettyErrors: true })
    const [fault] = document.errors
    if (fault !== undefined) return broken(fault.message.split('\n')[0] ?? 'it is not valid YAML')
    const json = JSON.stringify(document.toJS({ maxAliasCount: aliasLimit }) ?? null)
    if (json.length > jsonLimit) return broken('it is too large')
    // Through JSON and back: dates, NaN and prototypes do not survive, so what is checked is what is stored.
    return { kind: 'yaml', value: JSON.parse(json) as unknown }
  } catch (error) {
    // Too many aliases, or nested so deeply that the parser ran out of stack.
    return broken(error instanceof RangeError ? 'it is nested too deeply' : 'it has too many aliases')
  }
}

/** What front matter says, once it is parsed. */
export function cardOf(reading: YamlReading): CardReading {
  if (reading.kind === 'broken') return reading
  const { value } = reading
  if (value === null) return { kind: 'none' }
  if (typeof value !== 'object' || Array.isArray(value)) return broken('it is not a list of keys and values')
  return { kind: 'card', data: value as CardData }
}

function broken(reason: string): { readonly kind: 'broken'; readonly reason: string } {
  return { kind: 'broken', reason: reason.slice(0, 300) }
}

/** What a card and the files beside it say, in the form in which it is stored. */
export interface CardFacts {
  readonly tags: readonly string[]
  readonly pipelineTag: string | null
  readonly libraryName: string | null
  readonly sdk: string | null
  readonly description: string | null
}

export interface CardContext {
  readonly kind: RepoKind
  readonly readme: string
  /** Names of files in the root folder. */
  readonly files: readonly string[]
  /** From config.json: `bert`, `llama`. */
  readonly modelType: string | null
}

const tagLimit = 300
const tagLength = 150

/** Tags as the Hub derives them: plain for a model's languages, `key:value` for a dataset's. */
export function cardFacts(data: CardData, context: CardContext): CardFacts {
  const { kind } = context
  const tags = new Set<string>()
  const add = (prefix: string, value: unknown): void => {
    for (const text of texts(value)) if (tags.size < tagLimit) tags.add(`${prefix}${text}`)
  }
  const libraryName = kind === 'model' ? libraryOf(data, context) : null
  const pipelineTag = kind === 'model' ? (texts(data.pipeline_tag)[0] ?? null) : null
  const sdk = kind === 'space' ? (texts(data.sdk)[0] ?? null) : null
  add('', libraryName)
  if (kind === 'model') for (const library of librariesByFile(context.files)) tags.add(library)
  add('', sdk)
  if (kind === 'model') add('', context.modelType)
  add('', pipelineTag)
  if (kind === 'dataset') for (const key of datasetKeys) add(`${key}:`, data[key])
  add('', data.tags)
  if (kind === 'model') {
    add('', data.language ?? data.languages)
    add('dataset:', data.datasets)
    addBaseModels(data, add)
  }
  for (const id of arxivIds(context.readme)) tags.add(`arxiv:${id}`)
  add('license:', data.license)
  if (kind === 'model' && Array.isArray(data['model-index']) && data['model-index'].length > 0) tags.add('model-index')
  tags.add('region:us')
  return { tags: [...tags], pipelineTag, libraryName, sdk, description: descriptionOf(data, context) }
}

const datasetKeys = [
  'task_categories',
  'task_ids',
  'annotations_creators',
  'language_creators',
  'multilinguality',
  'source_datasets',
  'language',
  'size_categories',
]

function libraryOf(data: CardData, context: CardContext): string | null {
  const named = texts(data.library_name)[0]
  if (named !== undefined) return named
  if (context.files.includes('adapter_config.json')) return 'peft'
  if (context.files.includes('model_index.json')) return 'diffusers'
  if (context.files.includes('modules.json')) return 'sentence-transformers'
  return context.modelType !== null ? 'transformers' : null
}

function librariesByFile(files: readonly string[]): string[] {
  const found: string[] = []
  if (files.some((file) => /^pytorch_model.*\.bin$/.test(file))) found.push('pytorch')
  if (files.includes('tf_model.h5')) found.push('tf')
  if (files.includes('flax_model.msgpack')) found.push('jax')
  if (files.some((file) => file.endsWith('.onnx'))) found.push('onnx')
  if (files.some((file) => file.endsWith('.safetensors'))) found.push('safetensors')
  if (files.some((file) => file.endsWith('.gguf'))) found.push('gguf')
  return found
}

function addBaseModels(data: CardData, add: (prefix: string, value: unknown) => void): void {
  add('base_model:', data.base_model)
  const relation = texts(data.base_model_relation)[0]
  if (relation !== undefined) add(`base_model:${relation}:`, data.base_model)
}

function arxivIds(readme: string): string[] {
  const ids = new Set<string>()
  for (const match of readme.matchAll(/arxiv\.org\/(?:abs|pdf)\/(\d{4}\.\d{4,5})/gi)) {
    if (match[1] !== undefined) ids.add(match[1])
    if (ids.size >= 20) break
  }
  return [...ids]
}

/** One line: what the card calls it, else the first paragraph under the heading. */
function descriptionOf(data: CardData, context: CardContext): string | null {
  const named = texts(data.short_description ?? data.description ?? data.summary)[0]
  if (named !== undefined) return named
  const yaml = frontMatter(context.readme)
  const start = yaml === null ? 0 : context.readme.indexOf('---', yaml.length + 3) + 3
  const body = context.readme.slice(start, start + 4000).replace(/<!--[\s\S]*?(?:-->|$)/g, '')
  const paragraph = body
    .split(/\r?\n\s*\r?\n/)
    .map((part) => part.replace(/^(?:\s*#{1,6}[^\n]*\n?)+/, '').trim())
    .find((part) => part !== '' && !/^[#<!|[`>*-]/.test(part))
  const line = paragraph
    ?.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*_`]+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (line === undefined || line === '') return null
  return line.length <= 200 ? line : `${line.slice(0, 199).trimEnd()}…`
}

/** A string, or the strings of a list; numbers and `no` (Norwegian, which YAML 1.1 reads as false) as text. */
function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  const found: string[] = []
  for (const item of list) {
    const text = typeof item === 'string' || typeof item === 'number' ? String(item).trim() : item === false ? 'no' : ''
    if (text !== '' && text.length <= tagLength && !/[\x00-\x1f]/.test(text)) found.push(text)
  }
  return found
}
