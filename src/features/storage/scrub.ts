/**
 * Checks of everything that is stored, in rounds: the space of hashes is walked in 4,096 parts of nearly equal weight, each with its objects,
 * its xorbs, and the bytes that no row names. Where a round stands is kept every few seconds, so it goes on where it was interrupted.
 */
import { z } from 'zod'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { checkObject, checkXorb, makePace, type Pace } from './scrub-bytes.ts'
import {
  dropFindings,
  type HashRange,
  hasFindings,
  noteFinding,
  readScrubState,
  selectFindings,
  selectKnown,
  selectObjects,
  selectReposWithObject,
  selectReposWithXorb,
  selectXorbs,
  writeScrubState,
} from './scrub-queries.ts'

export const partCount = 4_096
const day = 24 * 3_600_000
const pageSize = 500
const mostRepos = 20
const saveEveryMs = 5_000
const mostAtOnce = 256

const stateShape = z.object({ startedAt: z.number(), part: z.number().int().min(0) })
type Round = z.output<typeof stateShape>

export interface ScrubReport {
  objects: number
  xorbs: number
  bytes: number
  strays: number
  readonly damaged: Damage[]
  /** Of 4,096, in this round. */
  parts: number
}

export interface Damage {
  readonly kind: 'object' | 'xorb'
  readonly hash: string
  readonly size: number
  readonly reason: string
  /** Kinds and names of repos that need it, the first 20. */
  readonly repos: readonly string[]
}

export interface ScrubOptions {
  /** Under which name the round is kept. */
  readonly round: string
  /** Goes on with a round that was begun; else a new one begins. */
  readonly isResumed: boolean
  /** How many parts of the round shall be done by the time this returns, given when it began. */
  readonly until: (startedAt: number) => number
  readonly bytesPerSecond: number
  /** Ends early, between two parts, after so long. */
  readonly timeLimitMs?: number
  readonly signal?: AbortSignal
  readonly onPart?: (report: ScrubReport) => void
}

/** Rejects where the blob store cannot be reached, and when the signal fires; the round goes on from there. */
export async function scrub(
  hub: Hub,
  options: ScrubOptions,
): Promise<ScrubReport & { readonly isRoundOver: boolean; readonly isCutShort: boolean }> {
  const endAt = performance.now() + (options.timeLimitMs ?? Number.POSITIVE_INFINITY)
  const round = await beginRound(hub, options)
  const pace = makePace(options.bytesPerSecond, options.signal)
  const report: ScrubReport = { objects: 0, xorbs: 0, bytes: 0, strays: 0, damaged: [], parts: round.part }
  const target = Math.min(partCount, options.until(round.startedAt))
  let width = 1
  let savedAt = performance.now()
  let saved = report.parts
  const save = async (): Promise<void> => {
    if (report.parts === saved) return
    const value = JSON.stringify({ startedAt: round.startedAt, part: report.parts })
    await hub.transaction((tx) => writeScrubState(tx, options.round, value))
    savedAt = performance.now()
    saved = report.parts
  }
  try {
    while (report.parts < target && performance.now() < endAt) {
      options.signal?.throwIfAborted()
      const next = Math.min(target, report.parts + width)
      const checked = report.objects + report.xorbs
      await scrubRange(hub, { from: prefixOf(report.parts), to: prefixOf(next) }, pace, report)
      report.parts = next
      // Where little lies, many parts are taken at once.
      width = report.objects + report.xorbs - checked > pageSize ? 1 : Math.min(2 * width, mostAtOnce)
      if (performance.now() - savedAt > saveEveryMs) await save()
      options.onPart?.(report)
    }
  } finally {
    await save()
  }
  return { ...report, isRoundOver: report.parts >= partCount, isCutShort: report.parts < target }
}

async function beginRound(hub: Hub, { round, isResumed, until }: ScrubOptions): Promise<Round> {
  const fresh = { startedAt: hub.clock.now(), part: 0 }
  if (!isResumed) return fresh
  const text = await readScrubState(hub.db, round)
  if (text === null) return fresh
  const state = stateShape.parse(JSON.parse(text))
  // A round that is over begins anew when its time is over too.
  if (state.part < partCount) return state
  return until(state.startedAt) > partCount ? fresh : state
}

