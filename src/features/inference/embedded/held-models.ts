/** Which models are in memory: as many as there is room for, the one that was not called for longest leaves first, when its last call has ended. */
import { HoldfastError } from '../../../domain/errors.ts'
import type { RepoEntry } from '../../files/service.ts'
import type { Head } from './job.ts'
import type { ModelPlan } from './model-files.ts'

/** A model, and where its files come from. */
export interface Source {
  readonly repoId: string
  readonly commit: string
  readonly head: Head
  /** `owner/name`. */
  readonly name: string
  plan(): Promise<ModelPlan>
  open(file: RepoEntry): Promise<AsyncIterable<Buffer>>
  /** Whether it may still be in memory. */
  isServed(): Promise<boolean>
}

export interface ModelState {
  readonly state: 'loading' | 'loaded' | 'failed'
  readonly commit: string
  readonly head: Head
  /** Laid out, of how many. */
  readonly bytes: number
  readonly of: number
  readonly memory: number
  readonly why: string | null
}

/** From its first call until it leaves. */
export class Held {
  readonly key: string
  readonly source: Source
  state: 'loading' | 'loaded' | 'failed' = 'loading'
  loading: Promise<void> = Promise.resolve()
  readonly startedAt = Date.now()
  bytes = 0
  of = 0
  memory = 0
  usedAt = Date.now()
  error: unknown = null
  /** Of one that failed: until when it is not tried again. */
  until = 0
  #users = 0
  readonly #idle: (() => void)[] = []

  constructor(key: string, source: Source) {
    this.key = key
    this.source = source
  }

  /** Calls that wait for it, or that it works on. */
  get users(): number {
    return this.#users
  }

  enter(): void {
    this.#users++
  }

  leave(): void {
    this.usedAt = Date.now()
    this.#users--
    if (this.#users === 0) for (const tell of this.#idle.splice(0)) tell()
  }

  /** Settles when nobody uses it. */
  async unused(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Seconds until it is loaded, as far as its files tell. */
  secondsLeft(): number {
    const gone = (Date.now() - this.startedAt) / 1_000
    const left = this.bytes === 0 ? gone + 5 : (gone * (this.of - this.bytes)) / this.bytes
    return Math.max(1, Math.min(600, Math.ceil(left + 1)))
  }

  present(): ModelState {
    const { state, bytes, of, memory, error, source } = this
    const why = error instanceof HoldfastError ? error.message : error instanceof Error ? error.message : null
    return { state, commit: source.commit, head: source.head, bytes, of, memory, why }
  }
}

export class HeldModels {
  readonly #most: number
  readonly #drop: (key: string) => void
  readonly #byKey = new Map<string, Held>()
  /** Still in memory, until their last call has ended; a new call loads them again. */
  readonly #leaving = new Map<Held, Promise<void>>()

  /** `drop`: takes one out of memory. */
  constructor(most: number, drop: (key: string) => void) {
    this.#most = most
    this.#drop = drop
  }

  get(key: string): Held | null {
    return this.#byKey.get(key) ?? null
  }

  add(held: Held): void {
    this.#byKey.set(held.key, held)
  }

  remove(held: Held): void {
    if (this.#byKey.get(held.key) === held) this.#byKey.delete(held.key)
  }

  all(): readonly Held[] {
    return [...this.#byKey.values()]
  }

  get memory(): number {
    return [...this.#byKey.values(), ...this.#leaving.keys()].reduce((sum, { memory }) => sum + memory, 0)
  }

  /** The process ended, and everything with it. Those that are being loaded learn it by themselves. */
  clear(error: Error): void {
    for (const held of [...this.all(), ...this.#leaving.keys()]) {
      if (held.state !== 'loaded') continue
      held.state = 'failed'
      held.error = error
      this.remove(held)
    }
    this.#leaving.clear()
  }

  /** Until there is room for so many bytes more. */
  async makeRoom(bytes: number, keep: Held): Promise<void> {
    while (this.memory + bytes > this.#most) {
      const [oldest] = this.all()
        .filter((held) => held.state === 'loaded' && held !== keep)
        .sort((a, b) => a.usedAt - b.usedAt)
      const gone = oldest === undefined ? [...this.#leaving.values()][0] : this.evict(oldest)
      if (gone === undefined) return
      await gone
    }
  }

  /** Takes it out when its last call has ended; from now on it is not called any more. */
  evict(held: Held): Promise<void> {
    this.remove(held)
    const gone = held.unused().then(() => {
      // The process may have ended meanwhile, and the model with it.
      if (this.#leaving.delete(held)) this.#drop(held.key)
    })
    this.#leaving.set(held, gone)
    return gone
  }
}
