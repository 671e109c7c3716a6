/** Cases whose work is done by a program of their own that fills its databases and prints one JSON object per line: once for each database. */
import path from 'node:path'
import type { Bench } from '../case.ts'
import { openPostgres } from '../postgres.ts'
import { run } from '../processes.ts'
import { root } from '../program.ts'

/** `program`: a file of bench/. `report` is given each line that it prints. */
export async function onBothDatabases(bench: Bench, program: string, report: (line: unknown) => void): Promise<void> {
  await lines(bench, program, [], report)
  const postgres = await openPostgres()
  if (typeof postgres === 'string') {
    bench.note(postgres)
    return
  }
  try {
    await lines(bench, program, ['--postgres', postgres.url], report)
  } finally {
    await postgres.close()
  }
}

async function lines(
  bench: Bench,
  program: string,
  options: readonly string[],
  report: (line: unknown) => void,
): Promise<void> {
  const repos = bench.isQuick ? ['--repos', '20000'] : []
  const { stdout } = await run(process.execPath, [path.join(root, 'bench', program), ...repos, ...options], {
    timeLimitMs: 1_800_000,
  })
  for (const text of stdout.split('\n')) if (text.startsWith('{')) report(JSON.parse(text))
}
