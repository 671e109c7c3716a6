/**
 * An acknowledged write must survive a power cut. Killing a process cannot show that, because the operating system
 * keeps what was written: so the system calls are traced, and every file and folder that matters must have been synced.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runClient } from '../support/git-store.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) console.warn('SKIPPED: durability of git writes. Install strace (apt-get install strace) to run it.')

const repo = '65f0c0ffee0000000000abcd'

test.skipIf(!hasStrace)(
  'pushes, API commits and ref moves are synced before they are acknowledged',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-durable-'))
    try {
      const trace = join(folder, 'trace')
      const script = fileURLToPath(new URL('./durability-server.ts', import.meta.url))
      const traced = [
        '-f',
        '-y',
        '-e',
        'trace=fsync,fdatasync',
        '-o',
        trace,
        process.execPath,
        script,
        join(folder, 'git'),
        repo,
      ]
      const server = spawn('strace', traced, { stdio: ['pipe', 'pipe', 'inherit'] })
      const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
      const url = (await lines.next()).value ?? ''
      const work = join(folder, 'work')
      await runClient(folder, 'init', '-q', '-b', 'main', work)
      await runClient(work, 'commit', '-q', '--allow-empty', '-m', 'small')
      await runClient(work, 'push', '-q', url, 'main:refs/heads/made/by-push')
      server.stdin.write('commit\n')
      expect((await lines.next()).value).toBe('done')
      server.stdin.end()
      await new Promise((resolve) => server.once('exit', resolve))

      const synced = syncedPaths(await readFile(trace, 'utf8')).map((path) => relative(join(folder, 'git'), path))
      const bare = join('ab/cd', `${repo}.git`)
      const mustBeSynced = [
        /^incoming\/new-[^/]+\/config\.new/,
        new RegExp(`^${bare}/objects/(tmp_objdir-)?incoming-\\w+/pack/tmp_pack`),
        new RegExp(`^${bare}/objects/(tmp_objdir-)?incoming-\\w+/pack/(tmp_idx|.*\\.idx)`),
        new RegExp(`^${bare}/refs/heads/made/by-push\\.lock$`),
        /^incoming\/stage-[^/]+\/pack\/(tmp_pack_new|pack-\w+\.pack)$/,
        /^incoming\/stage-[^/]+\/pack\/pack-\w+\.idx$/,
        new RegExp(`^${bare}/refs/heads/made/by-api\\.lock$`),
        new RegExp(`^${bare}/refs/heads/made$`),
      ]
      for (const path of mustBeSynced)
        expect(synced, `${path}`).toEqual(expect.arrayContaining([expect.stringMatching(path)]))
      // Once for the push, once for the API commit: the folder that names the packs.
      expect(synced.filter((path) => path === `${bare}/objects/pack`).length).toBeGreaterThanOrEqual(2)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  30_000,
)

/** `123 fsync(7</path/of/file>) = 0`; a call that another thread interrupted stands on two lines, the path on the first. */
function syncedPaths(trace: string): string[] {
  return [...trace.matchAll(/\bf(?:data)?sync\(\d+<([^>]+)>/g)].map((match) => match[1] ?? '')
}
