/**
 * Who downloaded what. A download only leaves a note in memory; the notes of a second are written together in the background, each record counted
 * up, so that no reader waits and a thousand ranges of one file are one row. docs/decisions/0016: what a crash loses, and what is left out.
 */
import { createHash } from 'node:crypto'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type Credential, type Principal, type RepoFacts } from '../../domain/facts.ts'
import { isOpenToAll } from '../../domain/gate.ts'
import { withoutTokens } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import type { DownloadRecordTable } from '../../platform/db/schema.ts'
import { auditDownload } from './audit-book.ts'
import { spendBytes } from './budget.ts'
import { Flusher } from './flusher.ts'
import { upsertRecords } from './queries.ts'
import { unsafeAmong } from './unsafe.ts'

export type DownloadWay = DownloadRecordTable['via']

export interface Download {
  /** As scans name it, or `gitFetch`. */
  readonly content: string
  readonly via: DownloadWay
  /** Where it was asked for by path. */
  readonly path?: string
  /** At which it was asked for, or what a fetch asked for. */
  readonly commits?: readonly string[]
  readonly bytes: number
}

interface Reader {
  readonly principal: Principal
  readonly credential: Credential | null
  readonly resource: RepoFacts
}

/** What a fetch by git stands for: all that its commits lead to. */
export const gitFetch = (repoId: string): string => `repo:${repoId}`

const flushMs = 1_000
/** Written at once when as many have gathered. */
const manyNotes = 1_000
/** While the database cannot be written. Beyond that, downloads are not recorded, and the log says how many. */
const mostNotes = 50_000
const mostCommits = 50
const mostUserAgent = 200
const mostPath = 1_000
const dayMs = 86_400_000

interface Note {
  readonly record: Omit<DownloadRecordTable, 'id' | 'key'>
  /** Of a public repo: kept only if the content turns out to be known as unsafe. */
  readonly onlyIfUnsafe: boolean
}

/** Returns at once. Throws `token_bytes_used_up`: called before the first byte. */
export function noteDownload(hub: Hub, reader: Reader, origin: Origin, download: Download): void {
  spendBytes(hub, reader.credential, download.bytes)
  const { downloadRecords } = hub.config
  const record = describe(hub, reader, origin, download)
  auditDownload(hub, reader.resource, record)
  if (downloadRecords === 'off') return
  const onlyIfUnsafe = downloadRecords === 'restricted' && isOpenToAll(reader.resource)
  // Of what everybody may read, nothing is kept of those who did not say who they are.
  if (onlyIfUnsafe && reader.principal.kind === 'anonymous') return
  recorderOf(hub).note({ record, onlyIfUnsafe })
}

function describe(hub: Hub, reader: Reader, origin: Origin, download: Download): Note['record'] {
  const { principal, credential, resource } = reader
  const account = accountOf(principal)
  const now = hub.clock.now()
  return {
    content: download.content,
    repoId: resource.id,
    repoKind: resource.kind,
    repoName: `${resource.owner.name}/${resource.name}`,
    ownerId: resource.owner.id,
    path: download.path === undefined ? null : withoutTokens(download.path).slice(0, mostPath),
    commits: JSON.stringify((download.commits ?? []).slice(0, mostCommits)),
    via: download.via,
    actorKind: principal.kind,
    actorId: account?.id ?? null,
    // A service account under the name that people gave it (SA-8).
    actorName: account === null ? principal.kind : account.kind === 'service-account' ? account.fullname : account.name,
    credentialKind: credential?.kind ?? null,
    credentialId: credential?.id ?? null,
    credentialLast4: credential?.kind === 'token' ? credential.last4 : null,
    ip: origin.ip,
    userAgent: withoutTokens(origin.userAgent)?.slice(0, mostUserAgent) ?? null,
    requests: 1,
    bytes: download.bytes,
    firstAt: now,
    lastAt: now,
  }
}

/** What makes downloads one record. The address is part of it: whoever asks later often looks for a stolen token. */
function keyOf({ record }: Note): string {
  const day = Math.floor(record.firstAt / dayMs)
  const { content, repoId, via, actorKind, actorId, credentialId, ip } = record
  const commits = via === 'git' ? record.commits : ''
  return JSON.stringify([content, repoId, day, via, actorKind, actorId, credentialId, ip, commits])
}

export interface Recorder {
  note(note: Note): void
  /** Writes what is gathered; throws where it cannot be written, and keeps it. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const recorders = new WeakMap<Hub, Recorder>()

/** One for each open hub. */
export function recorderOf(hub: Hub): Recorder {
  const known = recorders.get(hub)
  if (known !== undefined) return known
  const recorder = new NoteBook(hub)
  recorders.set(hub, recorder)
  return recorder
}

class NoteBook implements Recorder {
  readonly #hub: Hub
  #notes = new Map<string, Note>()
  #lost = 0
  readonly #flusher: Flusher

  constructor(hub: Hub) {
    this.#hub = hub
    const tell = (error: unknown): void =>
      hub.log.error({ error, waiting: this.#notes.size }, 'Downloads could not be written down')
    this.#flusher = new Flusher(() => this.#write(), tell, flushMs)
  }

  note(note: Note): void {
    this.#gather(keyOf(note), note)
    this.#flusher.soon(this.#notes.size === manyNotes ? 0 : flushMs)
  }

  #gather(key: string, note: Note): void {
    const known = this.#notes.get(key)
    if (known === undefined) {
      if (this.#notes.size >= mostNotes) this.#lost++
      else this.#notes.set(key, note)
      return
    }
    this.#notes.set(key, { ...known, record: added(known.record, note.record) })
  }

  flush(): Promise<void> {
    return this.#flusher.now()
  }

  async #write(): Promise<void> {
    const notes = this.#notes
    if (notes.size === 0) return
    this.#notes = new Map()
    try {
      const records = await this.#kept([...notes])
      // In one order everywhere, so that two writers never wait for each other.
      const rows = records
        .map(([key, { record }]) => ({ ...record, id: this.#hub.clock.id(), key: hashOf(key) }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
      if (rows.length > 0) await this.#hub.transaction((tx) => upsertRecords(tx, rows))
    } catch (error) {
      const since = this.#notes
      this.#notes = notes
      for (const [key, note] of since) this.#gather(key, note)
      throw error
    }
    if (this.#lost === 0) return
    this.#hub.log.error(
      { lost: this.#lost },
      'Downloads were not recorded: the database could not be written for too long',
    )
    this.#lost = 0
  }

  /** Of public repos, what is known to be unsafe at this moment. */
  async #kept(notes: readonly (readonly [string, Note])[]): Promise<(readonly [string, Note])[]> {
    const doubtful = notes.filter(([, note]) => note.onlyIfUnsafe).map(([, { record }]) => record)
    if (doubtful.length === 0) return [...notes]
    const unsafe = await unsafeAmong(this.#hub.db, doubtful)
    return notes.filter(([, { record, onlyIfUnsafe }]) => !onlyIfUnsafe || unsafe.has(record.content))
  }

  async stop(): Promise<void> {
    // What else has to be ended is ended: the notes are lost, and that is said.
    await this.#flusher.stop().catch((error: unknown) => {
      this.#hub.log.error({ error, lost: this.#notes.size }, 'Downloads of the last moments could not be written down')
    })
  }
}

function added(one: Note['record'], next: Note['record']): Note['record'] {
  return {
    ...one,
    requests: one.requests + next.requests,
    bytes: one.bytes + next.bytes,
    lastAt: Math.max(one.lastAt, next.lastAt),
    userAgent: next.userAgent,
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 40)
}
