/**
 * Finds the pickles in a stream of bytes and says what they import. Pickles have no header: the stream is read as an unpickler would, from its
 * first byte, one pickle after another. Where that is not (or no longer) possible, every place that begins like a pickle of protocol 2 to 5 is
 * tried, so that what stands behind a foreign header is found too.
 */
import { Buffer } from 'node:buffer'
import { Feed, type Rest, type Trace } from './feed.ts'
import type { FoundImport } from './import-table.ts'
import { isDangerousName, isPlainName } from './imports.ts'
import type { Machine } from './machine.ts'
import { argumentOf, op } from './opcodes.ts'
import type { Finding } from './structure.ts'

const mostTrials = 64
const mostImportsKept = 20_000
/** An unreadable byte within the first opcodes of what begins like a pickle means that it is none. */
const fewOpcodes = 4

export interface StreamReport {
  /** Pickles that were read to their end. */
  readonly pickles: number
  readonly imports: readonly FoundImport[]
  readonly findings: readonly Finding[]
  /** Python stops there; what was found before it counts. */
  readonly broken: { readonly reason: string; readonly at: number } | null
  /** Why not everything was read. */
  readonly partly: string | null
}

export class PickleReader {
  readonly #trace: Trace | null
  #at = 0
  #isStarted = false
  #feed: Feed | null = null
  /** Whether the feed in turn begins like a pickle of protocol 2 to 5; null while its first bytes are awaited. */
  #mark: Mark | null = null
  /** The first bytes of a feed that cannot be told yet. */
  #pending: Uint8Array = new Uint8Array(0)
  readonly #trials = new Set<Feed>()
  #searchedTo = 0
  #lastByte = -1
  #pickles = 0
  readonly #imports: FoundImport[] = []
  readonly #findings: Finding[] = []
  #broken: { reason: string; at: number } | null = null
  #partly: string | null = null

  constructor(trace: Trace | null = null) {
    this.#trace = trace
  }

