import type { ByteSource } from './byte-source.ts'
import { readingAt } from './containers/read-content.ts'
import { defaultLimits, LimitReached, type Place, ScanContext, type ScanLimits } from './containers/scan-context.ts'
import type { FoundImport } from './pickle/import-table.ts'
import { type JudgedImport, judgeImport } from './pickle/imports.ts'
import type { StreamReport } from './pickle/read-pickles.ts'
import type { Finding } from './pickle/structure.ts'
import { type Verdict, verdicts, worse } from './pickle/verdict.ts'

/**
 * - complete: everything was read;
 * - partly: something was not, for the reason given; what was found counts, what was not found may be there;
 * - broken: Python stops there too, or differs from other readers on it; what comes before the break does run when the file is loaded;
 * - error: the scan itself failed.
 */
export type ScanState = 'complete' | 'partly' | 'broken' | 'error'

export interface PickleScan {
  readonly state: ScanState
  /** Null when complete. */
  readonly reason: string | null
  /** The worst of what was found; says nothing of what was not read. */
  readonly verdict: Verdict
  /** Pickles that were read to their end. */
  readonly pickles: number
  /** Each module, name and verdict once, the worst first. */
  readonly imports: readonly JudgedImport[]
  readonly findings: readonly Finding[]
}

export interface ScanOptions {
  readonly signal: AbortSignal
  readonly limits?: ScanLimits
}

/** Throws only when `signal` is aborted. */
export async function scanPickles(
  source: ByteSource,
  { signal, limits = defaultLimits }: ScanOptions,
): Promise<PickleScan> {
  const context = new ScanContext(source.size, limits, signal)
  let failure: string | null = null
  try {
    await readingAt(context, 0).source([], source)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof LimitReached) context.sayPartly([], error.message)
    else failure = error instanceof Error ? error.message : String(error)
  }
  return conclude(context, failure)
}

function conclude(context: ScanContext, failure: string | null): PickleScan {
  const imports = new Map<string, JudgedImport>()
  const findings = new Map<string, Finding>()
  for (const finding of context.findings) findings.set(`${finding.structure} ${finding.detail}`, finding)
  let pickles = 0
  for (const { place, report } of context.reports) {
    pickles += report.pickles
    for (const found of report.imports) addImport(imports, found)
    for (const finding of report.findings) {
      findings.set(`${finding.structure} ${finding.detail}`, { ...finding, detail: inPlace(place, finding.detail) })
    }
    note(context, place, report)
  }
  const sorted = [...imports.values()].sort(
    (one, other) =>
      verdicts.indexOf(other.verdict) - verdicts.indexOf(one.verdict) || (nameOf(one) < nameOf(other) ? -1 : 1),
  )
  const list = [...findings.values()]
  const verdict = [...sorted, ...list].reduce<Verdict>((worst, one) => worse(worst, one.verdict), 'innocuous')
  const [state, reason] = stateOf(context, failure)
  return { state, reason, verdict, pickles, imports: sorted, findings: list }
}

function note(context: ScanContext, place: Place, { broken, partly }: StreamReport): void {
  if (broken !== null) context.sayBroken(place, `the pickle is broken at byte ${broken.at}: ${broken.reason}`)
  if (partly !== null) context.sayPartly(place, partly)
}

function stateOf({ broken, partly }: ScanContext, failure: string | null): readonly [ScanState, string | null] {
  if (failure !== null) return ['error', failure]
  // What was not read weighs more than what cannot be read by anybody.
  if (partly !== null) return ['partly', partly]
  return broken === null ? ['complete', null] : ['broken', broken]
}

function addImport(imports: Map<string, JudgedImport>, found: FoundImport): void {
  const judged = judgeImport(found)
  const key = `${judged.module}\n${judged.name}\n${judged.verdict}`
  const known = imports.get(key)
  if (known === undefined || known.how === 'referenced' || judged.how === 'called') imports.set(key, judged)
}

function nameOf({ module, name }: JudgedImport): string {
  return `${module}.${name}`
}

function inPlace(place: Place, detail: string): string {
  return place.length === 0 ? detail : `${place.join(' » ')}: ${detail}`
}
