/** The pickle reader as a scanner: its verdict in the Hub's levels. */
import type { ByteSource } from './byte-source.ts'
import type { FoundLevel } from './levels.ts'
import type { JudgedImport } from './pickle/imports.ts'
import type { Verdict } from './pickle/verdict.ts'
import { type PickleScan, scanPickles } from './scan-pickles.ts'
import type { PickleImport, ScanReport } from './scanner.ts'

const levelOfVerdict: Readonly<Record<Verdict, FoundLevel>> = {
  innocuous: 'safe',
  suspicious: 'suspicious',
  dangerous: 'unsafe',
}
/** The worst come first; what is beyond counts in the level. */
const mostImports = 200

/** Throws where the scan itself failed, so that it is tried again. */
export async function reportPickles(source: ByteSource, signal: AbortSignal): Promise<ScanReport> {
  const scan = await scanPickles(source, { signal })
  if (scan.state === 'error') throw new Error(scan.reason ?? 'the pickle reader failed')
  const level = levelOfVerdict[scan.verdict]
  const imports = scan.imports.slice(0, mostImports).map(present)
  if (level === 'safe' && scan.state === 'partly')
    return { level: 'caution', message: `partly scanned: ${scan.reason}`, imports }
  return { level, message: messageOf(scan), imports }
}

function messageOf(scan: PickleScan): string | null {
  if (scan.verdict === 'innocuous') return scan.reason?.slice(0, 1_000) ?? null
  const [finding] = scan.findings.filter(({ verdict }) => verdict === scan.verdict)
  if (finding !== undefined) return finding.detail.slice(0, 1_000)
  const worst = scan.imports.filter(({ verdict }) => verdict === scan.verdict)
  if (worst.length > 0)
    return `imports ${worst
      .slice(0, 5)
      .map(({ module, name }) => `${module ?? '?'}.${name ?? '?'}`)
      .join(', ')}`.slice(0, 1_000)
  return scan.reason?.slice(0, 1_000) ?? null
}

function present({ module, name, verdict }: JudgedImport): PickleImport {
  return { module: (module ?? '?').slice(0, 500), name: (name ?? '?').slice(0, 500), safety: verdict }
}
