/** Scans as pages show them. `words` stands for whatever a stranger put into names of imports and into files. */
import type { FileScan } from '../../src/features/browse/load-scans.ts'
import type { FileWithIssue } from '../../src/features/scanning/service.ts'

export function scanSamples(words: (text: string) => string): { scan: FileScan; alarms: readonly FileWithIssue[] } {
  return {
    scan: {
      status: 'unsafe',
      content: `git:${'b'.repeat(40)}`,
      isHeld: false,
      admission: { policy: 'flag', isAdmitted: false, missing: [words('acme.models.Net')], barred: null },
      isScanning: false,
      hasFailed: false,
      reason: words('clamd cannot be reached'),
      scanners: null,
      malware: { status: 'unsafe', message: words('found: EICAR_Test_File'), version: words('yara rules 1') },
      pickle: {
        status: 'unsafe',
        message: words('imports os.system'),
        version: 'pickle 1',
        imports: [{ module: words('os'), name: words('system'), safety: 'dangerous' }],
      },
      structure: {
        status: 'suspicious',
        message: words('safetensors: its header is not JSON'),
        version: 'structure 1',
      },
      secrets: {
        status: 'suspicious',
        message: words('GitHub token on line 12'),
        version: 'secrets 1',
        found: [{ kind: words('GitHub token'), line: 12, masked: words('ghp_***') }],
      },
    },
    alarms: [{ path: words('eval/loader.pkl'), level: 'unsafe' }],
  }
}
