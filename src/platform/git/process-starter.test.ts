/** Processes begun by the starter behave as if this process had begun them; without a starter, this process begins them. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStarter, type ProcessStarters } from './process-starter.ts'
import { type GitProgram, runGit, startGit } from './run.ts'

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin' }
let starter: ProcessStarters
let failures: Error[]
let shell: GitProgram

/** Waits until processes begin apart; gives the starter's id. */
async function untilApart(program: GitProgram): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const parent = Number((await runGit(program, ['-c', 'echo $PPID'])).stdout)
    if (parent !== process.pid) return parent
    await setTimeout(25)
  }
  throw new Error('No starter came.')
}

beforeAll(async () => {
  starter = openStarter()
  failures = []
  shell = { program: 'sh', environment, starter }
  expect(Number((await runGit(shell, ['-c', 'echo $PPID'])).stdout)).toBe(process.pid)
  starter.startApart((error) => failures.push(error))
  await untilApart(shell)
})

afterAll(async () => {
  await starter.close()
  expect(failures).toEqual([])
})

test('Ctrl-C in the terminal of the hub, which goes to its process group, does not reach the starter', async () => {
  const group = async (pid: number) => (await runGit(shell, ['-c', `ps -o pgid= -p ${pid}`])).stdout.toString().trim()
  const apart = await untilApart(shell)
  expect(await group(apart)).toBe(String(apart))
  expect(await group(process.pid)).not.toBe(String(apart))
})

test('input, output, errors, exit codes and environment', async () => {
  const script = 'cat; echo "$WORD" >&2; exit 3'
  const done = await runGit(shell, ['-c', script], { input: 'in', environment: { WORD: 'heard' }, okCodes: [3] })
  expect({ ...done, stdout: done.stdout.toString() }).toEqual({ code: 3, stdout: 'in', stderr: 'heard\n' })
  await expect(runGit(shell, ['-c', 'echo why >&2; exit 9'])).rejects.toMatchObject({ reason: 'exit', stderr: 'why\n' })
  await expect(runGit({ ...shell, program: 'no-such-program' }, ['x'])).rejects.toMatchObject({ reason: 'spawn' })
})

test('twenty megabytes go through whole, and so does what a process said before it closed its input', async () => {
  const bytes = randomBytes(20_000_000)
  const cat = await startGit(shell, ['-c', 'cat'])
  cat.stdin.end(bytes)
  expect((await buffer(cat.stdout)).equals(bytes)).toBe(true)
  await cat.ended
  const early = await startGit(shell, ['-c', 'echo refused; exec <&-; exit 1'])
  early.stdin.write(bytes)
  expect(await text(early.stdout)).toBe('refused\n')
  expect(await early.ended).toMatchObject({ code: 1 })
})

test('further pipes work in a shell, both ways', async () => {
  const child = await startGit(
    shell,
    ['-c', 'read -r line <&4; echo "told $line" >&3; exec 3>&-; read -r line <&4; echo "$line"'],
    {
      extraPipes: 2,
    },
  )
  const [from, to] = child.extra
  to?.resume()
  to?.write('one\n')
  expect(from && (await text(from))).toBe('told one\n')
  to?.end('two\n')
  expect(await text(child.stdout)).toBe('two\n')
  expect(await child.ended).toMatchObject({ code: 0 })
})

test('a stop reaches the whole group, a time limit and an abort stop too', async () => {
  const limited = runGit(shell, ['-c', 'sleep 60 & sleep 60'], { timeLimitMs: 100 })
  await expect(limited).rejects.toMatchObject({ reason: 'timeout' })
  const controller = new AbortController()
  const aborted = runGit(shell, ['-c', 'sleep 60'], { signal: controller.signal })
  controller.abort()
  await expect(aborted).rejects.toMatchObject({ reason: 'aborted' })
})

test('two hundred at once', async () => {
  const all = Array.from({ length: 200 }, (_, index) => runGit(shell, ['-c', `echo ${index}`]))
  const printed = (await Promise.all(all)).map((done) => Number(done.stdout))
  expect(printed).toEqual(Array.from({ length: 200 }, (_, index) => index))
}, 30_000)

test('when the starter dies, whoever waits is told, and the next process begins all the same', async () => {
  const heard: Error[] = []
  const own = openStarter()
  const program = { ...shell, starter: own }
  own.startApart((error) => heard.push(error))
  const parent = await untilApart(program)
  const child = await startGit(program, ['-c', 'read -r line; echo "$line"'])
  process.kill(parent, 'SIGKILL')
  await expect(child.ended).rejects.toMatchObject({ reason: 'spawn' })
  expect(heard).toHaveLength(1)
  expect(Number((await runGit(program, ['-c', 'echo $PPID'])).stdout)).toBe(process.pid)
  await own.close()
})

test('it ends when nothing was started for a while, and is begun again', async () => {
  const own = openStarter(300)
  const program = { ...shell, starter: own }
  own.startApart((error) => failures.push(error))
  const first = await untilApart(program)
  await expect.poll(() => isAlive(first), { timeout: 5000 }).toBe(false)
  expect(await untilApart(program)).not.toBe(first)
  await own.close()
})

test('one that comes later than it would have to be idle to end comes all the same', async () => {
  const own = openStarter(300)
  const program = { ...shell, starter: own }
  own.startApart((error) => failures.push(error))
  const parents: number[] = []
  while (parents.length < 5 && (parents.at(-1) ?? process.pid) === process.pid) {
    parents.push(Number((await runGit(program, ['-c', 'echo $PPID'])).stdout))
    // A busy machine: this process sleeps until the starter's time is over, and only then hears that it is ready.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
  }
  expect(parents.at(-1)).not.toBe(process.pid)
  await own.close()
})

test('it does not outlive a hub that is killed', async () => {
  const file = path.join(import.meta.dirname, 'process-starter.ts')
  const script = `
    const { openStarter } = await import(${JSON.stringify(file)})
    const starter = openStarter()
    starter.startApart(() => undefined)
    const ask = async () => {
      const child = await starter.start({ program: 'sh', args: ['-c', 'echo $PPID'], environment: {}, extraPipes: 0 })
      child.stdout.on('data', (bytes) => {
        if (Number(bytes) === process.pid) setTimeout(ask, 20)
        else process.stdout.write(bytes)
      })
    }
    await ask()
    setTimeout(() => undefined, 30_000)`
  const hub = execFile(process.execPath, ['--input-type=module', '-e', script])
  const [printed] = hub.stdout === null ? [] : ((await once(hub.stdout, 'data')) as [string])
  const pid = Number(printed)
  expect(isAlive(pid)).toBe(true)
  hub.kill('SIGKILL')
  await expect.poll(() => isAlive(pid)).toBe(false)
})

/** One that has ended and was not yet collected by its parent counts as ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const status = `/proc/${pid}/status`
  return !existsSync(status) || !/^State:\tZ/m.test(readFileSync(status, 'latin1'))
}
