/**
 * Long-lived git processes, one repository each, lent to one user at a time. Bounded in number: when full, the one
 * that was idle longest makes room; when all are busy, users wait in line for a limited time. A process whose user
 * failed in the middle of an exchange is never lent again.
 */
import { ByteReader } from './byte-reader.ts'
import { type GitChild, GitFailure } from './run.ts'

export interface PoolLimits {
  limit: number
  idleMs: number
  /** How long a user waits in line (ms). */
  waitMs?: number
}

/** What a user holds while it speaks with the process. */
export interface PooledProcess {
  readonly child: GitChild
  readonly reader: ByteReader
}

interface Member extends PooledProcess {
  readonly folder: string
  idleSince: number
  isBusy: boolean
  isRetired: boolean
}

export class ProcessPool {
  readonly #name: string
  readonly #start: (folder: string) => Promise<GitChild>
  readonly #limits: Required<PoolLimits>
  readonly #members = new Set<Member>()
  readonly #waiting: (() => void)[] = []
  /** Places of processes that are being started. */
  #starting = 0
  readonly #sweeper: NodeJS.Timeout
  #isClosed = false

  constructor(name: string, start: (folder: string) => Promise<GitChild>, limits: PoolLimits) {
    this.#name = name
    this.#start = start
    this.#limits = { waitMs: 30_000, ...limits }
    this.#sweeper = setInterval(() => this.#endIdle(), Math.max(50, Math.min(5_000, limits.idleMs)))
    this.#sweeper.unref()
  }

  /** How many processes stand, busy or idle. */
  get size(): number {
    return this.#members.size
  }

  /** Lends a process of this repository folder. When `work` throws, the process is ended: its stream may be in between. */
  async use<T>(folder: string, work: (process: PooledProcess) => Promise<T>): Promise<T> {
    const member = await this.#acquire(folder)
    try {
      const result = await work(member)
      if (member.isRetired) this.#end(member)
      return result
    } catch (error) {
      this.#end(member)
      throw error
    } finally {
      member.isBusy = false
      member.idleSince = Date.now()
      this.#waiting.shift()?.()
    }
  }

  /** Ends the processes of a repository (deleted, repacked): idle ones now, busy ones when their user is done. */
  retire(folder: string): void {
    for (const member of this.#members) {
      if (member.folder !== folder) continue
      member.isRetired = true
      if (!member.isBusy) this.#end(member)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    const members = [...this.#members]
    for (const member of members) this.#end(member)
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.allSettled(members.map((member) => member.child.ended))
  }

  async #acquire(folder: string): Promise<Member> {
    const deadline = Date.now() + this.#limits.waitMs
    for (;;) {
      if (this.#isClosed) throw new GitFailure('aborted', `the ${this.#name} processes are closed`)
      const idle = this.#findIdle(folder)
      if (idle) {
        idle.isBusy = true
        return idle
      }
      if (this.#makeRoom()) return await this.#startFor(folder)
      await this.#waitInLine(deadline)
    }
  }

  #findIdle(folder: string): Member | null {
    for (const member of this.#members)
      if (!member.isBusy && !member.isRetired && member.folder === folder) return member
    return null
  }

  /** False when all are busy. */
  #makeRoom(): boolean {
    if (this.#members.size + this.#starting < this.#limits.limit) return true
    let oldest: Member | null = null
    for (const member of this.#members) {
      if (!member.isBusy && (!oldest || member.idleSince < oldest.idleSince)) oldest = member
    }
    if (!oldest) return false
    this.#end(oldest)
    return true
  }

  /** A new process, busy from its first moment: its user waits for it. */
  async #startFor(folder: string): Promise<Member> {
    this.#starting++
    const child = await this.#start(folder)
      .catch((error: unknown) => {
        this.#waiting.shift()?.()
        throw error
      })
      .finally(() => {
        this.#starting--
      })
    const reader = new ByteReader(child.stdout)
    const member: Member = { child, reader, folder, idleSince: Date.now(), isBusy: true, isRetired: false }
    this.#members.add(member)
    const forget = () => {
      this.#members.delete(member)
      this.#waiting.shift()?.()
    }
    child.ended.then(forget, forget)
    if (this.#isClosed) {
      this.#end(member)
      throw new GitFailure('aborted', `the ${this.#name} processes are closed`)
    }
    return member
  }

  async #waitInLine(deadline: number): Promise<void> {
    const waitMs = deadline - Date.now()
    if (waitMs <= 0) throw new GitFailure('busy', `all ${this.#limits.limit} ${this.#name} processes are busy`)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        const place = this.#waiting.indexOf(wake)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve()
      }, waitMs)
      const wake = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.push(wake)
    })
  }

  #end(member: Member): void {
    this.#members.delete(member)
    member.child.stop(new GitFailure('aborted', `the ${this.#name} process is not needed any more`))
  }

  #endIdle(): void {
    const before = Date.now() - this.#limits.idleMs
    for (const member of this.#members) if (!member.isBusy && member.idleSince <= before) this.#end(member)
  }
}
