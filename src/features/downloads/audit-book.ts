/**
 * Reads that are proven (idea 10): each becomes a record of a chain of its own. A read leaves a note in memory and a line in the journal; the notes
 * of a second are sealed together, in one transaction with their records, so that nothing ever waits unsealed in the table. docs/audit.md says what
 * a crash loses. Ranges of one file by the same reader within that second are one record.
 */
import { rm } from 'node:fs/promises'
import { z } from 'zod'
import { systemOrigin } from '../../domain/event.ts'
import { isOpenToAll } from '../../domain/gate.ts'
import { isId } from '../../domain/ids.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { DownloadRecordTable, DownloadSealTable } from '../../platform/db/schema.ts'
import { isCheckpointDue, noHash, recordEvent } from '../audit/service.ts'
import {
  anchorAction,
  downloadCheckpointText,
  hashDownload,
  hashDownloadSeal,
  linesOf,
  recordsPerSeal,
  type UnsealedDownload,
} from './audit-format.ts'
import { Journal, listJournals, readJournal, setAside } from './audit-journal.ts'
import {
  type AuditScope,
  insertAuditedDownloads,
  insertDownloadCheckpoint,
  insertDownloadSeal,
  lockChain,
  readDownloadHead,
  selectAuditScopes,
  selectKnownIds,
} from './audit-queries.ts'
import { Flusher } from './flusher.ts'
import { unsafeAmong } from './unsafe.ts'

const flushMs = 1_000
const manyNotes = 1_000
/** While the database cannot be written. Beyond that they are in the journal alone, and a later start reads them from there. */
const mostNotes = 50_000
const mostLinesTold = 100

export interface AuditNote {
  readonly record: UnsealedDownload
  /** Everybody may read it: kept if the owner has all audited, or the content turns out to be held. */
  readonly isOpen: boolean
}

const word = z.string()
const number = z.number().int().nonnegative()
/** Of what a line of the journal says: what is not of it would stop the seal of all others. */
const noteShape = z.object({
  record: z.strictObject({
    id: word.refine(isId),
    ...{ content: word, repoId: word, repoKind: z.enum(['model', 'dataset', 'space']), repoName: word, ownerId: word },
    ...{ path: word.nullable(), commits: word, via: z.enum(['resolve', 'raw', 'page', 'lfs', 'xet', 'git']) },
    actorKind: z.enum(['user', 'service-account', 'organization', 'anonymous', 'system']),
    ...{ actorId: word.nullable(), actorName: word, credentialKind: z.enum(['session', 'token']).nullable() },
    ...{ credentialId: word.nullable(), credentialLast4: word.nullable(), ip: word.nullable() },
    ...{ userAgent: word.nullable(), requests: number, bytes: number, firstAt: number, lastAt: number },
  }),
  isOpen: z.boolean(),
}) satisfies z.ZodType<AuditNote>

const books = new WeakMap<Hub, AuditBook>()

/** One for each open hub. */
export function auditBookOf(hub: Hub): AuditBook {
  const known = books.get(hub)
  if (known !== undefined) return known
  const book = new AuditBook(hub)
  books.set(hub, book)
  return book
}

/** Returns at once. */
export function auditDownload(
  hub: Hub,
  resource: Parameters<typeof isOpenToAll>[0],
  record: Omit<DownloadRecordTable, 'id' | 'key'>,
): void {
  auditBookOf(hub).note({ record: { ...record, id: hub.clock.id() }, isOpen: isOpenToAll(resource) })
}

function keyOf({
  content,
  repoId,
  path,
  commits,
  via,
  actorKind,
  actorId,
  credentialId,
  ip,
  userAgent,
}: UnsealedDownload) {
  return JSON.stringify([content, repoId, path, commits, via, actorKind, actorId, credentialId, ip, userAgent])
}

export class AuditBook {
  readonly #hub: Hub
  #notes = new Map<string, AuditNote>()
  #journal: Journal
  #written: Journal[] = []
  #scopes = new Map<string, AuditScope>()
  readonly #flusher: Flusher
  #isJournalBroken = false
  #left = 0

