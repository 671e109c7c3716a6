/** How scanning does, for `holdfast doctor`: each scanner is asked for its version now, and the queue is looked at. Scans nothing. */
import type { Hub } from '../../hub.ts'
import { countFailed, selectWaiting } from './held-queries.ts'
import { signaturesOf } from './malware/clamd.ts'
import { ScannerDown } from './scanner.ts'
import { noYara, openScanners, type ScannerSet } from './scanners.ts'

export interface ScannerHealth {
  readonly name: string
  /** Null where it does not answer, or cannot work here. */
  readonly version: string | null
  /** Why not. */
  readonly reason: string | null
  /** Milliseconds: when the signatures that it came with or fetched were made; null where it does not say. */
  readonly signaturesAt: number | null
}

export interface ScanningHealth {
  readonly scanners: readonly ScannerHealth[]
  /** Contents that wait, as far as they are counted. */
  readonly waiting: number
  /** Since when one of them waits. */
  readonly waitingSince: number | null
  /** Contents that no scanner could read. */
  readonly failed: number
}

/** Counts go as far as this. */
export const mostCounted = 10_000

export async function glanceAtScanning(hub: Hub, set: ScannerSet = openScanners(hub.config)): Promise<ScanningHealth> {
  try {
    const scanners: ScannerHealth[] = []
    for (const { name, version } of set.scanners) scanners.push(await ask(set, name, version))
    return { scanners, ...(await glanceAtQueue(hub)) }
  } finally {
    await set.close()
  }
}

/** The queue alone: no scanner is asked. */
export async function glanceAtQueue(hub: Hub): Promise<Omit<ScanningHealth, 'scanners'>> {
  const [{ count, oldest }, failed] = await Promise.all([
    selectWaiting(hub.db, mostCounted),
    countFailed(hub.db, mostCounted),
  ])
  return { waiting: count, waitingSince: oldest, failed }
}

async function ask(set: ScannerSet, name: string, version: () => Promise<string>): Promise<ScannerHealth> {
  try {
    const said = await version()
    if (said === noYara) return { name, version: null, reason: await set.missing(), signaturesAt: null }
    return { name, version: said, reason: null, signaturesAt: name === 'clamav' ? signaturesOf(said) : null }
  } catch (error) {
    if (!(error instanceof ScannerDown)) throw error
    return { name, version: null, reason: error.message, signaturesAt: null }
  }
}
