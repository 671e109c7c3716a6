/** What the page of a card shows: the README at the head of `main`, rendered, and what the card says of its repo. */
import { HoldfastError } from '../../domain/errors.ts'
import { couldBeRepo } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { readObject, streamBlob } from '../../platform/git/objects.ts'
import type { RepoAddress } from '../../web/address.ts'
import { findEntry, type RepoEntry } from '../files/service.ts'
import { findRepoWithCard } from '../repos/service.ts'
import { findHeld, revisionHold } from '../storage/service.ts'
import type { CardFacts, CardText } from './card-page.tsx'
import { cardPlace } from './card-place.ts'
import { lastBriefOf } from './commit-brief.ts'
import { markdownLimit, renderCard } from './render-card.ts'

/** Bytes that are shown of a card that is not rendered. */
const plainLimit = 65_536

const notices = {
  busy: 'This hub is busy: the card is shown as it was written. Reload the page in a moment.',
  slow: 'Rendering this card takes too long, so it is shown as it was written.',
  deep: 'This card is nested too deeply or too long to be rendered, so it is shown as it was written.',
  large: 'This card is larger than 1 MiB, so its beginning is shown as it was written.',
} as const

export async function loadCard(
  hub: Hub,
  allowed: Allowed<'repo.read'>,
  repo: RepoAddress,
  commit: string,
): Promise<CardText> {
  const entry = await findEntry(hub, allowed, commit, 'README.md')
  if (entry === null || entry.type !== 'file') return { kind: 'missing' }
  if (entry.isSymlink || entry.lfs !== null) {
    const kind = entry.isSymlink ? 'a link to another file' : 'stored as a large file'
    return { kind: 'unreadable', reason: `README.md is ${kind}, so it is not shown as a card.` }
  }
  const hold = await revisionHold(hub, allowed.resource, commit)
  if (hold !== null) return { kind: 'unreadable', reason: 'README.md is not shown: it is of a revision that is held.' }
  if ((await findHeld(hub, allowed.resource, [contentOf(entry)], commit)).size > 0) {
    return {
      kind: 'unreadable',
      reason: 'README.md is held: scanners found it unsafe or have not seen it yet, or its owner does not admit it.',
    }
  }
  const repoId = allowed.resource.id
  if (entry.size > markdownLimit) return await plainCard(hub, repoId, entry, notices.large)
  const place = cardPlace(hub, repo, 'main', entry.path)
  const [card, latest] = await Promise.all([
    renderCard(hub.log, entry.oid, place, async () => {
      const object = await readObject(hub.git, repoId, entry.oid, markdownLimit)
      return object?.bytes.toString('utf8') ?? ''
    }),
    lastBriefOf(hub, allowed, commit, entry),
  ])
  if (card.kind === 'plain') return await plainCard(hub, repoId, entry, notices[card.why])
  const changedBy = latest === null ? null : { name: latest.author.name, at: latest.at }
  return { kind: 'card', html: card.html, changedBy }
}

async function plainCard(hub: Hub, repoId: string, entry: RepoEntry, notice: string): Promise<CardText> {
  const chunks: Buffer[] = []
  const range = { first: 0, last: Math.min(entry.size, plainLimit) - 1 }
  for await (const chunk of streamBlob(hub.git, repoId, entry, range)) chunks.push(chunk as Buffer)
  return { kind: 'plain', notice, text: Buffer.concat(chunks).toString('utf8') }
}

/** Card data larger than this is not looked at for the sake of a list of languages. */
const cardDataLimit = 100_000
const shownTags = 30
const hiddenTags = /^(license|region|dataset|base_model|arxiv|language|task_categories|size_categories|task_ids):/

export async function loadCardFacts(hub: Hub, allowed: Allowed<'repo.read'>): Promise<CardFacts> {
  const row = await findRepoWithCard(hub, allowed.resource.id)
  // Deleted while its page was made.
  if (row === null) throw new HoldfastError('repo_not_found')
  const tags = strings(JSON.parse(row.tags))
  const data = cardDataOf(row.cardData)
  const languages = strings(data.language ?? data.languages)
  const said = new Set([...languages, row.pipelineTag, row.libraryName, row.sdk])
  return {
    task: row.pipelineTag,
    library: row.libraryName ?? row.sdk,
    languages: languages.slice(0, shownTags),
    license: tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length) ?? null,
    baseModels: strings(data.base_model)
      .flatMap((id) => addressOf('model', id))
      .slice(0, 10),
    datasets: strings(data.datasets)
      .flatMap((id) => addressOf('dataset', id))
      .slice(0, 10),
    tags: tags.filter((tag) => !hiddenTags.test(tag) && !said.has(tag)).slice(0, shownTags),
    storedBytes: row.usedStorage,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

function cardDataOf(json: string | null): Readonly<Record<string, unknown>> {
  if (json === null || json.length > cardDataLimit) return {}
  // Written by the reader of cards: an object.
  return JSON.parse(json) as Readonly<Record<string, unknown>>
}

function strings(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string' && item.length <= 150)
}

function addressOf(kind: RepoAddress['kind'], id: string): RepoAddress[] {
  const [namespace = '', name = '', ...rest] = id.split('/')
  return rest.length === 0 && couldBeRepo(namespace, name) ? [{ kind, namespace, name }] : []
}
