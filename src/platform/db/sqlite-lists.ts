/**
 * Lists, searches, counts and exports on SQLite: at most two reader workers, started when first needed and ended when
 * idle, so that a slow query never stops the event loop. A query beyond its time limit is given up: its caller gets a
 * timeout at once and its worker is replaced. SQLite has no interrupt from another thread, so the old thread may run
 * its query to the end; how many such threads may exist is bounded too.
 */
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import { DatabaseError } from './errors.ts'
import { SqliteWorkerLink } from './sqlite-worker-link.ts'
import { Turns } from './turns.ts'

const workersAtMost = 2
const abandonedAtMost = 2
const idleMs = 60_000
// A stream holds a worker and an old snapshot, so a client that does not read is let go.
const streamIdleMs = 30_000

export class SqliteLists {
  readonly #path: string
  readonly #limitMs: number
  readonly #turns: Turns
  // One worker is always left for lists while an export goes on.
  readonly #streamTurns: Turns
  readonly #idle: { readonly link: SqliteWorkerLink; readonly timer: NodeJS.Timeout }[] = []
  readonly #links = new Set<SqliteWorkerLink>()
  #abandoned = 0
  #isClosed = false

  constructor(path: string, limitMs: number) {
    this.#path = path
    this.#limitMs = limitMs
    this.#turns = new Turns(workersAtMost, limitMs)
    this.#streamTurns = new Turns(workersAtMost - 1, limitMs)
  }

  readonly connection: DatabaseConnection = {
    executeQuery: <R>(query: CompiledQuery) => this.#execute<R>(query),
    streamQuery: <R>(query: CompiledQuery, chunkSize: number) => this.#stream<R>(query, chunkSize),
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    for (const link of this.#links) {
      if (link.isBusy) link.abandon(new DatabaseError('unavailable', 'The database is closed.'))
    }
    await Promise.all([...this.#links].map((link) => link.end()))
  }

  async #execute<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    await this.#turns.take()
    let link: SqliteWorkerLink | null = null
    try {
      link = this.#takeLink()
      const { rows, changes } = await this.#limited(link, {
        kind: 'query',
        sql: query.sql,
        parameters: query.parameters,
      })
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      return { rows: rows as R[], ...(changes === null ? {} : { numAffectedRows: BigInt(changes) }) }
    } finally {
      if (link !== null) this.#giveLink(link)
      this.#turns.give()
    }
  }

  async *#stream<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    await this.#streamTurns.take()
    try {
      await this.#turns.take()
      let link: SqliteWorkerLink | null = null
      try {
        link = this.#takeLink()
        const worker = link
        await this.#limited(worker, { kind: 'open', sql: query.sql, parameters: query.parameters })
        while (true) {
          const { rows } = await this.#limited(worker, { kind: 'next', count: chunkSize })
          if (rows.length > 0) {
            const timer = setTimeout(() => this.#giveUp(worker, 'The reader of a list was too slow.'), streamIdleMs)
            try {
              yield { rows: rows as R[] }
            } finally {
              clearTimeout(timer)
            }
          }
          if (rows.length < chunkSize) return
        }
      } finally {
        if (link !== null) {
          if (link.isAlive) await this.#limited(link, { kind: 'shut' })
          this.#giveLink(link)
        }
        this.#turns.give()
      }
    } finally {
      this.#streamTurns.give()
    }
  }

  async #limited(link: SqliteWorkerLink, request: Parameters<SqliteWorkerLink['call']>[0]) {
    await link.started
    const timer = setTimeout(
      () => this.#giveUp(link, `A list query took longer than ${this.#limitMs} ms.`),
      this.#limitMs,
    )
    try {
      return await link.call(request)
    } finally {
      clearTimeout(timer)
    }
  }

  #giveUp(link: SqliteWorkerLink, message: string): void {
    if (!link.isAlive) return
    this.#abandoned++
    void link.ended.then(() => this.#abandoned--)
    link.abandon(new DatabaseError('timeout', message))
  }

  #takeLink(): SqliteWorkerLink {
    if (this.#isClosed) throw new DatabaseError('unavailable', 'The database is closed.')
    while (true) {
      const idle = this.#idle.pop()
      if (idle === undefined) break
      clearTimeout(idle.timer)
      if (idle.link.isAlive) return idle.link
    }
    if (this.#abandoned >= abandonedAtMost) {
      throw new DatabaseError('timeout', 'Earlier list queries took too long and still run. Try again in a moment.')
    }
    const link = new SqliteWorkerLink({ path: this.#path, role: 'lists' })
    this.#links.add(link)
    void link.ended.then(() => this.#links.delete(link))
    return link
  }

  #giveLink(link: SqliteWorkerLink): void {
    if (!link.isAlive) return
    if (this.#isClosed) {
      void link.end()
      return
    }
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((idle) => idle.link === link)
      if (index !== -1) this.#idle.splice(index, 1)
      void link.end()
    }, idleMs)
    timer.unref()
    this.#idle.push({ link, timer })
  }
}
