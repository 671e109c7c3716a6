/** What several scanners together say of a content. */
import type { ScanResultTable } from '../../platform/db/schema.ts'
import { type FoundLevel, worstLevel } from './levels.ts'
import { malwareScanners, separateScanners } from './scanner.ts'

type Said = Pick<ScanResultTable, 'scanner' | 'level'>

/** Of those that look for malware: the worst; what one could not read counts as read where another read all of it. */
export function malwareLevel(results: readonly Said[]): FoundLevel | null {
  const levels = results
    .filter(({ scanner }) => malwareScanners.some((name) => name === scanner))
    .map(({ level }) => level)
  if (levels.length === 0) return null
  const worst = levels.reduce<FoundLevel>(worstLevel, 'safe')
  return worst === 'caution' && levels.includes('safe') ? 'safe' : worst
}

export function levelOfAll(results: readonly Said[]): FoundLevel | null {
  const rest = results
    .filter(({ scanner }) => ![...malwareScanners, ...separateScanners].some((name) => name === scanner))
    .map(({ level }) => level)
  const malware = malwareLevel(results)
  const all = malware === null ? rest : [malware, ...rest]
  return all.length === 0 ? null : all.reduce<FoundLevel>(worstLevel, 'safe')
}
