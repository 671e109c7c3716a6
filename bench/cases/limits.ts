/**
 * What counting requests costs: the same small request with the limits on, out of reach, and off. Keep-alive, 16 connections. Counted is what a
 * second of the hub's processor time answers: what others do on the machine, and the load generator itself, move the wall clock by more than
 * the three percent that are asked about.
 */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { runClient } from '../children.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { processorSeconds } from '../processes.ts'
import { startHoldfast } from '../program.ts'

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
    const start = (name: string, settings: Readonly<Record<string, string>>) =>
      startHoldfast(bench.program, { data: path.join(bench.folder, name), settings })
    const hubs = await Promise.all([start('limited', counting), start('unlimited', {})])
    try {
      const subjects = await Promise.all(
        hubs.map(async (hub) => {
          const client = await openClient(hub)
          const repo = await client.createRepo('subject')
          await client.commit(repo, commitBody('A file', file('small.txt', 'some words')))
          client.close()
          return { hub, repo, headers: { authorization: `Bearer ${client.token}` } }
        }),
      )
      for (const address of ['/api/models/REPO', '/REPO/resolve/main/small.txt']) {
        const [limited, unlimited] = subjects.map(({ hub, repo, headers }) => async (seconds: number) => {
          const url = hub.url + address.replace('REPO', repo)
          const before = await processorSeconds(hub.pid)
          const { answered } = await runClient('load', { url, headers, connections: 16, seconds })
          return answered / ((await processorSeconds(hub.pid)) - before)
        })
        if (limited === undefined || unlimited === undefined) throw new Error('Two hubs are compared.')
        const seconds = bench.isQuick ? 1 : 4
        await limited(seconds)
        await unlimited(seconds)
        await bench.compare({
          name: `GET ${address.replace('REPO', 'ns/name')}`,
          unit: 'req/CPU s',
          target: { ratioAtLeast: 0.97 },
          ours: () => limited(seconds),
          yardstick: { name: 'without limits', measure: () => unlimited(seconds) },
        })
      }
    } finally {
      for (const hub of hubs) await hub.stop()
    }
  },
}
