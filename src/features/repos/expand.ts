/** Which properties of a repo a client may ask for by name. The error text lists them; clients compare its beginning. */
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoKind } from '../../domain/facts.ts'

const words = (text: string): readonly string[] => text.split(' ')

const properties: Readonly<Record<RepoKind, readonly string[]>> = {
  model: words(
    'author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults gated gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData gitalyUid xetEnabled modelSignature',
  ),
  dataset: words(
    'author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes mainSize paperswithcode_id private resourceGroup sha siblings tags trendingScore usedStorage gitalyUid xetEnabled modelSignature',
  ),
  space: words(
    'author cardData createdAt datasets disabled lastModified likes models private region resourceGroup runtime sdk sha siblings subdomain tags trendingScore usedStorage gitalyUid xetEnabled modelSignature',
  ),
}

/** What is asked for, or null for the usual. Throws `invalid_expand`. */
export function parseExpand(kind: RepoKind, asked: readonly string[] | undefined): ReadonlySet<string> | null {
  if (asked === undefined || asked.length === 0) return null
  const known = properties[kind]
  if (asked.some((name) => !known.includes(name)))
    throw new HoldfastError('invalid_expand', { allowed: known.join(', ') })
  return new Set(asked)
}
