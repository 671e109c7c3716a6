/** Eight clients at once, as `pip install` makes them: the server keeps within the memory that it promises, before, meanwhile and again. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { findPython } from './clients.ts'
import { sha256OfFile, writeLargeFile } from './xet-bytes.ts'
import { mostServerMemory, startXetHub } from './xet-hub.ts'

const clients = Array.from({ length: 8 }, (_, index) => `large-${index}.bin`)
const size = 48 << 20
const python = findPython('newest')

it.skipIf(python === null || process.platform !== 'linux')(
  'eight uploads by Xet, then eight downloads, and the uploads of other bytes',
  async () => {
    await using hub = await startXetHub()
    const hf = path.join(path.dirname(python ?? ''), 'hf')
    const held = async (what: string): Promise<void> => {
      const peak = await hub.peak()
      console.info(`${what}: server at most ${(peak / 1e6).toFixed(0)} MB`)
      expect(peak, `memory of the server: ${what}`).toBeLessThan(mostServerMemory)
    }
    const uploadAll = async (): Promise<string[]> => {
      const digests: string[] = []
      for (const name of clients) {
        await rm(path.join(hub.folder, name), { force: true })
        digests.push(await writeLargeFile(path.join(hub.folder, name), size))
      }
      const send = (name: string) => hub.client(hf, ['upload', 'ada/eight', path.join(hub.folder, name), name])
      await Promise.all(clients.map((name) => send(name)))
      return digests
    }
    await hub.peak()
    const digests = await uploadAll()
    // Half of it compresses to a half.
    expect(await hub.xorbBytes()).toBeGreaterThan(0.6 * size * clients.length)
    await held('8 uploads at once')
    const target = (name: string) => path.join(hub.folder, 'fetched', name)
    await mkdir(path.join(hub.folder, 'fetched'))
    const fetchOne = (name: string) => hub.client(hf, ['download', 'ada/eight', name, '--local-dir', target(name)])
    await Promise.all(clients.map((name) => fetchOne(name)))
    const found = await Promise.all(clients.map((name) => sha256OfFile(path.join(target(name), name))))
    expect(found).toEqual(digests)
    await held('8 downloads at once')
    await uploadAll()
    await held('8 uploads at once, again')
  },
  600_000,
)