  constructor(hub: Hub) {
    this.#hub = hub
    this.#journal = new Journal(hub.config.dataFolder, hub.clock.id())
    const tell = (error: unknown): void =>
      hub.log.error({ err: error, waiting: this.#notes.size }, 'Audited downloads could not be sealed; trying again')
    this.#flusher = new Flusher(() => this.#seal(), tell, flushMs)
  }

  note(note: AuditNote): void {
    const scope = this.#scopes.get(note.record.ownerId)
    if (scope === 'nothing') {
      // Decided anew with each flush: an administrator may just have changed it.
      this.#gather(note, false)
    } else this.#gather(note, !note.isOpen || scope === 'all')
    this.#flusher.soon(this.#notes.size >= manyNotes ? 0 : flushMs)
  }

  #gather(note: AuditNote, isJournalled: boolean): void {
    const key = keyOf(note.record)
    const known = this.#notes.get(key)
    if (known !== undefined) {
      const { requests, bytes, lastAt } = note.record
      const { record } = known
      const sum = { requests: record.requests + requests, bytes: record.bytes + bytes }
      this.#notes.set(key, { ...known, record: { ...record, ...sum, lastAt: Math.max(record.lastAt, lastAt) } })
      return
    }
    if (isJournalled) this.#write(note)
    if (this.#notes.size < mostNotes) this.#notes.set(key, note)
    else this.#left++
  }

  #write(note: AuditNote): void {
    try {
      this.#journal.add(note)
      this.#isJournalBroken = false
    } catch (error) {
      if (!this.#isJournalBroken) {
        this.#hub.log.error(
          { err: error },
          'The journal of audited downloads cannot be written: a crash would lose them',
        )
      }
      this.#isJournalBroken = true
    }
  }

  /** Seals what is gathered; throws where it cannot, and keeps it. */
  flush(): Promise<void> {
    return this.#flusher.now()
  }

  async #seal(): Promise<void> {
    if (this.#notes.size === 0) return
    const notes = this.#notes
    const waiting = [...this.#written, this.#journal]
    this.#notes = new Map()
    this.#written = waiting
    this.#journal.close()
    this.#journal = new Journal(this.#hub.config.dataFolder, this.#hub.clock.id())
    try {
      await sealNotes(this.#hub, await this.#kept([...notes.values()]))
    } catch (error) {
      const since = this.#notes
      this.#notes = notes
      for (const note of since.values()) this.#gather(note, false)
      throw error
    }
    this.#written = []
    if (this.#left > 0) {
      // The journal holds those that it was asked to hold, so it stays for the next start.
      this.#hub.log.error(
        { count: this.#left },
        'Audited downloads wait for the next start: the database was away too long',
      )
      this.#left = 0
      return
    }
    for (const journal of waiting) await journal.remove()
  }

  async #kept(notes: readonly AuditNote[]): Promise<UnsealedDownload[]> {
    const { db } = this.#hub
    this.#scopes = await selectAuditScopes(db, [...new Set(notes.map(({ record }) => record.ownerId))])
    // A person's own repos have no setting: what is not open to all is audited.
    const scopeOf = ({ record }: AuditNote): AuditScope => this.#scopes.get(record.ownerId) ?? 'restricted'
    const doubtful = notes.filter((note) => note.isOpen && scopeOf(note) === 'restricted').map(({ record }) => record)
    const held = await unsafeAmong(db, doubtful)
    return notes
      .filter((note) => {
        const scope = scopeOf(note)
        return scope === 'all' || (scope === 'restricted' && (!note.isOpen || held.has(note.record.content)))
      })
      .map(({ record }) => record)
  }

  /** What an earlier process noted and could not seal any more. A line that is no note costs itself alone: its file is kept aside. */
  async recover(): Promise<void> {
    for (const file of await listJournals(this.#hub.config.dataFolder)) {
      const unreadable: number[] = []
      let wrong = 0
      for await (const lines of readJournal(file, recordsPerSeal)) {
        const notes = lines.map(({ at, value }) => ({ at, ...noteShape.safeParse(value) }))
        for (const { at } of notes.filter(({ success }) => !success)) {
          wrong++
          if (unreadable.length < mostLinesTold) unreadable.push(at)
        }
        await sealNotes(this.#hub, await this.#kept(notes.flatMap(({ data }) => (data === undefined ? [] : [data]))))
      }
      if (wrong === 0) {
        await rm(file, { force: true })
        continue
      }
      this.#hub.log.error(
        { file: await setAside(file), lines: unreadable, unreadable: wrong },
        'Lines of the journal of audited downloads cannot be read; the others are sealed, and the file is kept aside',
      )
    }
  }

  async stop(): Promise<void> {
    await this.#flusher.stop().catch((error: unknown) => {
      this.#hub.log.error(
        { err: error },
        'Audited downloads of the last moments wait in the journal for the next start',
      )
    })
    await signDownloads(this.#hub).catch((error: unknown) => {
      this.#hub.log.error({ err: error }, 'The chain of audited downloads could not be signed')
    })
  }
}

