/** `holdfast storage`, and the commands about deleted repos: what they print, and their exit codes. */
import { randomBytes } from 'node:crypto'
import { truncate } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeUser, type TestUser } from '../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { nameBlobs, type Place, putFile, putObject, randomXorb, wholeFile } from '../../tests/support/stored-bytes.ts'
import type { Hub } from '../hub.ts'
import { adminCommand } from './admin.ts'
import { storageCommand } from './storage.ts'

describe('holdfast storage', () => {
  let running: TestHub
  let shared: Hub
  let ada: TestUser
  let place: Place
  beforeAll(async () => {
    running = await startHub()
    shared = { ...running.hub, close: () => Promise.resolve() }
    ada = await makeUser(running, 'Ada', { tokenRole: 'write' })
    place = { repoId: String((await api('POST', '/api/repos/create', { name: 'full' })).id), scope: ada.id }
  })
  afterAll(() => running.stop())
  afterEach(() => vi.restoreAllMocks())

  async function api(method: string, at: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${running.url}${at}`, {
      method,
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(200)
    const text = await response.text()
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }

  async function run(...args: string[]): Promise<{ out: string; code: number | string | undefined }> {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    const open = () => Promise.resolve(shared)
    const program = new Command().addCommand(storageCommand(open)).addCommand(adminCommand(open))
    process.exitCode = 0
    try {
      await program.parseAsync(args, { from: 'user' })
      return { out, code: process.exitCode }
    } finally {
      process.exitCode = 0
      vi.restoreAllMocks()
    }
  }

  it('shows what is stored, for namespaces and for the repos of one', async () => {
    const file = wholeFile(randomXorb(2))
    const object = await putObject(running.hub, place, randomBytes(2_048))
    await nameBlobs(running.hub, place, object, await putFile(running.hub, place, file))
    expect((await run('storage', 'usage')).out).toBe('Ada\tnot counted yet\n')
    const { out } = await run('storage', 'usage', 'ada', '--count')
    expect(out).toBe('model Ada/full\t2\t19.6 KiB\t19.6 KiB\t0 B\nAda\t2\t19.6 KiB\t19.6 KiB\t0 B\n')
    const [line = ''] = (await run('storage', 'usage', '--json')).out.split('\n')
    expect(JSON.parse(line)).toMatchObject({ name: 'Ada', files: 2, logical: 20_048, stored: 20_064, saved: 0 })
  })

  it('says what would go, and removes it', async () => {
    const lost = await putObject(running.hub, place, randomBytes(3_072))
    await running.hub.transaction((tx) =>
      tx.updateTable('blob').set({ leaseUntil: 1 }).where('sha256', '=', lost).execute(),
    )
    expect((await run('storage', 'collect', '--dry-run')).out).toContain('large files\t1\t3.0 KiB\twould go\n')
    expect((await run('storage', 'collect')).out).toContain('large files\t1\t3.0 KiB\tremoved\n')
    expect((await run('storage', 'collect', '--strays')).out).toContain('total\t\t0 B\tremoved\n')
  })

  it('checks every byte; damage is told with its repos and by the exit code', async () => {
    expect(await run('storage', 'scrub')).toEqual({ out: '', code: 0 })
    const [object] = await running.hub.blobs.list('object', null, 1)
    const hash = object?.hash ?? ''
    await truncate(path.join(running.folder, 'blobs', hash.slice(0, 2), hash.slice(2, 4), hash), 1)
    const { out, code } = await run('storage', 'scrub', '--rate', '500')
    expect(out).toBe(`object\t${hash}\t2048\tIt has 1 bytes instead of 2048.\tmodel Ada/full\n`)
    expect(code).toBe(1)
  })

  it('lists deleted repos and brings one back', async () => {
    await api('DELETE', '/api/repos/delete', { name: 'full' })
    expect((await run('admin', 'list-deleted-repos')).out).toMatch(
      new RegExp(`^${place.repoId}\tmodel\tAda/full\t\\S+Z\t\\S+Z\t20048\n$`),
    )
    expect((await run('admin', 'restore-repo', 'Ada/full', '--as', 'Ada/back')).out).toBe('Ada/back\n')
    expect((await run('admin', 'list-deleted-repos')).out).toBe('')
    const info = await fetch(`${running.url}/api/models/Ada/back`)
    expect(info.status).toBe(200)
  })
})
