/** Commits through the API: one file, a thousand files against `git fast-import` of the same with fsync, and 25,000 files. */
import path from 'node:path'
import type { BenchCase } from '../case.ts'
import { median } from '../figures.ts'
import { contentOf, type Git, gitClient, nameOf } from '../git-client.ts'
import { commitBody, file, type HubClient, openClient } from '../hub-client.ts'
import { startHoldfast } from '../program.ts'

export const commitsCase: BenchCase = {
  name: 'commits',
  about:
    'Commits through the API over one connection: one file (median of 50 commits in each round); 1,000 files against git fast-import of the same into a bare repository with core.fsync=all; 25,000 files.',
  run: async (bench) => {
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'data') })
    try {
      const client = await openClient(hub)
      const git = await gitClient(path.join(bench.folder, 'home'))
      const [many, most, small] = bench.isQuick ? [50, 500, 5] : [1000, 25_000, 50]

      const single = await client.createRepo('single')
      const p50: number[] = []
      for (let round = 0; round < bench.rounds; round++) {
        const times: number[] = []
        for (let commit = 0; commit < small; commit++)
          times.push(await timeCommit(client, single, 1, `${round} ${commit}`))
        p50.push(median(times))
      }
      bench.report({
        name: '1 file, p50',
        unit: 'ms',
        ours: p50,
        yardstick: null,
        target: { atMost: 40, judge: 'median' },
      })

      const thousand = await client.createRepo('thousand')
      // A server that runs has compiled what it runs often; the first commits of this size take twice as long.
      for (let warmUp = 0; warmUp < 4; warmUp++) await timeCommit(client, thousand, many, `warm-up ${warmUp}`)
      await bench.compare({
        name: `${many.toLocaleString('en-US')} files`,
        unit: 'ms',
        target: { ratioAtMost: 1.5 },
        ours: (round) => timeCommit(client, thousand, many, `${round}`),
        yardstick: {
          name: 'fast-import',
          measure: (round) => timeImport(git, path.join(bench.folder, `import-${round}`), many, `${round}`),
        },
      })

      const large = await client.createRepo('large')
      const seconds: number[] = []
      for (let round = 0; round < bench.rounds; round++)
        seconds.push((await timeCommit(client, large, most, `${round}`)) / 1000)
      bench.report({
        name: `${most.toLocaleString('en-US')} files`,
        unit: 's',
        ours: seconds,
        yardstick: null,
        target: { atMost: 5, judge: 'median' },
      })
      client.close()
    } finally {
      await hub.stop()
    }
  },
}

/** Milliseconds. Each version's content is new, so that nothing is there already. */
async function timeCommit(client: HubClient, repo: string, files: number, version: string): Promise<number> {
  const lines = Array.from({ length: files }, (_, index) => file(nameOf(index), contentOf(index, version)))
  const body = commitBody(`Version ${version}`, ...lines)
  const startedAt = performance.now()
  await client.commit(repo, body)
  return performance.now() - startedAt
}

async function timeImport(git: Git, folder: string, files: number, version: string): Promise<number> {
  await git(['init', '-q', '--bare', '-b', 'main', folder])
  const changes = Array.from({ length: files }, (_, index) => {
    const content = contentOf(index, version)
    return `M 100644 inline ${nameOf(index)}\ndata ${content.length}\n${content}\n`
  })
  const summary = `Version ${version}`
  const stream = `commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata ${summary.length}\n${summary}\n${changes.join('')}`
  const options = ['-C', folder, '-c', 'core.fsync=all', '-c', 'fastimport.unpackLimit=1']
  return (await git([...options, 'fast-import', '--quiet'], stream)).milliseconds
}
