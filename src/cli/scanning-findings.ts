/** What `holdfast doctor` says of scanning: each scanner, how old its signatures are, and what waits. */
import { mostCounted, type ScannerHealth, type ScanningHealth } from '../features/scanning/service.ts'
import type { Finding } from './finding.ts'

const dayMs = 24 * 3_600_000
/** Signatures of ClamAV come several times a day. */
const oldAfterDays = 3
const longAfterMs = 15 * 60_000

export function scanningFindings(health: ScanningHealth, now: number): Finding[] {
  return [...health.scanners.map((scanner) => scannerFinding(scanner, now)), queueFinding(health, now)]
}

function scannerFinding({ name, version, reason, signaturesAt }: ScannerHealth, now: number): Finding {
  const what = `Scanner ${name}`
  if (version === null) return { what, state: 'look', detail: reason ?? 'does not answer', mend: mendOf(name) }
  if (name !== 'clamav') return { what, state: 'ok', detail: version }
  if (signaturesAt === null) {
    return {
      what,
      state: 'look',
      detail: `${version}, which names no signatures`,
      mend: 'Let freshclam fetch the signatures of ClamAV, unless yours are meant to be all.',
    }
  }
  const days = Math.floor((now - signaturesAt) / dayMs)
  const detail = `${version}: signatures ${days <= 0 ? 'of today' : days === 1 ? 'of yesterday' : `${days} days old`}`
  return days > oldAfterDays
    ? { what, state: 'look', detail, mend: 'Run freshclam beside clamd: new malware is not found with old signatures.' }
    : { what, state: 'ok', detail }
}

function mendOf(name: string): string {
  if (name === 'clamav') return 'Start clamd, or check HOLDFAST_CLAMD. Until it answers, files stay queued.'
  if (name === 'yara')
    return 'Run the hub on a platform with a binary of YARA-X (docs/scanning.md), or name a clamd in HOLDFAST_CLAMD.'
  return 'Scanners need a process of their own: see that the user who runs Holdfast may start one more, with 1 GiB of memory.'
}

function queueFinding({ waiting, waitingSince, failed }: ScanningHealth, now: number): Finding {
  const what = 'Scan queue'
  const counted = (count: number): string => (count >= mostCounted ? `${mostCounted} or more` : String(count))
  const tail = failed === 0 ? '' : `; ${counted(failed)} could not be scanned`
  if (waiting === 0 || waitingSince === null) return { what, state: 'ok', detail: `empty${tail}` }
  const detail = `${counted(waiting)} waiting, the longest since ${new Date(waitingSince).toISOString()}${tail}`
  return now - waitingSince > longAfterMs
    ? {
        what,
        state: 'look',
        detail,
        mend: 'The running server scans. Start it; if it runs, the pages of the files say what they wait for, and its log which scanner is down.',
      }
    : { what, state: 'ok', detail }
}
