/** The JSON of repos, as the Hub's clients read it (hub-api.md, section 4). */

import type { RepoKind } from '../../domain/facts.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { Usage } from '../storage/service.ts'
import type { RepoRow } from './queries.ts'
import type { Sibling } from './siblings.ts'

/** A row as a list has it: large columns only where they were asked for. */
export type ShownRow = Omit<RepoRow, 'cardData' | 'config'> & {
  readonly cardData?: string | null
  readonly config?: string | null
  /** 1: a server answers for it. */
  readonly isServed?: number
}

export interface Shown {
  readonly row: ShownRow
  /** The commit of the revision that was asked for. */
  readonly sha: string | null
  readonly siblings?: readonly Sibling[]
  readonly withBlobs?: boolean
  /** The workspace that it lies in, where the viewer may know of it. */
  readonly workspace?: { readonly id: string; readonly name: string } | null
}

/** With `expand`, only the ids and what was asked for; else the properties in `usual`. */
export function presentRepo(shown: Shown, expand: ReadonlySet<string> | null, usual: ReadonlySet<string>): object {
  const { row } = shown
  const wanted = expand ?? usual
  const json: Record<string, unknown> = { _id: row.id, id: row.fullName }
  if (row.kind === 'model' && expand === null) json.modelId = row.fullName
  for (const name of wanted) {
    const value = property(name, shown)
    if (value !== undefined) json[name] = value
  }
  return json
}

const listed = 'author sha lastModified private gated disabled downloads likes tags createdAt trendingScore'
const ofKind: Readonly<Record<RepoKind, string>> = {
  model: 'pipeline_tag library_name',
  dataset: 'description',
  space: 'sdk subdomain',
}
const whole = 'cardData siblings usedStorage'
const wholeOfKind: Readonly<Record<RepoKind, string>> = {
  model: 'config model-index widgetData transformersInfo',
  dataset: 'citation paperswithcode_id',
  space: 'runtime models datasets',
}

/** What a list shows of a repo unless it is asked for something else. */
export function usualInLists(kind: RepoKind, more: { full: boolean; cardData: boolean; config: boolean }): Set<string> {
  const names = new Set(`${listed} ${ofKind[kind]}`.split(' '))
  if (more.full) names.add('siblings')
  if (more.cardData) names.add('cardData')
  if (more.config) names.add('config')
  return names
}

/** What repo info shows unless it is asked for something else. */
export function usualInInfo(kind: RepoKind): Set<string> {
  return new Set(`${listed} ${ofKind[kind]} ${whole} ${wholeOfKind[kind]}`.split(' '))
}

function property(name: string, shown: Shown): unknown {
  const { row } = shown
  switch (name) {
    case 'author':
      return row.ownerName
    case 'sha':
      return shown.sha ?? undefined
    case 'lastModified':
      return isoTime(row.updatedAt)
    case 'createdAt':
      return isoTime(row.createdAt)
    case 'private':
      return row.visibility !== 'public'
    case 'gated':
      return row.gated === 'open' ? false : row.gated
    case 'disabled':
      return row.disabledAt !== null
    case 'downloads':
    case 'downloadsAllTime':
    case 'likes':
    case 'trendingScore':
    case 'usedStorage':
    case 'sdk':
      return row[name] ?? undefined
    case 'tags':
      return parsed(row.tags) ?? []
    case 'pipeline_tag':
      return row.pipelineTag ?? undefined
    case 'library_name':
      return row.libraryName ?? undefined
    case 'description':
      return row.description ?? undefined
    case 'cardData':
      return parsed(row.cardData)
    case 'config':
      return parsed(row.config)
    case 'siblings':
      return shown.siblings?.map((sibling) => presentSibling(sibling, shown.withBlobs === true))
    case 'resourceGroup':
      return shown.workspace ?? undefined
    case 'subdomain':
      return row.fullNameKey.replace(/[^a-z0-9]+/g, '-')
    case 'region':
      return 'us'
    case 'xetEnabled':
      return false
    case 'gitalyUid':
      return row.id
    case 'transformersInfo':
      return transformersInfo(row)
    case 'runtime':
      // Spaces are kept here, not run; clients insist on an object for the hardware.
      return { stage: 'STOPPED', hardware: { current: null, requested: null }, storage: null, gcTimeout: null }
    default:
      return ofCard(name, parsed(row.cardData))
  }
}

/** Properties that are read from the card under their own or another name. */
const cardKeys: Readonly<Record<string, string>> = {
  'model-index': 'model-index',
  widgetData: 'widget',
  citation: 'citation',
  paperswithcode_id: 'paperswithcode_id',
  models: 'models',
  datasets: 'datasets',
}

function ofCard(name: string, card: Readonly<Record<string, unknown>> | undefined): unknown {
  const key = cardKeys[name]
  return key === undefined ? undefined : (card?.[key] ?? undefined)
}

function transformersInfo(row: ShownRow): object | undefined {
  if (row.libraryName !== 'transformers') return undefined
  const config = parsed(row.config)
  const [architecture] = Array.isArray(config?.architectures) ? config.architectures : []
  const head = typeof architecture === 'string' ? /For[A-Z]\w*$/.exec(architecture)?.[0] : undefined
  return {
    auto_model: autoModels[head ?? ''] ?? 'AutoModel',
    ...(row.pipelineTag === null ? {} : { pipeline_tag: row.pipelineTag }),
  }
}

const autoModels: Readonly<Record<string, string>> = {
  ForCausalLM: 'AutoModelForCausalLM',
  ForMaskedLM: 'AutoModelForMaskedLM',
  ForSequenceClassification: 'AutoModelForSequenceClassification',
  ForTokenClassification: 'AutoModelForTokenClassification',
  ForQuestionAnswering: 'AutoModelForQuestionAnswering',
  ForConditionalGeneration: 'AutoModelForSeq2SeqLM',
  ForImageClassification: 'AutoModelForImageClassification',
}

/** `lfs.sha256` here, though it is `lfs.oid` in tree listings. */
function presentSibling(sibling: Sibling, withBlobs: boolean): object {
  if (!withBlobs) return { rfilename: sibling.path }
  const { lfs } = sibling
  return {
    rfilename: sibling.path,
    blobId: sibling.oid,
    size: lfs?.size ?? sibling.size,
    ...(lfs === null ? {} : { lfs: { sha256: lfs.sha256, size: lfs.size, pointerSize: sibling.size } }),
  }
}

/** One line of "my repositories" (`hf repos ls`). */
/** `usage`: null until it was counted the first time. */
export function presentOwned(row: ShownRow, usage: Usage | null): object {
  return {
    id: row.fullName,
    type: row.kind,
    updatedAt: isoTime(row.updatedAt),
    visibility: row.visibility,
    storage: row.usedStorage,
    storageDetails:
      usage === null
        ? null
        : {
            files: usage.files,
            logical: usage.logical,
            stored: usage.stored,
            saved: Math.max(0, usage.logical - usage.stored),
            countedAt: isoTime(usage.countedAt),
          },
  }
}

/** What this feature itself wrote as JSON into the row. */
function parsed(
  text: string | null | undefined,
): (Readonly<Record<string, unknown>> & { readonly length?: number }) | undefined {
  return text === null || text === undefined ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>)
}
