/** Idea 19: `holdfast access` beside a running hub. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
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

  test('idea 19: drift ends with 2 where the organization differs, and with 0 where it does not', async () => {
    const file = path.join(at.folder, 'acme.yaml')
    const run = async (...args: string[]) => {
      let out = ''
      vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
        out += String(chunk)
        return true
      })
      process.exitCode = 0
      const hub = { ...at.hub, close: () => Promise.resolve() }
      try {
        await new Command()
          .addCommand(accessCommand(() => Promise.resolve(hub)))
          .parseAsync(['access', ...args], { from: 'user' })
        return { out, code: process.exitCode }
      } finally {
        process.exitCode = 0
        vi.restoreAllMocks()
      }
    }
    const { out } = await run('export', 'acme')
    await writeFile(file, out)
    expect(await run('drift', 'acme', file)).toEqual({ out: '', code: 0 })
    await writeFile(file, out.replace('mara: read', 'mara: admin'))
    expect(await run('drift', 'acme', file)).toEqual({ out: 'change\tMember "mara": read becomes admin.\n', code: 2 })
    expect((await run('plan', 'acme', file)).code).toBe(0)
    // A file that is not there is told in words, and nothing is compared.
    await expect(run('plan', 'acme', `${file}.none`)).rejects.toThrow('cannot be read (ENOENT)')
  })
})
