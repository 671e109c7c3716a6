/** What the gateway costs that stands before the servers of models: the same paced server, asked through the hub and directly. */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import type { StreamsResult } from '../children/streams.ts'
import { runClient, startYardstick } from '../children.ts'
import { median } from '../figures.ts'
import { openClient } from '../hub-client.ts'
import { startHoldfast } from '../program.ts'

const streams = 32
const apartMs = 25

export const inferenceCase: BenchCase = {
  name: 'inference',
  about:
    '32 streams at once of a server that says a word every 50 ms, through the hub and directly: the slowest stream, and what is added to the time to the first word.',
  run: async (bench) => {
    const words = bench.isQuick ? 20 : 100
    const server = await startYardstick('paced', { thinkMs: 100, everyMs: 50, words })
    const hub = await startHoldfast(bench.program, {
      data: path.join(bench.folder, 'hub'),
      settings: { HOLDFAST_OUTBOUND_ALLOW: '127.0.0.1' },
    })
    try {
      const client = await openClient(hub)
      const model = await client.createRepo('subject')
      client.close()
      const headers = { authorization: `Bearer ${client.token}` }
      const set = await fetch(`${hub.url}/api/models/${model}/inference`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ backends: [{ url: server.url, kind: 'vllm' }] }),
      })
      if (!set.ok) throw new Error(`Attaching the server: ${set.status} ${await set.text()}`)
      const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Say some words.' }] })
      const ask = (url: string) =>
        runClient('streams', { url: `${url}/v1/chat/completions`, headers, body, streams, apartMs })
      const ours: StreamsResult[] = []
      const direct: StreamsResult[] = []
      await ask(hub.url)
      const measured = async (kept: StreamsResult[], url: string): Promise<number> => {
        const result = await ask(url)
        kept.push(result)
        return result.slowest
      }
      await bench.compare({
        name: `the slowest of ${streams} streams`,
        unit: 'ms',
        target: { ratioAtMost: 1.02 },
        ours: () => measured(ours, hub.url),
        yardstick: { name: 'asked directly', measure: () => measured(direct, server.url) },
      })
      for (const [name, of, atMost] of [
        ['p50', ({ firstP50 }: StreamsResult) => firstP50, 3],
        ['p99', ({ firstP99 }: StreamsResult) => firstP99, 15],
      ] as const) {
        const base = median(direct.map(of))
        bench.report({
          name: `added to the time to the first word, ${name}`,
          unit: 'ms',
          ours: ours.map((result) => of(result) - base),
          yardstick: null,
          target: { atMost, judge: 'median' },
        })
      }
      bench.note(
        `One stream begins every ${apartMs} ms, and all of them go on at once. Begun in the same moment they wait for each other.`,
      )
    } finally {
      await hub.stop()
      await server.stop()
    }
  },
}
