/** From the start of the process to its first answer, with a data folder that exists; and what it holds while nobody asks for anything. */
import { request } from 'node:http'
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { residentBytes, run } from '../processes.ts'
import { freePort, startHoldfast } from '../program.ts'

export const startCase: BenchCase = {
  name: 'start',
  about:
    'Start of the built program on an existing data folder until GET /health answers 200; memory (VmRSS) after five idle seconds.',
  run: async (bench) => {
    const data = path.join(bench.folder, 'data')
    const first = await startHoldfast(bench.program, { data })
    // Without an administrator each start would write a new link for the first one.
    await first.admin('create-user', 'bench', '--email', 'bench@example.org', '--admin')
    await first.stop()
    const milliseconds: number[] = []
    const bare: number[] = []
    const memory: number[] = []
    for (let round = 0; round < bench.rounds; round++) {
      const port = await freePort()
      const startedAt = performance.now()
      const starting = startHoldfast(bench.program, { data, port })
      const answered = untilAnswer(port, 30_000)
      // Whichever fails first is told; the other must not count as unhandled.
      answered.catch(() => undefined)
      const hub = await starting
      milliseconds.push((await answered) - startedAt)
      await new Promise((resolve) => setTimeout(resolve, bench.isQuick ? 500 : 5000))
      memory.push((await residentBytes(hub.pid)) / 2 ** 20)
      await hub.stop()
      bare.push((await run(process.execPath, ['-e', ''])).milliseconds)
    }
    bench.report({
      name: 'first 200 after the start',
      unit: 'ms',
      ours: milliseconds,
      yardstick: { name: 'an empty Node program', values: bare },
      target: { atMost: 1500, judge: 'median' },
    })
    bench.report({
      name: 'idle memory',
      unit: 'MB',
      ours: memory.map((mebibytes) => (mebibytes * 2 ** 20) / 1e6),
      yardstick: null,
      target: { atMost: 150, judge: 'worst' },
    })
  },
}

/** The time of the first 200. Asks every 10 ms, which costs the starting process nothing. */
async function untilAnswer(port: number, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < withinMs) {
    if ((await statusOf(port)) === 200) return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`Nothing answered on port ${port}.`)
}

function statusOf(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/health', agent: false }, (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode ?? null)
    })
    outgoing.on('error', () => resolve(null))
    outgoing.end()
  })
}
