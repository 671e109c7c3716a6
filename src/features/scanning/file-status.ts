/** What is known of files: for lists, pages and the API. Reading asks no scanner and waits for none. */
import { z } from 'zod'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { ContentScanTable, ScanResultTable } from '../../platform/db/schema.ts'
import { malwareLevel } from './conclude.ts'
import type { StoredFile } from './content.ts'
import type { FoundLevel, Level } from './levels.ts'
import { selectContents, selectResults } from './scan-queries.ts'
import { malwareScanners, type PickleImport, type ScannerName } from './scanner.ts'
import type { FoundSecret } from './secrets/find-secrets.ts'

export interface ScannerStatus {
  readonly status: Level
  readonly message: string | null
  readonly version: string | null
}

export interface FileStatus {
  /** The worst of all; `queued` also while it is being scanned. */
  readonly status: Level
  readonly isScanning: boolean
  /** The last scan did not end well; what an earlier one or another scanner found still stands. */
  readonly hasFailed: boolean
  /** Why there is no verdict yet, or none at all. */
  readonly reason: string | null
  /** By which scanners the verdict is; null where there is none. */
  readonly scanners: string | null
  readonly malware: ScannerStatus
  readonly pickle: ScannerStatus & { readonly imports: readonly PickleImport[] }
  readonly structure: ScannerStatus
  /** Apart from `status`: it says nothing of whoever loads the file. */
  readonly secrets: ScannerStatus & { readonly found: readonly FoundSecret[] }
}

const detailsShape = z.object({
  imports: z
    .array(z.object({ module: z.string(), name: z.string(), safety: z.enum(['innocuous', 'suspicious', 'dangerous']) }))
    .default([]),
  secrets: z.array(z.object({ kind: z.string(), line: z.number(), masked: z.string() })).default([]),
})

/** Of each file, by its git object id. */
export async function statusesOf(hub: Hub, files: readonly StoredFile[]): Promise<ReadonlyMap<string, FileStatus>> {
  const contents = [...new Set(files.map(contentOf))]
  const [rows, results] = await Promise.all([selectContents(hub.db, contents), selectResults(hub.db, contents)])
  const rowOf = new Map(rows.map((row) => [row.content, row]))
  const resultsOf = Map.groupBy(results, (result) => result.content)
  return new Map(
    files.map((file) => {
      const content = contentOf(file)
      return [file.oid, describe(rowOf.get(content) ?? null, resultsOf.get(content) ?? [])]
    }),
  )
}

function describe(row: ContentScanTable | null, results: readonly ScanResultTable[]): FileStatus {
  const waiting = waitingLevel(row)
  const malware = results.filter(({ scanner }) => malwareScanners.some((name) => name === scanner))
  const pickle = results.find(({ scanner }) => scanner === 'pickle')
  const secrets = results.find(({ scanner }) => scanner === 'secrets')
  return {
    status: overall(row, waiting),
    isScanning: row?.state === 'scanning',
    hasFailed: row?.state === 'error',
    reason: row?.reason ?? null,
    scanners: row?.scanners ?? null,
    malware: joined(malware, malwareSoFar(row, malware), waiting),
    pickle: {
      ...single(results, 'pickle', waiting),
      imports: pickle === undefined ? [] : detailsShape.parse(JSON.parse(pickle.details)).imports,
    },
    structure: single(results, 'structure', waiting),
    secrets: {
      ...single(results, 'secrets', waiting),
      found: secrets === undefined ? [] : detailsShape.parse(JSON.parse(secrets.details)).secrets,
    },
  }
}

/** What stands for a verdict that is not there. */
function waitingLevel(row: ContentScanTable | null): Level {
  if (row === null) return 'unscanned'
  return row.state === 'error' ? 'error' : 'queued'
}

/** What an earlier scan found holds while a new one waits; that it found nothing does not hold for new signatures, but nor is it lost. */
function overall(row: ContentScanTable | null, waiting: Level): Level {
  if (row === null || row.level === 'unscanned') return waiting
  return row.level
}

/** While one scanner is still to speak, that the others found nothing is no verdict yet. */
function malwareSoFar(row: ContentScanTable | null, results: readonly ScanResultTable[]): FoundLevel | null {
  const level = malwareLevel(results)
  const isWhole = row !== null && row.scanners !== null
  return isWhole || level === 'unsafe' || level === 'suspicious' ? level : null
}

function single(results: readonly ScanResultTable[], scanner: ScannerName, waiting: Level): ScannerStatus {
  const result = results.find((one) => one.scanner === scanner)
  return result === undefined
    ? { status: waiting, message: null, version: null }
    : { status: result.level, message: result.message, version: `${scanner} ${result.version}` }
}

function joined(results: readonly ScanResultTable[], level: FoundLevel | null, waiting: Level): ScannerStatus {
  if (level === null) return { status: waiting, message: null, version: null }
  const said = results
    .filter((one) => one.level === level && one.message !== null)
    .map(({ scanner, message }) => `${scanner}: ${message}`)
  return {
    status: level,
    message: said.length === 0 ? null : said.join('; '),
    version: results.map(({ scanner, version }) => `${scanner} ${version}`).join(', '),
  }
}
