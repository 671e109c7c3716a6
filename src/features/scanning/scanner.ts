/**
 * A scanner: what it is called, in which version its rules are, and what it says of bytes. It gets them piece by piece and from any place, never
 * a path. It throws `ScannerDown` where it cannot be reached, whatever the bytes; any other error is a failure on these bytes.
 */
import type { ByteSource } from './byte-source.ts'
import type { FoundLevel } from './levels.ts'
import type { Verdict } from './pickle/verdict.ts'
import type { FoundSecret } from './secrets/find-secrets.ts'

export const scannerNames = ['pickle', 'yara', 'clamav', 'structure', 'secrets'] as const
export type ScannerName = (typeof scannerNames)[number]

/** Those whose `unsafe` means malware: `infected` on pages. */
export const malwareScanners: readonly ScannerName[] = ['yara', 'clamav']

/** Those that say something of whoever wrote a file, not of whoever loads it: no part of its level. */
export const separateScanners: readonly ScannerName[] = ['secrets']

export interface PickleImport {
  readonly module: string
  readonly name: string
  readonly safety: Verdict
}

/** What only an organization's own list can admit. */
export interface ImportSet {
  /** Module and name of each, once, sorted. */
  readonly imports: readonly (readonly [module: string, name: string])[]
  /** Why no list may admit it. */
  readonly barred: 'dangerous' | 'partly' | 'many' | null
}

export interface ScanReport {
  readonly level: FoundLevel
  /** What was found, or what was not read, in words for people; null where there is nothing to say. */
  readonly message: string | null
  readonly imports?: readonly PickleImport[]
  /** Null where all imports are innocuous, or there are none. */
  readonly importSet?: ImportSet | null
  readonly secrets?: readonly FoundSecret[]
  /** Where in the bytes something stands that has the form of a token of this hub. Not kept. */
  readonly tokenPlaces?: readonly number[]
}

export interface Scanner {
  readonly name: ScannerName
  /** Changes whenever it may say something else of the same bytes. Throws `ScannerDown`. */
  version(): Promise<string>
  scan(source: ByteSource, signal: AbortSignal): Promise<ScanReport>
}

/** Cannot be reached now: what waits for it stays in the queue. */
export class ScannerDown extends Error {}
