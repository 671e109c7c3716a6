import { execFileSync, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { confinedArguments, residentBytes, watchMemory } from './confined.ts'

// The attack: a file has taken over the process that reads it, and reaches for what lies on the machine.
test('story: a process that a file has taken over reads no secret, writes nothing, starts nothing; from Node 25 on it reaches nobody', () => {
  const attempts = {
    own: `fs.readFileSync(${JSON.stringify(fileURLToPath(new URL('confined.ts', import.meta.url)))})`,
    secret: "fs.readFileSync('/etc/passwd')",
    folder: `fs.readdirSync(${JSON.stringify(tmpdir())})`,
    write: `fs.writeFileSync(${JSON.stringify(path.join(tmpdir(), 'holdfast-escaped'))}, '')`,
    process: "require('child_process').execFileSync('id')",
    thread: "new (require('worker_threads').Worker)('1', { eval: true })",
    native: "process.dlopen({ exports: {} }, '/no/such.node')",
  }
  const tries = Object.entries(attempts).map(
    ([name, code]) => `try { ${code}; said.${name} = 'done' } catch (error) { said.${name} = error.code }`,
  )
  const program = `const fs = require('fs'); const said = {}; ${tries.join(';')}; said.net = process.permission.has('net'); console.log(JSON.stringify(said))`
  const run = (isNative: boolean): unknown =>
    JSON.parse(
      execFileSync(process.execPath, [...confinedArguments({ heapMiB: 64, isNative }), '-e', program], {
        encoding: 'utf8',
      }),
    )
  const denied = 'ERR_ACCESS_DENIED'
  const everywhere = {
    own: 'done',
    secret: denied,
    folder: denied,
    write: denied,
    process: denied,
    thread: denied,
    ...(Number.parseInt(process.versions.node, 10) >= 25 ? { net: false } : {}),
  }
  expect(run(false)).toMatchObject({ ...everywhere, native: 'ERR_DLOPEN_DISABLED' })
  // Where native code is needed it may be loaded: this one is not there.
  expect(run(true)).toMatchObject({ ...everywhere, native: 'ERR_DLOPEN_FAILED' })
})

test.skipIf(process.platform !== 'linux')('the memory of a process, and of one that is not there', async () => {
  expect(await residentBytes(process.pid)).toBeGreaterThan(10_000_000)
  await expect(residentBytes(2 ** 22 + 1)).rejects.toThrow('ENOENT')
})

test.skipIf(process.platform !== 'linux')(
  'a process is watched until it has ended or nobody wants to know any more',
  async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      const [tooMuch, enough, noMore] = [vi.fn(), vi.fn(), vi.fn()]
      watchMemory(child, 1 << 20, 5, tooMuch)
      watchMemory(child, 2 ** 40, 5, enough)
      // One process does hundreds of jobs, each of which is watched: nothing of them stays behind.
      for (let job = 0; job < 100; job++) watchMemory(child, 1 << 20, 5, noMore)()
      expect(child.listenerCount('exit')).toBe(2)
      await vi.waitFor(() => expect(tooMuch.mock.calls.length).toBeGreaterThan(2))
      expect([enough, noMore].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
      const told = tooMuch.mock.calls.length
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(tooMuch).toHaveBeenCalledTimes(told)
    } finally {
      child.kill('SIGKILL')
    }
  },
)
