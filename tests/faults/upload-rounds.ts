/** Kills a server in the middle of uploads. What was acknowledged is there, byte for byte and linked; of the rest nothing is left that counts. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { findLinkedBlobs } from '../../src/features/storage/service.ts'
import { objectNamed } from '../../src/platform/blobs/blob-store.ts'
import { ingestRepo, openIngestHub } from '../support/ingest.ts'

export interface UploadResult {
  acknowledged: number
  /** Uploads that a kill interrupted. */
  interrupted: number
  /** Files of writes under way that a kill left behind. */
  leftBehind: number
}

const partSize = 256 * 1024

export async function runUploadRounds(rounds: number): Promise<UploadResult> {
  const data = await mkdtemp(path.join(tmpdir(), 'holdfast-uploads-'))
  const acknowledged = new Map<string, number>()
  const result: UploadResult = { acknowledged: 0, interrupted: 0, leftBehind: 0 }
  try {
    for (let round = 0; round < rounds; round++) {
      const server = await startServer(data)
      const before = acknowledged.size
      const clients = [0, 1, 2].map(() => uploadUntilDead(server.url, acknowledged))
      // Two rounds of three strike a server that is surely at work, the third whenever it comes.
      for (let waited = 0; round % 3 > 0 && acknowledged.size === before && waited < 10_000; waited += 5) await pause(5)
      await pause(randomInt(0, 300))
      const exited = once(server.process, 'exit')
      server.process.kill('SIGKILL')
      await exited
      result.interrupted += (await Promise.all(clients)).length
      result.leftBehind += (await readdir(path.join(data, 'blobs', 'incoming'))).length
      await expectAgreement(data, acknowledged)
    }
    result.acknowledged = acknowledged.size
    return result
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function startServer(data: string): Promise<{ process: ReturnType<typeof spawn>; url: string }> {
  const script = fileURLToPath(new URL('./upload-server.ts', import.meta.url))
  const server = spawn(process.execPath, [script, data], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: server.stdout }).once('line', (line) => resolve(line.replace('ready ', '')))
    server.once('exit', () => reject(new Error('The server of an upload round did not start.')))
  })
  return { process: server, url }
}

/** Returns the hash of the upload that was cut. */
async function uploadUntilDead(url: string, acknowledged: Map<string, number>): Promise<string> {
  for (;;) {
    const bytes = randomBytes(randomInt(1, 2_000_000))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    try {
      const name = `${sha256}/${bytes.length}`
      if (randomInt(2) === 0) await put(`${url}/put/${name}`, bytes)
      else {
        const upload = (await (await put(`${url}/begin/${name}`, Buffer.alloc(0))).json()) as {
          id: string
          count: number
        }
        for (let part = 1; part <= upload.count; part++) {
          const piece = bytes.subarray((part - 1) * partSize, part * partSize)
          await put(`${url}/part/${name}/${upload.id}/${part}`, piece)
        }
        await put(`${url}/complete/${name}/${upload.id}/${upload.count}`, Buffer.alloc(0))
      }
      acknowledged.set(sha256, bytes.length)
    } catch (error) {
      // fetch says TypeError when the connection breaks; anything else is a fault of ours.
      if (error instanceof TypeError) return sha256
      throw error
    }
  }
}

async function put(url: string, bytes: Buffer): Promise<Response> {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}

async function expectAgreement(data: string, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const hub = await openIngestHub(data)
  try {
    const linked = await findLinkedBlobs(hub.db, ingestRepo, [...acknowledged.keys()])
    expect(new Map([...linked].sort())).toEqual(new Map([...acknowledged].sort()))
    expect(await readdir(path.join(data, 'blobs', 'incoming'))).toEqual([])
    // Every file under a name is whole, and has a row by which it can be collected.
    const entries = await readdir(path.join(data, 'blobs'), { recursive: true, withFileTypes: true })
    const names = entries.filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name))
    for (const { name, parentPath } of names) {
      const row = await hub.db.read.selectFrom('blob').select('size').where('sha256', '=', name).executeTakeFirst()
      expect(await hub.blobs.findSize(objectNamed(name))).toBe(row?.size)
      expect(parentPath.endsWith(path.join(name.slice(0, 2), name.slice(2, 4)))).toBe(true)
      const hash = createHash('sha256')
      for await (const chunk of await hub.blobs.openRange(objectNamed(name), 0, (row?.size ?? 1) - 1))
        hash.update(chunk)
      expect(hash.digest('hex')).toBe(name)
    }
  } finally {
    await hub.close()
  }
}
