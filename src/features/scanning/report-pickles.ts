/** The pickle reader as a scanner: its verdict in the Hub's levels. */
import type { ByteSource } from './byte-source.ts'
import type { FoundLevel } from './levels.ts'
import type { JudgedImport } from './pickle/imports.ts'
import type { Verdict } from './pickle/verdict.ts'
import { type PickleScan, scanPickles } from './scan-pickles.ts'
import type { ImportSet, PickleImport, ScanReport } from './scanner.ts'

const levelOfVerdict: Readonly<Record<Verdict, FoundLevel>> = {
  innocuous: 'safe',
  suspicious: 'suspicious',
  dangerous: 'unsafe',
}
/** Raised with every change of what is found. */
export const pickleRules = 3
/** The worst come first; what is beyond counts in the level. */
const mostImports = 200
/** Characters of what no list of a framework names, to be looked up in an organization's list; an import's own. */
const mostToAdmit = 32_768
const longestToAdmit = 400

/** Throws where the scan itself failed, so that it is tried again. */
export async function reportPickles(source: ByteSource, signal: AbortSignal): Promise<ScanReport> {
  const scan = await scanPickles(source, { signal })
  if (scan.state === 'error') throw new Error(scan.reason ?? 'the pickle reader failed')
  const level = levelOfVerdict[scan.verdict]
  const imports = scan.imports.slice(0, mostImports).map(present)
  const importSet = importSetOf(scan)
  if (level === 'safe' && scan.state === 'partly')
    return { level: 'caution', message: `partly scanned: ${scan.reason}`, imports, importSet }
  return { level, message: messageOf(scan), imports, importSet }
}

/** Findings about imports are dangerous; those about zips say nothing of what is imported. */
function importSetOf({ state, verdict, imports }: PickleScan): ImportSet | null {
  if (verdict === 'dangerous') return { imports: [], barred: 'dangerous' }
  if (state === 'partly') return { imports: [], barred: 'partly' }
  const names = imports
    .filter((one) => one.verdict === 'suspicious')
    .map(({ module, name }) => [module ?? '', name ?? ''] as const)
  if (names.length === 0) return null
  const lengths = names.map(([module, name]) => module.length + name.length)
  const isTooMuch = lengths.some((one) => one > longestToAdmit) || lengths.reduce((sum, one) => sum + one) > mostToAdmit
  return isTooMuch ? { imports: [], barred: 'many' } : { imports: names, barred: null }
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
