/** What verifying signed commits costs after a push, beside `git verify-commit`, which asks gpg for each (`bench/signatures.ts`). */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { run } from '../processes.ts'
import { root } from '../program.ts'

export const signaturesCase: BenchCase = {
  name: 'signatures',
  about: 'Verifying a history of OpenPGP-signed commits (half Ed25519, half RSA) in the job that follows a push.',
  run: async (bench) => {
    const size = ['--commits', bench.isQuick ? '200' : '10000', '--rounds', String(bench.rounds)]
    const { stdout } = await run(process.execPath, [path.join(root, 'bench', 'signatures.ts'), ...size], {
      timeLimitMs: 1_800_000,
    })
    for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
      const { name, unit, ours, yardstick } = JSON.parse(text) as {
        name: string
        unit: string
        ours: number[]
        yardstick: number[]
      }
      const isWhole = unit === 's'
      bench.report({
        name,
        unit,
        ours,
        yardstick: yardstick.length === 0 ? null : { name: 'git verify-commit', values: yardstick },
        target: isWhole ? { atMost: 20, judge: 'median' } : yardstick.length > 0 ? { ratioAtMost: 0.1 } : null,
      })
    }
  },
}
