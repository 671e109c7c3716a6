/** The scanners of a hub: those in the sandbox, and clamd where one is configured. Versions are asked for now and then, so that new signatures are noticed. */
import type { Config } from '../../config.ts'
import { version as programVersion } from '../../version.ts'
import { clamdScanner } from './malware/clamd.ts'
import { pickleRules } from './report-pickles.ts'
import type { Sandboxed } from './sandbox/protocol.ts'
import { Sandbox } from './sandbox/sandbox.ts'
import { type Scanner, ScannerDown } from './scanner.ts'
import { secretRules } from './secrets/marks.ts'
import { structureRules } from './structure/scan-structure.ts'

export interface ScannerSet {
  readonly scanners: readonly Scanner[]
  /** Why a scanner that ships with Holdfast cannot work on this machine; null where it can. Throws `ScannerDown`. */
  missing(): Promise<string | null>
  close(): Promise<void>
}

export function openScanners(config: Pick<Config, 'clamd' | 'clamdStream'>): ScannerSet {
  const sandbox = new Sandbox()
  const inSandbox = (name: Sandboxed, version: () => Promise<string>): Scanner => ({
    name,
    version,
    scan: (source, signal) => sandbox.run(name, source, signal),
  })
  const scanners: Scanner[] = [
    inSandbox('pickle', async () => `${programVersion} rules ${pickleRules}`),
    inSandbox('structure', async () => `${programVersion} rules ${structureRules}`),
    inSandbox('secrets', async () => `${programVersion} rules ${secretRules}`),
    inSandbox('yara', async () => (await sandbox.yara()).yara ?? noYara),
  ]
  if (config.clamd !== null) scanners.push(clamdScanner({ address: config.clamd, streamBytes: config.clamdStream }))
  return {
    scanners,
    missing: async () => {
      const { yara, reason } = await sandbox.yara()
      return yara === null ? `YARA-X has no binary for this platform, so its rules find nothing here: ${reason}` : null
    },
    close: () => sandbox.close(),
  }
}

/** Stands for the version where there is no binary: such a scanner is left out. */
export const noYara = 'none'

export interface Ready {
  readonly scanner: Scanner
  readonly version: string
}

/** Those that answer now with their versions, and what is wrong with the others. */
export async function readyScanners(set: ScannerSet): Promise<{ ready: Ready[]; down: string[] }> {
  const ready: Ready[] = []
  const down: string[] = []
  for (const scanner of set.scanners) {
    try {
      const version = await scanner.version()
      if (version !== noYara) ready.push({ scanner, version })
    } catch (error) {
      if (!(error instanceof ScannerDown)) throw error
      down.push(error.message)
    }
  }
  return { ready, down }
}

/** Which scanners in which versions: what makes a result old. */
export function fingerprintOf(ready: readonly Ready[]): string {
  return ready
    .map(({ scanner, version }) => `${scanner.name} ${version}`)
    .sort()
    .join('\n')
}
