/** Idea 19: `holdfast access` beside a running hub. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser } from '../../tests/support/accounts.ts'
import { dialects } from '../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { accessCommand } from './access.ts'

describe.each(dialects)('holdfast access on %s', (dialect) => {
  let at: TestHub
  beforeAll(async () => {
    at = await startHub({ dialect })
    const owner = await makeUser(at, 'boss')
    await makeUser(at, 'mara')
    await makeOrganization(at, 'acme', owner, { mara: 'read' })
  }, 60_000)
  afterAll(() => at.stop())

  const run = async (...args: string[]) => {
    let out = ''
    let told = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      told += String(chunk)
      return true
    })
    process.exitCode = 0
    const hub = { ...at.hub, close: () => Promise.resolve() }
    try {
      await new Command()
        .addCommand(accessCommand(() => Promise.resolve(hub)))
        .parseAsync(['access', ...args], { from: 'user' })
      return { out, told, code: process.exitCode }
    } finally {
      process.exitCode = 0
      vi.restoreAllMocks()
    }
  }

  test('idea 19: drift ends with 2 where the organization differs, and with 0 where it does not', async () => {
    const file = path.join(at.folder, 'acme.yaml')
    const { out } = await run('export', 'acme')
    await writeFile(file, out)
    expect(await run('drift', 'acme', file)).toMatchObject({ out: '', code: 0 })
    await writeFile(file, out.replace('mara: read', 'mara: admin'))
    expect(await run('drift', 'acme', file)).toMatchObject({
      out: 'change\tMember "mara": read becomes admin.\n',
      code: 2,
    })
    expect((await run('plan', 'acme', file)).code).toBe(0)
    // A file that is not there is told in words, and nothing is compared.
    await expect(run('plan', 'acme', `${file}.none`)).rejects.toThrow('cannot be read (ENOENT)')
  })

  test('idea 19: apply shows the plan, asks, and makes what it showed', async () => {
    const file = path.join(at.folder, 'apply.yaml')
    const { out } = await run('export', 'acme')
    await writeFile(file, out.replace('mara: read', 'mara: write'))
    const change = 'change\tMember "mara": read becomes write.\n'
    const answering = async (answer: string) => {
      const input = Object.assign(Readable.from([answer]), { fd: 0 })
      const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin)
      try {
        return await run('apply', 'acme', file)
      } finally {
        stdin.mockRestore()
      }
    }
    for (const no of ['no\n', 'y\n', '\n', '']) {
      const refused = await answering(no)
      expect(refused).toMatchObject({ out: change, code: 2 })
      expect(refused.told).toContain('Nothing was changed.')
    }
    expect((await run('drift', 'acme', file)).code).toBe(2)
    expect(await answering('yes\n')).toMatchObject({ out: change, code: 0 })
    expect((await run('drift', 'acme', file)).code).toBe(0)
    expect(await run('apply', 'acme', file)).toMatchObject({ out: '', code: 0 })
    // Without a question, for a job; and a file with problems is not asked about.
    await writeFile(file, out)
    expect(await run('apply', 'acme', file, '--yes')).toMatchObject({ code: 0 })
    await writeFile(file, out.replace('mara: read', 'mara: read\n  nobody: read'))
    const refused = await run('apply', 'acme', file, '--yes')
    expect(refused.code).toBe(1)
    expect(refused.told).toMatch(/Line \d+, members\.nobody: This user does not exist/)
    const actor = await at.hub.db.read
      .selectFrom('event')
      .select(['actorKind', 'actorName'])
      .where('action', '=', 'org.access_file.apply')
      .executeTakeFirstOrThrow()
    expect(actor).toEqual({ actorKind: 'system', actorName: 'holdfast access' })
  })
})
