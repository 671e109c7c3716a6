/**
 * Small API requests with a token, against a bare Node server that answers a ready-made body of the same size. Keep-alive, 16 connections.
 * Holdfast looks up credential and repo afresh for each of them.
 */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { runClient, startYardstick } from '../children.ts'
import type { Target } from '../figures.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { openPostgres } from '../postgres.ts'
import { startHoldfast } from '../program.ts'

export const apiCase: BenchCase = {
  name: 'api',
  about:
    'API requests with a token, 16 connections that stay open, against a Node server that sends a ready-made body of the same size.',
  run: async (bench) => {
    await measure(bench, 'SQLite', {}, { ratioAtLeast: 0.5 })
    const postgres = await openPostgres()
    if (typeof postgres === 'string') {
      bench.note(postgres)
      return
    }
    try {
      await measure(bench, 'PostgreSQL', { HOLDFAST_DATABASE_URL: postgres.url }, null)
    } finally {
      await postgres.close()
    }
  },
}

async function measure(
  bench: Bench,
  database: string,
  settings: Readonly<Record<string, string>>,
  target: Target | null,
): Promise<void> {
  const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, database), settings })
  try {
    const client = await openClient(hub)
    const repo = await client.createRepo('subject')
    await client.commit(repo, commitBody('A card', file('README.md', '---\nlicense: mit\n---\n# A model\n')))
    client.close()
    const headers = { authorization: `Bearer ${client.token}` }
    for (const address of ['/api/whoami-v2', `/api/models/${repo}`]) {
      const body = await (await fetch(hub.url + address, { headers })).arrayBuffer()
      const echo = await startYardstick('echo', { bytes: body.byteLength })
      const rate = async (url: string, seconds = bench.isQuick ? 0.5 : 3): Promise<number> =>
        (await runClient('load', { url, headers, connections: 16, seconds })).perSecond
      try {
        // Both have compiled what they run often before the first round counts.
        await rate(hub.url + address)
        await rate(`${echo.url}/`)
        await bench.compare({
          name: `GET ${address.replace(repo, 'ns/name')}, ${database}`,
          unit: 'req/s',
          target,
          ours: () => rate(hub.url + address),
          yardstick: { name: 'Node http', measure: () => rate(`${echo.url}/`) },
        })
      } finally {
        await echo.stop()
      }
    }
  } finally {
    await hub.stop()
  }
}
