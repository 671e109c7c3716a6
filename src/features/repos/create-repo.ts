/**
 * Makes a repo, whole: git repository and first commit stand before the one row that makes it exist, so nobody ever sees half of one. What
 * a crash in between leaves is removed by a job that was written first.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type NamespaceFacts, type Principal, type RepoKind } from '../../domain/facts.ts'
import { nameKey, parseNewRepoName, repoAddress } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { moveRefs } from '../../platform/git/refs.ts'
import { createRepository, deleteRepository } from '../../platform/git/repository.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { stageCommit } from '../../platform/git/stage.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { keepWorkspace } from '../workspaces/service.ts'
import { cardFacts, readmeLimit } from './card.ts'
import { readCard } from './card-reader.ts'
import { checkCard } from './check-card.ts'
import { commitPerson } from './commit-person.ts'
import { signAsHub } from './hub-signature.ts'
import { type InitialFile, type InitialInput, initialFiles } from './initial-files.ts'
import {
  defaultVisibilityOf,
  deleteRedirect,
  findRepoById,
  findRepoId,
  insertRepo,
  ownerName,
  replaceTags,
} from './queries.ts'

export interface NewRepo extends Omit<InitialInput, 'title'> {
  readonly kind: RepoKind
  readonly name: string
  /** Absent: what the organization says; public in a user's own namespace. */
  readonly visibility?: 'public' | 'private' | 'protected' | undefined
}

export interface CreatedRepo {
  readonly id: string
  readonly kind: RepoKind
  /** `namespace/name` */
  readonly fullName: string
  readonly url: string
}

/** How long a birth may take before what it left counts as abandoned. */
const birthMs = 3_600_000

/**
 * In the workspace that was decided on, if one was (WS-9). Throws `email_not_verified`, `invalid_name`, `repo_exists` (with the address of the
 * one that is there), `invalid_metadata`, the faults of its files, and `workspace_not_found` where the workspace was deleted meanwhile.
 */
export async function createRepo(
  hub: Hub,
  allowed: Allowed<'repo.create'>,
  origin: Origin,
  input: NewRepo,
): Promise<CreatedRepo> {
  const { kind } = input
  const owner = allowed.resource
  const name = parseNewRepoName(input.name)
  refuseMisfit(input)
  if (allowed.principal.kind === 'user') await requireVerifiedEmail(hub, allowed.principal.id)
  const there = await findRepoId(hub.db.read, { ownerId: owner.id, kind, nameKey: nameKey(name) })
  if (there !== null) {
    throw repoExists(hub, kind, (await findRepoById(hub.db, there))?.fullName ?? `${owner.name}/${name}`)
  }
  const files = initialFiles(kind, { ...input, title: name }, { regular: hub.config.maxRegularFile })
  const card = await firstCard(kind, files)
  const visibility =
    input.visibility ?? (owner.kind === 'organization' ? await defaultVisibilityOf(hub.db, owner.id) : 'public')
  const id = hub.clock.id()
  await hub.transaction((tx) => enqueue(tx, 'collect-repo', { repo: id }, { runAt: hub.clock.now() + birthMs }))
  try {
    const headCommit = await firstCommit(hub, id, allowed.principal, files)
    const born = await hub.transaction((tx) =>
      announce(hub, tx, allowed, origin, { id, kind, name, owner, visibility, headCommit, card }),
    )
    return { id, kind, fullName: born, url: repoUrl(hub, kind, born) }
  } catch (error) {
    await deleteRepository(hub.git, id).catch((fault: unknown) =>
      hub.log.warn({ err: fault, repo: id }, 'A repo that was not born is removed later'),
    )
    throw error
  }
}

interface Birth {
  readonly id: string
  readonly kind: RepoKind
  readonly name: string
  readonly owner: NamespaceFacts
  readonly visibility: 'public' | 'private' | 'protected'
  readonly headCommit: string
  readonly card: FirstCard
}

