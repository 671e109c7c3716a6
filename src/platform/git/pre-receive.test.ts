import { execFile } from 'node:child_process'
import { chmod, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { serveGit } from '../../../tests/support/git-http.ts'
import { openTestStore, testRepo } from '../../../tests/support/git-store.ts'
import { hooksFolder, openGitStore } from './git-store.ts'
import { assertRunnable, placeHook } from './pre-receive.ts'
import { listRefs } from './refs.ts'
import { createRepository } from './repository.ts'

const run = promisify(execFile)

/**
 * A member without the right to push to `main` pushes to it again and again, and waits. Sooner or later an administrator types `holdfast
 * backup`, `admin` or `doctor` beside the running server. Each of them opened the git folder and put the hook there anew: first under its
 * name, then with the permission to run it. Git passes over a hook that it may not run, without a word. In that blink, which is as long as
 * the disk takes to sync a folder, the push was taken and nobody had judged it: no rule of the repo held, no event told of it, and the
 * restored backup had a tag that nobody had pushed. A push that found the hook and then could not run it was refused without a reason.
 */
test('while commands open the git folder, every push is judged, and none is refused without words', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const work = join(world.folder, 'work')
  await world.git(world.folder, 'init', '-q', '-b', 'main', work)
  await world.git(work, 'commit', '-q', '--allow-empty', '-m', 'one')
  await using server = await serveGit(store, testRepo, {
    judge: async () => ({ accept: false, lines: ['This push was judged.'] }),
  })
  let isOver = false
  let opened = 0
  const commands = (async () => {
    for (; !isOver; opened++) await (await openGitStore({ folder: store.folder })).close()
  })()
  try {
    for (let push = 0; push < 12; push++) {
      const said = await world.git(work, 'push', server.url, `main:refs/tags/t${push}`).then(
        () => 'taken',
        (error: Error) => error.message,
      )
      expect(said).toContain('remote: This push was judged.')
    }
  } finally {
    isOver = true
    await commands
  }
  expect(opened).toBeGreaterThan(4)
  expect(await listRefs(store, testRepo)).toEqual([])
}, 120_000)

test('a hook that is in place is left alone, and one that is not as it should be is replaced', async () => {
  await using world = await openTestStore()
  const folder = hooksFolder(world.store)
  const hook = join(folder, 'pre-receive')
  const facts = async () => {
    const { ino, mode, size } = await stat(hook)
    return { ino, mode: mode & 0o777, size }
  }
  const first = await facts()
  expect(first.mode).toBe(0o700)
  await placeHook(folder)
  expect(await facts()).toEqual(first)
  await chmod(hook, 0o600)
  await placeHook(folder)
  expect(await facts()).toMatchObject({ mode: 0o700, size: first.size })
  await writeFile(hook, '#!/bin/sh\nexit 0\n')
  await placeHook(folder)
  expect(await facts()).toMatchObject({ mode: 0o700, size: first.size })
})

/** A data folder on a file system that is mounted with `noexec`: git would take every push without asking. */
test('a hook that the system does not let git run ends the start', async () => {
  await using world = await openTestStore()
  await writeFile(join(world.folder, 'pre-receive'), '', { mode: 0o600 })
  await expect(assertRunnable(world.folder)).rejects.toThrow('noexec')
})

/** Somebody tidies up the modes below the data folder (`chmod -R go-rwx,-x`) while the server runs. */
test('a hook that lost its permission since the start ends every push, and no ref moves', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const work = join(world.folder, 'work')
  await world.git(world.folder, 'init', '-q', '-b', 'main', work)
  await world.git(work, 'commit', '-q', '--allow-empty', '-m', 'one')
  await using server = await serveGit(store, testRepo)
  await chmod(join(hooksFolder(store), 'pre-receive'), 0o600)
  await expect(world.git(work, 'push', '-q', server.url, 'main')).rejects.toThrow()
  expect(server.failures.map(String)).toEqual([expect.stringContaining('does not let git run')])
  expect(await listRefs(store, testRepo)).toEqual([])
  await placeHook(hooksFolder(store))
  await world.git(work, 'push', '-q', server.url, 'main')
  expect(await listRefs(store, testRepo)).toHaveLength(1)
})

/** The server is killed while a push waits for its verdict: the client is told, and the push is not taken. */
test('a hook that gets no answer says so and refuses', async () => {
  await using world = await openTestStore()
  const hook = join(hooksFolder(world.store), 'pre-receive')
  const closed = [
    // The answer ends before a verdict.
    '3>/dev/null 4</dev/null',
    // Nobody reads the question any more.
    '3>&- 4</dev/null',
    '3>/dev/full 4</dev/null',
  ]
  for (const redirections of closed) {
    const ended = await run('sh', ['-c', `echo "0 1 refs/heads/main" | "$0" ${redirections}`, hook]).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed. Try again') })
  }
  // A reader that has gone away, which would end the shell by a signal.
  const gone = await run('bash', ['-c', `echo | "$0" 3> >(exec 0<&-; sleep 1) 4</dev/null`, hook]).catch(
    (error: { code: number; stderr: string }) => error,
  )
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed. Try again') })
})