  write(piece: Uint8Array): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#begin(0)
    }
    const base = this.#at
    this.#at += piece.length
    for (const trial of this.#trials) this.#runTrial(trial, piece, 0, base)
    const held = this.#pending
    if (held.length === 0) this.#read(piece, 0, base, false)
    else {
      this.#pending = new Uint8Array(0)
      this.#read(Buffer.concat([held, piece]), 0, base - held.length, false)
    }
  }

  end(): StreamReport {
    const held = this.#pending
    this.#pending = new Uint8Array(0)
    if (held.length > 0) this.#read(held, 0, this.#at - held.length, true)
    if (this.#feed !== null) this.#close(this.#feed, 'it ends in the middle')
    for (const trial of this.#trials) this.#judgeTrial(trial, false)
    this.#trials.clear()
    return {
      pickles: this.#pickles,
      // In which order machines that run side by side end depends on how the bytes came in.
      imports: this.#imports.sort(byPlace),
      findings: this.#findings,
      broken: this.#broken,
      partly: this.#partly,
    }
  }

  #begin(at: number): void {
    this.#mark = null
    this.#feed = new Feed(at, {
      trace: this.#trace,
      // Who loads the file by pickle in place of joblib runs the bytes of the array.
      onArray: (rest) => this.#addTrial(rest),
    })
  }

  /** The pickles one after another; the rest goes to the search. */
  #read(bytes: Uint8Array, from: number, base: number, isLast: boolean): void {
    let rest: Rest = { bytes, at: from, base }
    while (this.#feed !== null && rest.at < rest.bytes.length) {
      const feed = this.#feed
      if (this.#mark === null) {
        if (rest.bytes.length - rest.at < 3 && !isLast) {
          this.#pending = Uint8Array.from(rest.bytes.subarray(rest.at))
          return
        }
        this.#mark = markOf(rest.bytes, rest.at)
      }
      const next = feed.write(rest.bytes, rest.at, rest.base)
      if (this.#mark === 'none') {
        this.#search(rest, next === null ? rest.bytes.length : next.at + next.base - rest.base)
      }
      if (next === null) return
      rest = next
      if (feed.outer.status === 'stopped') {
        this.#accept(feed)
        this.#begin(rest.base + rest.at)
      } else this.#close(feed, feed.outer.state.broken?.reason ?? 'it cannot be read')
    }
    if (this.#feed === null) this.#search(rest, rest.bytes.length)
  }

  /** A pickle that reached its STOP. */
  #accept(feed: Feed): void {
    this.#pickles++
    const isTaken = this.#mark !== 'none' || feed.machines.some((machine) => isBelievable(machine))
    if (isTaken) this.#take(feed)
  }

  /** The stream cannot be read on. */
  #close(feed: Feed, reason: string): void {
    this.#feed = null
    const { outer } = feed
    if (this.#mark === null) return
    const isPickle =
      this.#mark === 'none'
        ? feed.machines.some((machine) => hasUsedImport(machine))
        : this.#mark === 'framed' || outer.count >= fewOpcodes || outer.state.imports.found.length > 0
    if (!isPickle) return
    const inner = feed.machines.at(-1) ?? outer
    inner.state.breakAt(reason)
    this.#take(feed)
    this.#broken ??= inner.state.broken ?? { reason, at: feed.start }
  }

  #take(feed: Feed): void {
    for (const { state } of feed.machines) {
      for (const found of state.imports.found) {
        if (state.imports.mayAllBeCalled) found.how = 'called'
        if (this.#imports.length < mostImportsKept) this.#imports.push(found)
        else this.#partly ??= 'it imports too much to be listed'
      }
      if (state.imports.isFull) this.#partly ??= 'it imports too much to be listed'
      this.#findings.push(...state.findings.values())
      this.#broken ??= state.broken
      this.#partly ??= state.partly
    }
  }

  /** Looks for the beginnings of pickles in `rest`, up to `end`. */
  #search(rest: Rest, end: number): void {
    const { bytes, base } = rest
    let at = Math.max(rest.at, this.#searchedTo - base)
    if (at >= end) return
    if (at + base !== this.#searchedTo) this.#lastByte = -1
    if (this.#lastByte === op.PROTO) this.#tryAt(bytes, at, base)
    while (at < end) {
      const found = bytes.indexOf(op.PROTO, at)
      if (found < 0 || found + 1 >= end) break
      this.#tryAt(bytes, found + 1, base)
      at = found + 1
    }
    this.#searchedTo = base + end
    this.#lastByte = bytes[end - 1] ?? -1
  }

  /** `at` is where the version stands. */
  #tryAt(bytes: Uint8Array, at: number, base: number): void {
    const version = bytes[at] ?? 0
    if (version < 2 || version > 5) return
    const next = bytes[at + 1]
    if (next !== undefined && argumentOf[next] === undefined) return
    const trial = new Feed(base + at - 1)
    this.#trials.add(trial)
    if (at > 0) this.#runTrial(trial, bytes, at - 1, base)
    else {
      trial.write(Uint8Array.of(op.PROTO), 0, base - 1)
      this.#runTrial(trial, bytes, 0, base)
    }
    this.#boundTrials()
  }

  #addTrial(rest: Rest): void {
    const trial = new Feed(rest.base + rest.at)
    this.#trials.add(trial)
    this.#runTrial(trial, rest.bytes, rest.at, rest.base)
    this.#boundTrials()
  }

  #boundTrials(): void {
    if (this.#trials.size <= mostTrials) return
    // Random bytes look like the beginning of something long more often than not: that one is given up.
    let longest: Feed | null = null
    for (const trial of this.#trials) if (longest === null || trial.awaited > longest.awaited) longest = trial
    if (longest !== null) this.#trials.delete(longest)
  }

  #runTrial(trial: Feed, bytes: Uint8Array, at: number, base: number): void {
    const rest = trial.write(bytes, at, base)
    if (rest === null) return
    this.#trials.delete(trial)
    this.#judgeTrial(trial, trial.outer.status === 'stopped')
  }

  #judgeTrial(trial: Feed, isWhole: boolean): void {
    const isPickle = trial.machines.some(
      (machine) => (isWhole && machine.state.broken === null && isBelievable(machine)) || hasDangerousImport(machine),
    )
    if (!isPickle) return
    if (isWhole) this.#pickles++
    for (const { state } of trial.machines) {
      this.#imports.push(...state.imports.found.filter(isPlain))
      this.#findings.push(...state.findings.values())
    }
  }
}

function isPlain(found: FoundImport): boolean {
  return found.module !== null && found.name !== null && isPlainName(found.module) && isPlainName(found.name)
}

function byPlace(one: FoundImport, other: FoundImport): number {
  const names = (found: FoundImport) => `${found.module ?? ''}\n${found.name ?? ''}`
  return (
    one.at - other.at ||
    Number(one.isAfterBreak) - Number(other.isAfterBreak) ||
    (names(one) < names(other) ? -1 : Number(names(one) > names(other)))
  )
}

/** What has no mark of a pickle is one when all that it imports could be names, or one is known to be dangerous. */
function isBelievable(machine: Machine): boolean {
  const { found } = machine.state.imports
  return (found.length > 0 && found.every(isPlain)) || hasDangerousImport(machine)
}

function hasDangerousImport(machine: Machine): boolean {
  return machine.state.imports.found.some(
    ({ module, name }) => module !== null && name !== null && isDangerousName(module, name),
  )
}

function hasUsedImport(machine: Machine): boolean {
  const { found } = machine.state.imports
  return hasDangerousImport(machine) || (found.some(({ how }) => how !== 'referenced') && found.every(isPlain))
}

/** How a pickle begins: not at all like one, with a version and an opcode, or with the frame that CPython writes from protocol 4 on. */
type Mark = 'none' | 'version' | 'framed'

function markOf(bytes: Uint8Array, at: number): Mark {
  const [version, next] = [bytes[at + 1], bytes[at + 2]]
  if (bytes[at] !== op.PROTO || version === undefined || version > 5) return 'none'
  if (version >= 4 && next === op.FRAME) return 'framed'
  return next !== undefined && argumentOf[next] !== undefined ? 'version' : 'none'
}
