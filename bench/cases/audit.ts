/**
 * What the event costs a write: the same calls of the services with the insert of the event and without it (`bench/audit.ts`, which has a
 * database of its own), and what share that is of writes as a client sends them.
 */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { median } from '../figures.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { openPostgres } from '../postgres.ts'
import { run } from '../processes.ts'
import { root, startHoldfast } from '../program.ts'

export const auditCase: BenchCase = {
  name: 'audit',
  about:
    'What the event of the audit log adds to a write: the same calls of a service with it and without, in turns, and what that is of a request that writes.',
  run: async (bench) => {
    await measure(bench, 'SQLite', [], {})
    const [first, second] = [await openPostgres(), await openPostgres()]
    if (typeof first === 'string' || typeof second === 'string') {
      bench.note(typeof first === 'string' ? first : String(second))
      return
    }
    try {
      await measure(bench, 'PostgreSQL', ['--postgres', first.url], { HOLDFAST_DATABASE_URL: second.url })
    } finally {
      await second.close()
      await first.close()
    }
  },
}

interface Line {
  readonly name: string
  readonly unit: string
  readonly ours: readonly number[]
  readonly yardstick: readonly number[]
}

async function measure(
  bench: Bench,
  database: string,
  options: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const size = ['--writes', bench.isQuick ? '20' : '200', '--rounds', String(bench.rounds)]
  const { stdout } = await run(process.execPath, [path.join(root, 'bench', 'audit.ts'), ...size, ...options], {
    timeLimitMs: 600_000,
  })
  const costs: number[] = []
  for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
    const { name, unit, ours, yardstick } = JSON.parse(text) as Line
    costs.push(...ours.map((value, round) => value - (yardstick[round] ?? Number.NaN)))
    bench.report({ name, unit, ours, yardstick: { name: 'without its event', values: yardstick }, target: null })
  }
  await shareOfRequests(bench, database, settings, median(costs))
}

async function shareOfRequests(
  bench: Bench,
  database: string,
  settings: Readonly<Record<string, string>>,
  eventUs: number,
): Promise<void> {
  const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, database), settings })
  try {
    const client = await openClient(hub)
    const repo = await client.createRepo('subject')
    const writes = bench.isQuick ? 5 : 50
    let number = 0
    const requests = {
      'make a repo': async () => {
        await client.createRepo(`repo-${number++}`)
      },
      'commit a file': async () => {
        await client.commit(repo, commitBody(`${number}`, file(`f${number++ % 50}.txt`, `${number}`)))
      },
    }
    for (const [name, send] of Object.entries(requests)) {
      for (let warmUp = 0; warmUp < writes / 5; warmUp++) await send()
      const shares: number[] = []
      for (let round = 0; round < bench.rounds; round++) {
        const times: number[] = []
        for (let write = 0; write < writes; write++) {
          const from = performance.now()
          await send()
          times.push((performance.now() - from) * 1000)
        }
        // Of what the request would take without it.
        shares.push((eventUs / (median(times) - eventUs)) * 100)
      }
      bench.report({
        name: `${database}: the event's share of a request, ${name}`,
        unit: '%',
        ours: shares,
        yardstick: null,
        target: { atMost: 10, judge: 'median' },
      })
    }
    client.close()
  } finally {
    await hub.stop()
  }
}
