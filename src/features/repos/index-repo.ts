/**
 * Reads the card at the head of `main` into the row that lists and searches look at. Runs after each move of `main`; written only while
 * that head is still the head, so a slow run never overwrites a later one.
 */
import { z } from 'zod'
import type { RepoKind } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { readObject } from '../../platform/git/objects.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { type CardData, cardFacts, readmeLimit } from './card.ts'
import { readCard } from './card-reader.ts'
import { findRepoById, type RepoRow, replaceTags, updateCard } from './queries.ts'
import { rootFiles } from './root-files.ts'

/** To be called in the transaction that settles a move of `main`. */
export async function enqueueIndexing(tx: Tx, repoId: string): Promise<void> {
  await enqueue(tx, 'index-repo', { repo: repoId }, { dedupKey: repoId })
}

const underWay = new Map<string, Promise<void>>()

/** Does nothing for a repo that is gone or empty. A card that cannot be read counts as none. Callers at the same time share one reading. */
export async function updateCardFromHead(hub: Hub, repoId: string): Promise<void> {
  const before = underWay.get(repoId)
  if (before !== undefined) return await before
  const reading = readIntoRow(hub, repoId).finally(() => underWay.delete(repoId))
  underWay.set(repoId, reading)
  await reading
}

/** The repo with a card that is up to date: who reads right after a push sees the push, whether or not the job has run. */
export async function findRepoWithCard(hub: Hub, repoId: string): Promise<RepoRow | null> {
  const repo = await findRepoById(hub.db, repoId)
  if (repo === null || repo.headCommit === null || repo.cardCommit === repo.headCommit) return repo
  await updateCardFromHead(hub, repoId)
  return await findRepoById(hub.db, repoId)
}

async function readIntoRow(hub: Hub, repoId: string): Promise<void> {
  const repo = await findRepoById(hub.db, repoId)
  if (repo === null || repo.headCommit === null) return
  const { headCommit } = repo
  const files = await rootFiles(hub, repoId, headCommit)
  const readme = await textOf(hub, repoId, files.get('README.md'))
  const reading = await readCard(readme)
  const data: CardData = reading.kind === 'card' ? reading.data : {}
  const config = repo.kind === 'model' ? await configOf(hub, repoId, files.get('config.json')) : null
  const facts = cardFacts(data, {
    kind: repo.kind,
    readme,
    files: [...files.keys()],
    modelType: config?.model_type ?? null,
  })
  const card = {
    cardData: reading.kind === 'card' ? JSON.stringify(data) : null,
    config: config === null ? null : JSON.stringify(config),
    tags: JSON.stringify(facts.tags),
    pipelineTag: facts.pipelineTag,
    libraryName: facts.libraryName,
    sdk: facts.sdk ?? repo.sdk,
    description: facts.description,
  }
  const kind: RepoKind = repo.kind
  await hub.transaction(async (tx) => {
    if (await updateCard(tx, { id: repoId, headCommit }, card)) await replaceTags(tx, { id: repoId, kind }, facts.tags)
  })
}

interface File {
  readonly oid: string
  readonly size: number
}

async function textOf(hub: Hub, repoId: string, file: File | undefined): Promise<string> {
  if (file === undefined || file.size > readmeLimit) return ''
  return (await readObject(hub.git, repoId, file.oid, readmeLimit))?.bytes.toString('utf8') ?? ''
}

const configShape = z.object({
  architectures: z.array(z.string().max(200)).max(20).optional(),
  model_type: z
    .string()
    .max(100)
    .regex(/^[\w.-]+$/)
    .optional(),
})
const configLimit = 262_144

/** What the Hub shows of config.json; null for one that is missing, large or not a model's. */
async function configOf(
  hub: Hub,
  repoId: string,
  file: File | undefined,
): Promise<z.output<typeof configShape> | null> {
  if (file === undefined || file.size > configLimit) return null
  const object = await readObject(hub.git, repoId, file.oid, configLimit)
  if (object === null) return null
  const parsed = configShape.safeParse(parsedJson(object.bytes.toString('utf8')))
  return parsed.success && Object.keys(parsed.data).length > 0 ? parsed.data : null
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Anybody may commit a file with this name; it is only looked at for what it may say.
    if (error instanceof SyntaxError) return null
    throw error
  }
}
