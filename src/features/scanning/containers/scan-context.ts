/** What one scan has gathered and may still use up, over all that lies in each other in one file. */
import type { StreamReport } from '../pickle/read-pickles.ts'
import { type Finding, type Structure, structures } from '../pickle/structure.ts'

export interface ScanLimits {
  /** How deep containers may lie in each other. */
  readonly depth: number
  /** All bytes that are unpacked, at least; and then so many times the file's own size. */
  readonly unpackedBytes: number
  readonly unpackedRatio: number
  readonly entries: number
  /** Nested archives that must be in memory to be read, all together. */
  readonly heldBytes: number
}

export const defaultLimits: ScanLimits = {
  depth: 6,
  unpackedBytes: 1 << 30,
  unpackedRatio: 100,
  entries: 200_000,
  heldBytes: 24 << 20,
}

/** Where a report comes from: the names of entries from the outermost to the innermost; empty for the file itself. */
export type Place = readonly string[]

/** A limit was reached: the rest of the file is not read. */
export class LimitReached extends Error {}

export class ScanContext {
  readonly reports: { readonly place: Place; readonly report: StreamReport }[] = []
  readonly findings: Finding[] = []
  /** Why not everything was read, and what Python could not read; the first of each. */
  partly: string | null = null
  broken: string | null = null
  readonly limits: ScanLimits
  readonly signal: AbortSignal
  readonly #fileSize: number
  #unpacked = 0
  #entries = 0
  #held = 0

  constructor(fileSize: number, limits: ScanLimits, signal: AbortSignal) {
    this.#fileSize = fileSize
    this.limits = limits
    this.signal = signal
  }

  sayPartly(place: Place, reason: string): void {
    this.partly ??= inPlace(place, reason)
  }

  sayBroken(place: Place, reason: string): void {
    this.broken ??= inPlace(place, reason)
  }

  find(place: Place, structure: Structure, detail: string, at: number): void {
    if (this.findings.length < 200) {
      this.findings.push({ structure, verdict: structures[structure].verdict, detail: inPlace(place, detail), at })
    }
  }

  countUnpacked(bytes: number): void {
    this.#unpacked += bytes
    const { unpackedBytes, unpackedRatio } = this.limits
    if (this.#unpacked > Math.max(unpackedBytes, unpackedRatio * this.#fileSize)) {
      throw new LimitReached(`it unpacks to more than ${unpackedRatio} times its size`)
    }
  }

  countEntry(): void {
    if (++this.#entries > this.limits.entries) throw new LimitReached(`it has more than ${this.limits.entries} entries`)
  }

  /** False when so much may not be held beside what is held already. */
  hold(bytes: number): boolean {
    if (this.#held + bytes > this.limits.heldBytes) return false
    this.#held += bytes
    return true
  }

  release(bytes: number): void {
    this.#held -= bytes
  }
}

function inPlace(place: Place, reason: string): string {
  return place.length === 0 ? reason : `${place.join(' » ')}: ${reason}`
}
