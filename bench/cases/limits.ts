/**
 * What counting requests costs: the same small request with the limits on, out of reach, and off. Keep-alive, 16 connections. Counted is what a
 * second of the hub's processor time answers: what others do on the machine, and the load generator itself, move the wall clock by more than
 * the three percent that are asked about. So does the luck of one process with its memory: each measurement has a hub of its own.
 */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { runClient } from '../children.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { processorSeconds } from '../processes.ts'
import { type Holdfast, startHoldfast } from '../program.ts'

const outOfReach = String(1_000_000_000)
const counting = {
  HOLDFAST_RATE_LIMIT_API: outOfReach,
  HOLDFAST_RATE_LIMIT_RESOLVERS: outOfReach,
  HOLDFAST_RATE_LIMIT_PAGES: outOfReach,
}

export const limitsCase: BenchCase = {
  name: 'limits',
  about:
    "Small requests with rate limits that nobody reaches, against the same hub without limits, 16 connections that stay open: requests for each second of the hub's processor time.",
  run: async (bench) => {
    const seconds = bench.isQuick ? 1 : 4
    let hubs = 0
    for (const address of ['/api/models/REPO', '/REPO/resolve/main/small.txt']) {
      const answersOf = async (settings: Readonly<Record<string, string>>): Promise<number> => {
        const data = path.join(bench.folder, `hub-${++hubs}`)
        const hub = await startHoldfast(bench.program, { data, settings })
        try {
          return await answersPerSecond(hub, address, seconds)
        } finally {
          await hub.stop()
        }
      }
      await bench.compare({
        name: `GET ${address.replace('REPO', 'ns/name')}`,
        unit: 'req/CPU s',
        target: { ratioAtLeast: 0.97 },
        ours: () => answersOf(counting),
        yardstick: { name: 'without limits', measure: () => answersOf({}) },
      })
    }
  },
}

/** After as long again to warm up. */
async function answersPerSecond(hub: Holdfast, address: string, seconds: number): Promise<number> {
  const client = await openClient(hub)
  const repo = await client.createRepo('subject')
  await client.commit(repo, commitBody('A file', file('small.txt', 'some words')))
  client.close()
  const headers = { authorization: `Bearer ${client.token}` }
  const load = { url: hub.url + address.replace('REPO', repo), headers, connections: 16, seconds }
  await runClient('load', load)
  const before = await processorSeconds(hub.pid)
  const { answered } = await runClient('load', load)
  return answered / ((await processorSeconds(hub.pid)) - before)
}
