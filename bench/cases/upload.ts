/** One large file by Git LFS (batch, PUT, verify), against a bare server that hashes, writes and syncs the same body; and what it costs in memory. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { runClient, startYardstick } from '../children.ts'
import { openClient } from '../hub-client.ts'
import { growthDuring } from '../processes.ts'
import { startHoldfast } from '../program.ts'

export const uploadCase: BenchCase = {
  name: 'upload',
  about:
    'A file of 1 GiB by Git LFS (batch, PUT, verify), against a bare Node server that hashes, writes and syncs the same body; growth of the process (VmRSS) meanwhile.',
  run: async (bench) => {
    const size = bench.isQuick ? 32 << 20 : 1 << 30
    const sinkFolder = path.join(bench.folder, 'sink')
    await mkdir(sinkFolder)
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'data') })
    const sink = await startYardstick('sink', { folder: sinkFolder })
    const growth: number[] = []
    try {
      const client = await openClient(hub)
      const url = `${hub.url}/${await client.createRepo('uploads')}`
      client.close()
      const headers = { authorization: `Bearer ${client.token}` }
      await bench.compare({
        name: 'LFS upload',
        unit: 'MB/s',
        target: { ratioAtLeast: 0.8 },
        ours: async (round) => {
          let seconds = 0
          const grown = await growthDuring(hub.pid, async () => {
            const sent = await runClient('upload', { kind: 'lfs', url, headers, size, seed: `ours ${round}` })
            seconds = sent.seconds
          })
          growth.push(grown / 2 ** 20)
          return size / seconds / 1e6
        },
        yardstick: {
          name: 'hash and write',
          measure: async (round) => {
            const { seconds } = await runClient('upload', {
              kind: 'put',
              url: `${sink.url}/`,
              headers: {},
              size,
              seed: `${round}`,
            })
            for (const name of await readdir(sinkFolder)) await rm(path.join(sinkFolder, name))
            return size / seconds / 1e6
          },
        },
      })
      bench.report({
        name: 'memory growth during an upload',
        unit: 'MiB',
        ours: growth,
        yardstick: null,
        target: { atMost: 64, judge: 'worst' },
      })
    } finally {
      await hub.stop()
      await sink.stop()
    }
  },
}