/** How far the regular round shall be: a day ahead of an even pace. More than all: a new round may begin. */
export function dueParts(now: number, startedAt: number, days: number): number {
  return Math.ceil(((now - startedAt + day) / (days * day)) * partCount)
}

/** The first hash of a part begins with this; after the last one comes what no hash begins with. */
function prefixOf(part: number): string {
  return part >= partCount ? 'g' : part.toString(16).padStart(3, '0')
}

async function scrubRange(hub: Hub, range: HashRange, pace: Pace, report: ScrubReport): Promise<void> {
  for (const kind of ['object', 'xorb'] as const) {
    const startedAt = hub.clock.now()
    const select = kind === 'object' ? selectObjects : selectXorbs
    const check = kind === 'object' ? checkObject : checkXorb
    for (let after = ''; ; ) {
      const rows = await select(hub.db, range, after, pageSize)
      for (const row of rows) {
        const reason = await check(hub, row, pace)
        report[kind === 'object' ? 'objects' : 'xorbs']++
        report.bytes += row.size
        if (reason !== null) report.damaged.push(await noteDamage(hub, kind, row, reason))
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageSize) break
      after = last.hash
    }
    report.strays += await noteStrays(hub, kind, range)
    if (await hasFindings(hub.db, kind, range)) {
      await hub.transaction((tx) => dropFindings(tx, kind, range, startedAt))
    }
  }
}

async function noteDamage(
  hub: Hub,
  kind: 'object' | 'xorb',
  { hash, size }: { readonly hash: string; readonly size: number },
  reason: string,
): Promise<Damage> {
  const repos = await (kind === 'object' ? selectReposWithObject : selectReposWithXorb)(hub.db, hash, mostRepos)
  const damage: Damage = { kind, hash, size, reason, repos }
  hub.log.error(damage, 'Stored bytes are damaged')
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    const isNew = await noteFinding(tx, { kind, hash, size, reason, fault: 'damaged', foundAt: now, checkedAt: now })
    if (!isNew) return
    await recordEvent(
      hub,
      tx,
      systemGrant('storage.scrub', { on: 'instance' }, 'check of stored bytes'),
      systemOrigin,
      {
        action: 'storage.damaged',
        resource: { kind, id: hash, name: null },
        ownerId: null,
        data: { size, reason, repos: [...repos] },
      },
    )
  })
  return damage
}

/** Bytes in this range of the blob store that no row names. A row comes before its bytes, so none of them is under way. */
async function noteStrays(hub: Hub, kind: 'object' | 'xorb', { from, to }: HashRange): Promise<number> {
  let count = 0
  // Right before the first hash of the range.
  let after: string | null =
    from === '000' ? null : (Number.parseInt(from, 16) - 1).toString(16).padStart(3, '0').padEnd(64, 'f')
  for (;;) {
    const listed = await hub.blobs.list(kind, after, pageSize)
    const inside = listed.filter(({ hash }) => hash < to)
    const known =
      inside.length === 0
        ? new Set<string>()
        : await selectKnown(
            hub.db,
            kind,
            inside.map(({ hash }) => hash),
          )
    for (const { hash, size } of inside.filter((blob) => !known.has(blob.hash))) {
      // Collected since it was listed, most likely.
      if ((await hub.blobs.findSize({ kind, hash })) === null) continue
      const now = hub.clock.now()
      const reason = 'No row names it.'
      await hub.transaction((tx) =>
        noteFinding(tx, { kind, hash, size, reason, fault: 'stray', foundAt: now, checkedAt: now }),
      )
      count++
    }
    const last = listed.at(-1)
    if (last === undefined || listed.length < pageSize || inside.length < listed.length) return count
    after = last.hash
  }
}

/** What checks found damaged and did not find mended since, last found first. */
export async function listDamage(
  hub: Hub,
  limit: number,
): Promise<{ kind: 'object' | 'xorb'; hash: string; size: number; reason: string; foundAt: number }[]> {
  return await selectFindings(hub.db, 'damaged', limit)
}