async function sealNotes(hub: Hub, records: readonly UnsealedDownload[]): Promise<void> {
  for (let at = 0; at < records.length; at += recordsPerSeal) {
    const some = records.slice(at, at + recordsPerSeal)
    await hub.transaction(async (tx) => {
      await lockChain(tx, hub.db.dialect)
      // A journal may be read again after its records were sealed.
      const known = await selectKnownIds(
        tx,
        some.map(({ id }) => id),
      )
      const fresh = some.filter(({ id }) => !known.has(id)).sort((a, b) => (a.id < b.id ? -1 : 1))
      if (fresh.length > 0) await sealIn(hub, tx, fresh)
    })
  }
}

async function sealIn(hub: Hub, tx: Tx, records: readonly UnsealedDownload[]): Promise<void> {
  const head = await readDownloadHead(tx)
  const hashed = records.map((record) => ({ ...record, hash: hashDownload(record) }))
  const base = {
    number: (head.seal?.number ?? 0) + 1,
    sealedAt: hub.clock.now(),
    total: (head.seal?.total ?? 0) + records.length,
    previous: head.seal?.hash ?? noHash,
  }
  const seal: DownloadSealTable = { ...base, hash: hashDownloadSeal(base, linesOf(hashed)), keptHashes: null }
  if (!(await insertDownloadSeal(tx, seal))) throw new Error(`Seal ${seal.number} of audited downloads was taken.`)
  await insertAuditedDownloads(
    tx,
    hashed.map((record) => ({ ...record, seal: seal.number })),
  )
  const unsigned = { count: (head.unsigned?.count ?? 0) + 1, firstAt: head.unsigned?.firstAt ?? seal.sealedAt }
  if (isCheckpointDue(unsigned, seal.sealedAt)) await signIn(hub, tx, seal)
}

/** Signs, and says so in the audit log: whoever cuts this chain must cut that one too, of which the data folder knows the end. */
async function signIn(hub: Hub, tx: Tx, { number, hash, total }: DownloadSealTable): Promise<void> {
  const [key] = hub.keys.signingKeys('audit-checkpoint')
  const facts = { number, hash, total, madeAt: hub.clock.now() }
  const signed = { ...facts, keyId: key.id, signature: key.sign(downloadCheckpointText(facts)) }
  if (!(await insertDownloadCheckpoint(tx, signed))) return
  await recordChainEvent(hub, tx, anchorAction, { number, hash, total })
}

export async function recordChainEvent(
  hub: Hub,
  tx: Tx,
  action: string,
  data: Readonly<Record<string, string | number>>,
): Promise<void> {
  const allowed = systemGrant('storage.scrub', { on: 'instance' }, 'audit of downloads')
  await recordEvent(hub, tx, allowed, systemOrigin, {
    action,
    resource: { kind: 'download-log', id: null, name: null },
    ownerId: null,
    data,
  })
}

/** A checkpoint of the last seal, unless it has one. */
export async function signDownloads(hub: Hub): Promise<void> {
  await hub.transaction(async (tx) => {
    await lockChain(tx, hub.db.dialect)
    const head = await readDownloadHead(tx)
    if (head.seal !== null && head.unsigned !== null) await signIn(hub, tx, head.seal)
  })
}

const signEveryMs = 60_000

/** Recovers what a crash left, and sees that what was sealed is signed within a minute also where no more downloads come. */
export function startDownloadAudit(hub: Hub): { stop(): Promise<void> } {
  const book = auditBookOf(hub)
  let current: Promise<void> = book.recover().catch((error: unknown) => {
    hub.log.error({ err: error }, 'Audited downloads of before the last stop could not be sealed')
  })
  const timer = setInterval(() => {
    current = current
      .then(() => signDownloads(hub))
      .catch((error: unknown) => hub.log.error({ err: error }, 'The chain of audited downloads could not be signed'))
  }, signEveryMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await current
      await book.stop()
    },
  }
}
