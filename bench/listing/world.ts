/**
 * A hub of any size, the same each time: 60 % public models of many authors, 40 % private datasets in workspaces, and a member who sees 200
 * of those through 5 workspaces, another through 200. Common words are spread over all ages; one stands only among the oldest.
 */
import { idMaker } from '../../src/domain/ids.ts'

export interface World {
  readonly repos: number
  readonly workspaces: number
}

export const authorName = 'steady-author'
const authorRepos = 300
const perWorkspace = 40
const bases = ['bert', 'llama', 'qwen', 'mistral', 'gemma', 'whisper', 't5', 'vit', 'clip', 'roberta']
const sizes = ['tiny', 'small', 'base', 'large', 'xl']
const tasks = ['text-generation', 'fill-mask', 'text-classification', 'translation', 'summarization']
const licences = ['mit', 'apache-2.0', 'cc-by-4.0', 'other']
const firstAt = 1_600_000_000_000

export interface RepoSeed {
  readonly id: string
  readonly kind: 'model' | 'dataset'
  readonly ownerId: string
  readonly name: string
  readonly fullName: string
  readonly visibility: 'public' | 'private'
  readonly workspaceId: string | null
  readonly tags: readonly string[]
  readonly task: string | null
  readonly downloads: number
  readonly likes: number
  readonly createdAt: number
  readonly updatedAt: number
}

export function worldOf(repos: number): World {
  return { repos, workspaces: Math.max(200, Math.round(repos / 100)) }
}

export const organizationId = (number: number): string => `0a${number.toString(16).padStart(22, '0')}`
export const organizationOf = (workspace: number): number => Math.floor(workspace / 100)
export const workspaceId = (number: number): string => `0b${number.toString(16).padStart(22, '0')}`
export const userId = (number: number): string => `0c${number.toString(16).padStart(22, '0')}`
/** Sees 200 datasets, in 5 workspaces. */
export const memberId = userId(0)
/** Sees 200 workspaces with a few datasets each. */
export const manyPlacesId = userId(1)
export const authorId = userId(2)
export const usersOf = (world: World): number => 10 + Math.round(world.repos / 200)

export function* repoSeeds(world: World): Generator<RepoSeed> {
  const random = randomNumbers(42)
  let now = firstAt
  const nextId = idMaker({ now: () => now, randomBytes: (length) => Uint8Array.from({ length }, () => random() * 256) })
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const users = usersOf(world)
  const authorEvery = Math.floor((world.repos * 0.6) / authorRepos)
  let models = 0
  let datasets = 0
  for (let index = 0; index < world.repos; index++) {
    now += 1 + Math.floor(random() * 30_000)
    const id = nextId()
    const base = pick(bases)
    const relic = index < world.repos * 0.05 ? '-relic' : ''
    const name = `${base}-${pick(sizes)}${relic}-${index.toString(36)}`
    const isModel = index % 5 < 3
    const seed = {
      id,
      name,
      likes: Math.floor(random() ** 8 * 1000),
      createdAt: now,
      updatedAt: now + Math.floor(random() * 1e9),
      downloads: Math.floor(random() ** 6 * 1e6),
    }
    if (isModel) {
      const isAuthors = models++ % authorEvery === 0
      const owner = isAuthors ? 2 : 10 + Math.floor(random() * (users - 10))
      const task = pick(tasks)
      const ownerName = isAuthors ? authorName : `user-${owner}`
      const tags = [task, `license:${pick(licences)}`, 'region:us']
      const fullName = `${ownerName}/${name}`
      yield {
        ...seed,
        kind: 'model',
        ownerId: userId(owner),
        fullName,
        visibility: 'public',
        workspaceId: null,
        tags,
        task,
      }
      continue
    }
    const workspace = Math.floor(datasets++ / perWorkspace) % world.workspaces
    const organization = organizationOf(workspace)
    yield {
      ...seed,
      kind: 'dataset',
      ownerId: organizationId(organization),
      fullName: `org-${organization}/${name}`,
      visibility: 'private',
      workspaceId: workspaceId(workspace),
      tags: [`license:${pick(licences)}`, 'region:us'],
      task: null,
    }
  }
}

/** Workspaces that each of the two members is in. */
export function memberships(world: World): { userId: string; workspaceId: string }[] {
  const spread = (count: number, of: number) => Math.floor((count * world.workspaces) / of)
  const some = Array.from({ length: 5 }, (_, n) => ({
    userId: memberId,
    workspaceId: workspaceId(spread(n, 5) % filled(world)),
  }))
  const many = Array.from({ length: 200 }, (_, n) => ({
    userId: manyPlacesId,
    workspaceId: workspaceId(spread(n, 200)),
  }))
  return [...some, ...many]
}

/** Workspaces that have datasets. */
function filled(world: World): number {
  return Math.min(world.workspaces, Math.floor((world.repos * 0.4) / perWorkspace))
}

/** Mulberry32: small, seeded, good enough for test data. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}
