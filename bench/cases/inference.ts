/** What the gateway costs that stands before the servers of models: the same paced server, asked through the hub and directly; and streams that say nothing. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import type { PacedOptions } from '../children/paced-server.ts'
import type { StreamsResult } from '../children/streams.ts'
import { runClient, startYardstick } from '../children.ts'
import { median } from '../figures.ts'
import { openClient } from '../hub-client.ts'
import { residentBytes } from '../processes.ts'
import { startHoldfast } from '../program.ts'

const streams = 32
const apartMs = 25
const idleStreams = 1_000

export const inferenceCase: BenchCase = {
  name: 'inference',
  about:
    '32 streams at once of a server that says a word every 50 ms, through the hub and directly: the slowest stream, and what is added to the time to the first word. Then what 1,000 streams cost in memory (VmRSS) that have begun and say nothing.',
  run: async (bench) => {
    await measurePace(bench)
    await measureIdle(bench)
  },
}

async function measurePace(bench: Bench): Promise<void> {
  const gateway = await startGateway(bench, 'pace', { thinkMs: 100, everyMs: 50, words: bench.isQuick ? 20 : 100 })
  const { headers, body } = gateway
  try {
    const ask = (url: string) =>
      runClient('streams', { url: `${url}/v1/chat/completions`, headers, body, streams, apartMs })
    const ours: StreamsResult[] = []
    const direct: StreamsResult[] = []
    await ask(gateway.url)
    const measured = async (kept: StreamsResult[], url: string): Promise<number> => {
      const result = await ask(url)
      kept.push(result)
      return result.slowest
    }
    await bench.compare({
      name: `the slowest of ${streams} streams`,
      unit: 'ms',
      target: { ratioAtMost: 1.02 },
      ours: () => measured(ours, gateway.url),
      yardstick: { name: 'asked directly', measure: () => measured(direct, gateway.serverUrl) },
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
    await gateway.stop()
  }
}

async function measureIdle(bench: Bench): Promise<void> {
  const many = bench.isQuick ? 100 : idleStreams
  const settings = { HOLDFAST_INFERENCE_CONCURRENCY: String(many) }
  const gateway = await startGateway(bench, 'idle', { thinkMs: 50, everyMs: 600_000, words: 2 }, settings)
  const { headers, body, pid } = gateway
  try {
    const open = (count: number) =>
      startYardstick('idle', { url: `${gateway.url}/v1/chat/completions`, headers, body, streams: count })
    // What is loaded and compiled with the first calls is no cost of a stream.
    await (await open(20)).stop()
    const costs: number[] = []
    for (let round = 0; round < bench.rounds; round++) {
      await settle()
      const before = await residentBytes(pid)
      const held = await open(many)
      await settle()
      costs.push(((await residentBytes(pid)) - before) / 1e6)
      await held.stop()
    }
    bench.report({
      name: `${many.toLocaleString('en')} idle streams`,
      unit: 'MB',
      ours: costs,
      yardstick: null,
      target: { atMost: 100, judge: 'worst' },
    })
    bench.note('Memory that one round left with the process is not counted again in the next: the first one says most.')
  } finally {
    await gateway.stop()
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_000))
}

interface Gateway {
  readonly url: string
  readonly pid: number
  /** Of the server itself. */
  readonly serverUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  stop(): Promise<void>
}

/** A hub with a model that a paced server answers for. */
async function startGateway(
  bench: Bench,
  folder: string,
  paced: PacedOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const server = await startYardstick('paced', paced)
  const hub = await startHoldfast(bench.program, {
    data: path.join(bench.folder, folder),
    settings: { HOLDFAST_OUTBOUND_ALLOW: '127.0.0.1', ...settings },
  })
  const stop = async () => {
    await hub.stop()
    await server.stop()
  }
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
    return { url: hub.url, pid: hub.pid, serverUrl: server.url, headers, body, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
