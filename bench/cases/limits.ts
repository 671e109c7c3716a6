/**
 * What counting requests costs: the same small request with the limits on, out of reach, and off. Keep-alive, 16 connections. Counted is what a
 * second of the hub's processor time answers: what others do on the machine, and the load generator itself, move the wall clock by more than
 * the three percent that are asked about. So do a slow minute of the machine and the luck of one process with its memory: both hubs run side by
 * side and are asked in turns of a second, and each round has new ones.
 */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
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
    for (const address of ['/api/models/REPO', '/REPO/resolve/main/small.txt']) {
      const ours: number[] = []
      const values: number[] = []
      for (let round = 0; round < bench.rounds; round++) {
        const answered = await oneRound(bench, address, round % 2 === 0)
        ours.push(answered.ours)
        values.push(answered.yardstick)
      }
      bench.report({
        name: `GET ${address.replace('REPO', 'ns/name')}`,
        unit: 'req/CPU s',
        target: { ratioAtLeast: 0.97 },
        ours,
        yardstick: { name: 'without limits', values },
      })
    }
  },
}

let hubs = 0

/** Whoever starts first is also asked first: they take turns in that, too. */
async function oneRound(
  bench: Bench,
  address: string,
  isOursFirst: boolean,
): Promise<{ ours: number; yardstick: number }> {
  const open: Asked[] = []
  const start = async (settings: Readonly<Record<string, string>>): Promise<Asked> => {
    const data = path.join(bench.folder, `hub-${++hubs}`)
    const hub = await startHoldfast(bench.program, { data, settings })
    const asked = new Asked(hub)
    open.push(asked)
    await asked.prepare(address)
    return asked
  }
  try {
    const [first, second] = isOursFirst ? [counting, {}] : [{}, counting]
    const [a, b] = [await start(first), await start(second)]
    const turns = [a, b, b, a]
    const seconds = bench.isQuick ? 0.5 : 1
    for (const one of turns) await one.ask(seconds)
    for (const one of open) one.forget()
    for (let time = 0; time < (bench.isQuick ? 1 : 4); time++) for (const one of turns) await one.ask(seconds)
    const [ours, yardstick] = isOursFirst ? [a, b] : [b, a]
    return { ours: ours.perSecond, yardstick: yardstick.perSecond }
  } finally {
    for (const { hub } of open) await hub.stop()
  }
}

/** A hub, and what it answered. */
class Asked {
  readonly hub: Holdfast
  #url = ''
  #token = ''
  #answers = 0
  #seconds = 0

  constructor(hub: Holdfast) {
    this.hub = hub
  }

  /** Of the hub's processor time. */
  get perSecond(): number {
    return this.#answers / this.#seconds
  }

  async prepare(address: string): Promise<void> {
    const client = await openClient(this.hub)
    const repo = await client.createRepo('subject')
    await client.commit(repo, commitBody('A file', file('small.txt', 'some words')))
    client.close()
    this.#url = this.hub.url + address.replace('REPO', repo)
    this.#token = client.token
  }

  async ask(seconds: number): Promise<void> {
    const before = await processorSeconds(this.hub.pid)
    const headers = { authorization: `Bearer ${this.#token}` }
    const { answered } = await runClient('load', { url: this.#url, headers, connections: 16, seconds })
    this.#answers += answered
    this.#seconds += (await processorSeconds(this.hub.pid)) - before
  }

  /** What it answered while it was warming up. */
  forget(): void {
    this.#answers = 0
    this.#seconds = 0
  }
}