/** The moment from which it exists. */
async function announce(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'repo.create'>,
  origin: Origin,
  birth: Birth,
): Promise<string> {
  const { id, kind, name, visibility, card } = birth
  const now = hub.clock.now()
  const owner = await ownerName(tx, hub.db.dialect, birth.owner.id)
  if (owner === null) throw createForbidden(kind, birth.owner.name)
  const fullName = `${owner}/${name}`
  const { workspace } = birth.owner
  if (workspace !== null) await keepWorkspace(hub, tx, { id: workspace.id, organizationId: birth.owner.id })
  const isNew = await insertRepo(tx, {
    id,
    kind,
    ownerId: birth.owner.id,
    name,
    nameKey: nameKey(name),
    fullName,
    fullNameKey: nameKey(fullName),
    visibility,
    creatorId: accountOf(allowed.principal)?.id ?? birth.owner.id,
    workspaceId: workspace?.id ?? null,
    description: card.description,
    disabledAt: null,
    headCommit: birth.headCommit,
    cardCommit: birth.headCommit,
    cardData: card.cardData,
    config: null,
    tags: JSON.stringify(card.tags),
    pipelineTag: card.pipelineTag,
    libraryName: card.libraryName,
    sdk: card.sdk,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  })
  if (!isNew) throw repoExists(hub, kind, fullName)
  await deleteRedirect(tx, { ownerId: birth.owner.id, kind, nameKey: nameKey(name) })
  await replaceTags(tx, { id, kind }, card.tags)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind, id, name: fullName },
    ownerId: birth.owner.id,
    data: { visibility, ...(workspace === null ? {} : { workspace: workspace.name, workspaceId: workspace.id }) },
  })
  return fullName
}

async function firstCommit(hub: Hub, id: string, principal: Principal, files: readonly InitialFile[]): Promise<string> {
  await createRepository(hub.git, id)
  const stage = await stageCommit(hub.git, id, null)
  try {
    for (const file of files) await stage.putBytes(file.path, file.bytes)
    const person = commitPerson(hub, principal)
    const { commit } = await stage.finish({
      author: person,
      committer: person,
      message: 'initial commit',
      sign: signAsHub(hub),
    })
    await stage.publish()
    const moved = await moveRefs(hub.git, id, [{ ref: 'refs/heads/main', oldOid: zeroOid, newOid: commit }])
    if (!moved.ok) throw new Error(`A new repo already had a branch: ${moved.message}`)
    return commit
  } catch (error) {
    await stage.discard()
    throw error
  }
}

interface FirstCard extends ReturnType<typeof cardFacts> {
  readonly cardData: string | null
}

async function firstCard(kind: RepoKind, files: readonly InitialFile[]): Promise<FirstCard> {
  const readme =
    files
      .find((file) => file.path === 'README.md')
      ?.bytes.subarray(0, readmeLimit)
      .toString('utf8') ?? ''
  if (readme !== '') {
    const { errors } = await checkCard(readme, kind)
    if (errors.length > 0) throw invalidMetadata(errors)
  }
  const reading = await readCard(readme)
  const data = reading.kind === 'card' ? reading.data : {}
  const names = files.map((file) => file.path).filter((path) => !path.includes('/'))
  const facts = cardFacts(data, { kind, readme, files: names, modelType: null })
  return { ...facts, cardData: reading.kind === 'card' ? JSON.stringify(data) : null }
}

/** 400 with the list that the Python client shows. */
export function invalidMetadata(errors: readonly string[]): HoldfastError {
  const body = { errors: errors.map((message) => ({ message })) }
  return new HoldfastError('invalid_metadata', { reason: errors.join('; ') }, { body })
}

function refuseMisfit(input: NewRepo): void {
  if (input.kind === 'space' && input.sdk === undefined) {
    throw new HoldfastError('bad_request', {
      reason: 'A space needs "sdk": one of gradio, streamlit, docker and static.',
    })
  }
  if (input.visibility === 'protected' && input.kind !== 'space') {
    throw new HoldfastError('bad_request', {
      reason: 'Only a space can be protected. Choose "public" or "private".',
    })
  }
}

export function repoUrl(hub: Hub, kind: RepoKind, fullName: string): string {
  const [namespace = '', name = ''] = fullName.split('/')
  return `${hub.config.publicUrl}/${repoAddress(kind, namespace, name)}`
}

/** 409 with the address of the one that is there, which `exist_ok` reads. */
export function repoExists(hub: Hub, kind: RepoKind, fullName: string): HoldfastError {
  return new HoldfastError('repo_exists', { kind }, { body: { url: repoUrl(hub, kind, fullName), name: fullName } })
}

export function createForbidden(kind: RepoKind, namespace: string): HoldfastError {
  return new HoldfastError('create_forbidden', { kind, namespace })
}
