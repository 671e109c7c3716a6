/** How late the server's event loop runs while two large uploads and a stream of commits come in; beside it the bare hash-and-write server. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { runClient, startYardstick } from '../children.ts'
import { contentOf, nameOf } from '../git-client.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { probeArguments, probeEnvironment, readLag } from '../loop-lag.ts'
import type { LoopLag } from '../loop-probe.ts'
import { startHoldfast } from '../program.ts'

export const loopCase: BenchCase = {
  name: 'loop',
  about:
    'How late the event loop of the server runs beside two uploads of 1 GiB and a stream of one-file commits. Beside it the bare hash-and-write server under the same two uploads: what the machine itself costs.',
  run: async (bench) => {
    const size = bench.isQuick ? 32 << 20 : 1 << 30
    const sinkFolder = path.join(bench.folder, 'sink')
    await mkdir(sinkFolder)
    const [lagFile, sinkLagFile] = [path.join(bench.folder, 'lag'), path.join(bench.folder, 'sink-lag')]
    const hub = await startHoldfast(bench.program, {
      data: path.join(bench.folder, 'data'),
      nodeArguments: probeArguments,
      environment: probeEnvironment(lagFile),
    })
    const sink = await startYardstick(
      'sink',
      { folder: sinkFolder },
      { nodeArguments: probeArguments, env: probeEnvironment(sinkLagFile) },
    )
    const [ours, theirs]: [LoopLag[], LoopLag[]] = [[], []]
    const commits: number[] = []
    try {
      const client = await openClient(hub)
      const url = `${hub.url}/${await client.createRepo('uploads')}`
      const repo = await client.createRepo('commits')
      const headers = { authorization: `Bearer ${client.token}` }
      for (let round = 0; round < bench.rounds; round++) {
        await readLag(hub.pid, lagFile)
        const state = { isUploading: true }
        const uploads = both((which) =>
          runClient('upload', { kind: 'lfs', url, headers, size, seed: `ours ${round} ${which}` }),
        ).finally(() => {
          state.isUploading = false
        })
        let made = 0
        const committing = (async () => {
          while (state.isUploading) {
            await client.commit(
              repo,
              commitBody(`Commit ${made}`, file(nameOf(made % 100), contentOf(made, `${round}`))),
            )
            made++
          }
        })()
        await Promise.all([uploads, committing])
        ours.push(await readLag(hub.pid, lagFile))
        commits.push(made)

        await readLag(sink.pid, sinkLagFile)
        await both((which) =>
          runClient('upload', { kind: 'put', url: `${sink.url}/`, headers: {}, size, seed: `${round} ${which}` }),
        )
        theirs.push(await readLag(sink.pid, sinkLagFile))
        for (const name of await readdir(sinkFolder)) await rm(path.join(sinkFolder, name))
      }
      client.close()
    } finally {
      await hub.stop()
      await sink.stop()
    }
    const report = (name: string, pick: (lag: LoopLag) => number, atMost: number, judge: 'median' | 'worst'): void =>
      bench.report({
        name,
        unit: 'ms',
        ours: ours.map(pick),
        yardstick: { name: 'hash and write', values: theirs.map(pick) },
        target: { atMost, judge },
      })
    report('event-loop lag, p99', (lag) => lag.p99, 10, 'median')
    report('event-loop lag, longest', (lag) => lag.max, 50, 'worst')
    bench.note(`Commits during each pair of uploads: ${commits.join(', ')}.`)
  },
}

async function both<T>(work: (which: number) => Promise<T>): Promise<void> {
  await Promise.all([work(1), work(2)])
}
