/** The pickle reader beside a hash of the same bytes. */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { runClient } from '../children.ts'

const kinds = [
  { kind: 'weights', name: 'arrays as bytes in a pickle' },
  { kind: 'storages', name: 'raw numbers behind a pickle' },
  { kind: 'objects', name: 'a pickle of many small objects' },
] as const

export const pickleCase: BenchCase = {
  name: 'pickle',
  about: 'One thread reads what a file imports, in memory, against one that hashes the same bytes.',
  run: async (bench) => {
    const dist = path.join(bench.program.folder, 'dist')
    for (const { kind, name } of kinds) {
      const size = bench.isQuick ? 8 << 20 : 96 << 20
      const { scan, sha256 } = await runClient('pickle-scan', { dist, kind, size, passes: bench.rounds })
      bench.report({
        name,
        unit: 'MB/s',
        ours: scan,
        yardstick: { name: 'node:crypto SHA-256 over the same bytes', values: sha256 },
        target: { ratioAtLeast: 0.2 },
      })
    }
  },
}
