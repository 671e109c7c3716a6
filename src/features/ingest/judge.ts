/** The one judge: runs every check over what streams by, and keeps the first faults. */
import type { HoldfastError } from '../../domain/errors.ts'
import { type LfsPointer, lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import type { ObjectType } from '../../platform/git/objects.ts'
import { findPaths } from '../../platform/git/reachable.ts'
import type { Push } from '../../platform/git/receive-pack.ts'
import type { RefMove } from '../../platform/git/refs.ts'
import { isOid, zeroOid } from '../../platform/git/safe-names.ts'
import { visitEntries } from '../../platform/git/tree.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { type Fault, makeChecks } from './checks.ts'
import type { ContentWatch } from './gate.ts'
import type { Place } from './places.ts'
import { type FoundToken, TokenFinder } from './token-finder.ts'

const faultLimit = 20
/** Larger contents of pushes are not read for secrets: scanners read them afterwards. */
export const readLimit = 1024 * 1024
const treeLimit = 64 * 1024 * 1024

export class Judgement {
  readonly #largeFiles = new Map<string, { size: number; place: string }>()
  readonly tokens: TokenFinder
  readonly #checks
  readonly #faults: Fault[] = []

  constructor(hub: Hub, repoId: string) {
    this.tokens = new TokenFinder(hub.keys)
    this.#checks = makeChecks({ hub, repoId, largeFiles: this.#largeFiles })
  }

  /** True once so much is wrong that more would not help. */
  get isHopeless(): boolean {
    return this.#faults.length >= faultLimit
  }

  /** SHA-256 of every large file that the change names. */
  get largeFiles(): string[] {
    return [...this.#largeFiles.keys()]
  }

  move(move: RefMove): void {
    for (const check of this.#checks) this.#note(check.move?.(move))
  }

  entry(name: string, mode: string): void {
    for (const check of this.#checks) this.#note(check.entry?.(name, mode))
  }

  blob(place: string, size: number): void {
    for (const check of this.#checks) this.#note(check.blob?.(place, size))
  }

  pointer(place: string, pointer: LfsPointer): void {
    for (const check of this.#checks) this.#note(check.pointer?.(place, pointer))
  }

  /** The faults so far, without what only the end can tell. */
  get faultsSoFar(): readonly Fault[] {
    return this.#faults
  }

  /** All faults. */
  async conclude(): Promise<readonly Fault[]> {
    if (this.#faults.length > 0) return this.#faults
    for (const check of this.#checks) for (const fault of (await check.conclude?.()) ?? []) this.#note(fault)
    return this.#faults
  }

  #note(fault: Fault | null | undefined): void {
    if (fault && this.#faults.length < faultLimit) this.#faults.push(fault)
  }
}

/** Judges a push by what lies in its quarantine. */
export async function judgePush(
  hub: Hub,
  repoId: string,
  push: Push,
  watch: ContentWatch | null,
): Promise<{ errors: HoldfastError[]; largeFiles: string[]; tokens: readonly FoundToken[] }> {
  const judgement = new Judgement(hub, repoId)
  for (const move of push.moves) judgement.move(move)
  if (judgement.faultsSoFar.length === 0) await judgeObjects(judgement, push, watch)
  const errors = await inWords(hub, repoId, push, await judgement.conclude())
  return { errors, largeFiles: judgement.largeFiles, tokens: judgement.tokens.found }
}

/**
 * Every new tree is read for its names, every small blob for being a pointer, and all but large blobs, with commits and tags, for secrets that
 * do not belong there. Large ones are judged by their size alone.
 */
async function judgeObjects(judgement: Judgement, push: Push, watch: ContentWatch | null): Promise<void> {
  // A history repeats its names in every tree; each is judged once, as far as memory allows.
  const good = new Set<string>()
  const giveTurn = turnGiver()
  for await (const batch of push.quarantine.objects(isRead, treeLimit)) {
    for (const { type, oid, size, bytes } of batch) {
      if (type === 'blob') judgement.blob(oid, size)
      if (bytes === null) continue
      if (type === 'tree') judgeTree(judgement, bytes, good)
      else {
        const pointer = type === 'blob' && size < lfsPointerLimit ? parseLfsPointer(bytes) : null
        if (pointer) judgement.pointer(oid, pointer)
        else {
          const place: Place = type === 'blob' ? { kind: 'blob', oid } : { kind: 'message', of: type, oid }
          judgement.tokens.look(place, bytes)
          await watch?.look(place, bytes)
        }
      }
      await giveTurn()
    }
    if (judgement.isHopeless) return
  }
}

const isRead = (type: ObjectType, size: number): boolean => type === 'tree' || size < readLimit

function judgeTree(judgement: Judgement, tree: Buffer, good: Set<string>): void {
  visitEntries(tree, (entry) => {
    if (good.has(entry)) return
    const faults = judgement.faultsSoFar.length
    const space = entry.indexOf(' ')
    judgement.entry(
      Buffer.from(entry.slice(space + 1), 'latin1').toString('utf8'),
      entry.slice(0, space).padStart(6, '0'),
    )
    if (judgement.faultsSoFar.length === faults && good.size < 100_000) good.add(entry)
  })
}

/** Objects become paths only now, when there is something to say about them: looking for them walks the push. */
async function inWords(hub: Hub, repoId: string, push: Push, faults: readonly Fault[]): Promise<HoldfastError[]> {
  const wanted = new Set(faults.flatMap((fault) => fault.places).filter(isOid))
  const include = push.moves.map((move) => move.newOid).filter((oid) => oid !== zeroOid)
  const paths =
    wanted.size === 0
      ? new Map<string, string>()
      : await findPaths(hub.git, repoId, { include, exclude: [] }, wanted, push.quarantine.environment())
  return faults.map((fault) => fault.error(fault.places.map((place) => paths.get(place) || place)))
}
