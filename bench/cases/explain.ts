/**
 * Why something was refused: an explanation against the smallest request with a token, and a refusal against the same request allowed. One
 * connection that stays open, one request after the other; the median of each round counts.
 */
import { Agent, request } from 'node:http'
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { openClient } from '../hub-client.ts'
import { startHoldfast } from '../program.ts'

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly token: string
  readonly body?: object
  readonly status: number
}

export const explainCase: BenchCase = {
  name: 'explain',
  about:
    'POST /api/access/explain about a push, against GET /api/whoami-v2; and a list that is refused to a read token, against the same list allowed. Milliseconds, one after the other.',
  run: async (bench) => {
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'hub'), settings: {} })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const client = await openClient(hub)
      const repo = await client.createRepo('subject')
      client.close()
      const reader = await hub.admin('create-token', '--user', client.user, '--name', 'reader', '--role', 'read')
      const median = async (asked: Asked): Promise<number> => {
        const times: number[] = []
        for (let count = 0; count < (bench.isQuick ? 50 : 1_000); count++)
          times.push(await timed(agent, hub.url, asked))
        return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
      }
      const explained = (token: string): Asked => ({
        method: 'POST',
        path: '/api/access/explain',
        token,
        body: { action: 'repo.push', resource: `model:${repo}` },
        status: 200,
      })
      const whoami: Asked = { method: 'GET', path: '/api/whoami-v2', token: reader, status: 200 }
      const listed = (token: string, status: number): Asked => ({
        method: 'GET',
        path: `/api/models/${repo}/user-access-request/pending`,
        token,
        status,
      })
      for (const asked of [explained(reader), whoami, listed(reader, 403), listed(client.token, 200)])
        await median(asked)
      const own: number[] = []
      await bench.compare({
        name: 'POST /api/access/explain',
        unit: 'ms',
        target: null,
        ours: async () => {
          const value = await median(explained(reader))
          own.push(value)
          return value
        },
        yardstick: { name: 'GET /api/whoami-v2', measure: () => median(whoami) },
      })
      bench.report({
        name: 'an explanation',
        unit: 'ms',
        ours: own,
        yardstick: null,
        target: { atMost: 5, judge: 'median' },
      })
      await bench.compare({
        name: 'a request that is refused',
        unit: 'ms',
        target: { ratioAtMost: 1.1 },
        ours: () => median(listed(reader, 403)),
        yardstick: { name: 'the same, allowed', measure: () => median(listed(client.token, 200)) },
      })
    } finally {
      agent.destroy()
      await hub.stop()
    }
  },
}

async function timed(agent: Agent, url: string, asked: Asked): Promise<number> {
  const body = asked.body === undefined ? '' : JSON.stringify(asked.body)
  const startedAt = performance.now()
  const status = await new Promise<number>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${asked.token}`,
      ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const sent = request(`${url}${asked.path}`, { method: asked.method, agent, headers }, (response) => {
      response.once('error', reject)
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.resume()
    })
    sent.once('error', reject)
    sent.end(body)
  })
  if (status !== asked.status) throw new Error(`${asked.path} was answered with ${status}.`)
  return performance.now() - startedAt
}
