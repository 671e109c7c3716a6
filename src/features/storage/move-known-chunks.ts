/**
 * Which chunks of a file lie already in xorbs that its dedup scope claims. As clients do: a chunk that global dedup knows leads to its xorb
 * and to those around it, and the chunks that follow are then looked for in these. What is found is kept for 28 days from then on.
 */
import type { Hub } from '../../hub.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { ChunkIndex } from '../../platform/xet/chunk-index.ts'
import { hashToString } from '../../platform/xet/hash.ts'
import type { CutChunk, KnownChunk } from '../../platform/xet/xet-workers.ts'
import { selectDamagedXorbs, selectXorbsOfChunks } from './move-queries.ts'
import { selectStored } from './xorb-queries.ts'
import { findSiblingXorbs, holdXorbs } from './xorbs.ts'

/** Chunks that are remembered: some 15 MiB, and 4 GiB of a file at their usual length. */
const mostChunks = 1 << 16
const siblings = 8
/** Chunks of one batch that are followed. */
const mostFollowed = 4

export class KnownChunks {
  readonly #hub: Hub
  readonly #scope: string
  /** The chunks of each xorb; the one that was of use last stands last. */
  readonly #xorbs = new Map<string, readonly string[]>()
  readonly #places = new Map<string, KnownChunk>()
  #count = 0
  #last: KnownChunk | null = null

  constructor(hub: Hub, scope: string) {
    this.#hub = hub
    this.#scope = scope
  }

  /** As `CutterOptions.findKnown`. */
  async find(chunks: readonly CutChunk[]): Promise<(KnownChunk | null)[]> {
    const unknown = chunks.filter(({ hash }) => !this.#places.has(hash)).map(({ hash }) => hash)
    if (unknown.length > 0) await this.#follow(unknown)
    const found = chunks.map(({ hash }) => this.#look(hash))
    for (const xorb of new Set(found.map((place) => place?.xorb))) if (xorb !== undefined) this.#touch(xorb)
    return found
  }

  /** A xorb that the scope claims and that stays. */
  async add(xorb: string, index: ChunkIndex): Promise<void> {
    if (this.#xorbs.has(xorb)) return
    const giveTurn = turnGiver()
    const names: string[] = []
    for (let number = 0; number < index.count; number++) {
      const hash = hashToString(index.hashAt(number))
      names.push(hash)
      if (!this.#places.has(hash)) this.#places.set(hash, { xorb, index: number })
      await giveTurn()
    }
    this.#xorbs.set(xorb, names)
    this.#count += names.length
    while (this.#count > mostChunks && this.#xorbs.size > 1) this.#forgetOldest()
  }

  /** Preferably the chunk behind the last one: of bytes that occur often, that keeps terms long. */
  #look(hash: string): KnownChunk | null {
    const last = this.#last
    const follows = last !== null && this.#xorbs.get(last.xorb)?.[last.index + 1] === hash
    this.#last = follows ? { xorb: last.xorb, index: last.index + 1 } : (this.#places.get(hash) ?? null)
    return this.#last
  }

  async #follow(unknown: readonly string[]): Promise<void> {
    const hits = new Set((await selectXorbsOfChunks(this.#hub.db, this.#scope, unknown)).map((hit) => hit.chunkHash))
    let followed = 0
    for (const hash of unknown) {
      if (!hits.has(hash) || this.#places.has(hash) || followed === mostFollowed) continue
      followed++
      const around = await findSiblingXorbs(this.#hub.db, this.#scope, hash, siblings)
      const damaged = new Set(await selectDamagedXorbs(this.#hub.db, around))
      const sound = around.filter((xorb) => !this.#xorbs.has(xorb) && !damaged.has(xorb))
      // The nearest is added last, and forgotten last.
      for (const xorb of (await holdXorbs(this.#hub, sound)).reverse()) {
        const row = await selectStored(this.#hub.db, xorb)
        if (row !== null) await this.add(xorb, new ChunkIndex(row.chunkIndex))
      }
    }
  }

  #touch(xorb: string): void {
    const names = this.#xorbs.get(xorb)
    if (names === undefined) return
    this.#xorbs.delete(xorb)
    this.#xorbs.set(xorb, names)
  }

  #forgetOldest(): void {
    for (const [xorb, names] of this.#xorbs) {
      for (const name of names) if (this.#places.get(name)?.xorb === xorb) this.#places.delete(name)
      this.#xorbs.delete(xorb)
      this.#count -= names.length
      return
    }
  }
}
