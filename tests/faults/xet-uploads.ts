/**
 * Clients of the Xet rounds: each sends xorbs, a shard and a commit, again and again until the server is dead, and notes what was acknowledged.
 * What a kill cut is repeated from its start in the next round, as people do it, and must succeed then.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { compressFrameSync } from 'lz4-napi'
import {
  type CasConnection,
  cas,
  chunkBytes,
  connect,
  makeFile,
  makeShard,
  makeXorb,
  postShard,
  postXorb,
  type TestFile,
  type TestTerm,
  type TestXorb,
} from '../support/xet-upload.ts'

export const address = 'ada/rounds'

export interface Acknowledged {
  readonly xorbs: Set<string>
  /** SHA-256 by Xet hash. */
  readonly files: Map<string, string>
  /** By path, which no other upload has. */
  readonly commits: Map<string, { readonly commit: string; readonly sha256: string }>
}

export type Phase = 'connect' | 'xorbs' | 'shard' | 'commit'

export interface Upload {
  readonly path: string
  readonly xorbs: readonly TestXorb[]
  readonly file: TestFile
  readonly shard: 1 | 2
  attempts: number
}

export interface Cut {
  readonly upload: Upload
  /** What it was sending. */
  readonly phase: Phase
}

export interface Client {
  readonly url: string
  readonly token: string
  readonly acknowledged: Acknowledged
  begins(phase: Phase): void
}

/** Some xorbs of the last uploads: later files are made of them too, as with dedup. */
const stored: TestXorb[] = []
const mostStored = 12

/** Works until the connection breaks; returns the upload that was cut. `pending` is done first. */
export async function uploadUntilDead(client: Client, pending: Upload | null): Promise<Cut> {
  let upload = pending ?? newUpload()
  let phase: Phase = 'connect'
  const begins = (next: Phase): void => {
    phase = next
    client.begins(next)
  }
  try {
    const connection = await connect(client.url, address, 'write', client.token)
    for (;;) {
      await send({ ...client, begins }, connection, upload)
      upload = newUpload()
    }
  } catch (error) {
    // fetch says TypeError when the connection breaks; anything else is a fault of ours.
    if (error instanceof TypeError) return { upload, phase }
    throw error
  }
}

function newUpload(): Upload {
  const xorbs = Array.from({ length: randomInt(1, 4) }, newXorb)
  const terms = xorbs.map((xorb) => someOf(xorb))
  const old = stored[randomInt(mostStored)]
  if (old !== undefined) terms.splice(randomInt(terms.length + 1), 0, someOf(old))
  const path = `${randomBytes(8).toString('hex')}.bin`
  return { path, xorbs, file: makeFile(terms), shard: randomInt(2) === 0 ? 1 : 2, attempts: randomInt(2) }
}

function newXorb(): TestXorb {
  // Most are small; one of eight takes long enough to be cut halfway.
  const count = randomInt(8) === 0 ? 60 : randomInt(1, 6)
  return makeXorb(
    Array.from({ length: count }, () => {
      const half = randomBytes(randomInt(4_000, 60_000))
      return Buffer.concat([half, half])
    }),
  )
}

function someOf(xorb: TestXorb): TestTerm {
  const start = randomInt(xorb.chunks.length)
  return { xorb, start, end: randomInt(start, xorb.chunks.length) + 1 }
}

/** One content has many forms as a xorb. Each repetition sends another one than before, and the index must fit the bytes that stayed. */
function inForm(xorb: TestXorb, attempt: number): TestXorb {
  if (attempt % 2 === 0) return xorb
  const chunks = xorb.chunks.map(({ raw }) => chunkBytes(raw, compressFrameSync(raw), 1, raw.length))
  return { ...xorb, bytes: Buffer.concat(chunks) }
}

async function send(client: Client, connection: CasConnection, upload: Upload): Promise<void> {
  const { acknowledged } = client
  client.begins('xorbs')
  upload.attempts++
  // All are waited for, so that none of them is under way unseen when one breaks.
  const sent = await Promise.allSettled(
    upload.xorbs.map(async (xorb) => {
      const answer = await postXorb(connection, inForm(xorb, upload.attempts))
      if (answer.status !== 200) throw new Error(`The xorb was answered ${answer.status}: ${answer.text}`)
      acknowledged.xorbs.add(xorb.hash)
    }),
  )
  for (const outcome of sent) if (outcome.status === 'rejected') throw outcome.reason
  client.begins('shard')
  await sendShard(connection, upload)
  acknowledged.files.set(upload.file.hash, upload.file.sha256)
  for (const xorb of upload.xorbs) stored[randomInt(mostStored)] = xorb
  client.begins('commit')
  acknowledged.commits.set(upload.path, { commit: await commit(client, upload), sha256: upload.file.sha256 })
}

async function sendShard(connection: CasConnection, { file, xorbs, shard: version }: Upload): Promise<void> {
  const shard = makeShard([file], xorbs)
  if (version === 2) {
    const { status, last } = await postShard(connection, shard)
    // Lines that end without a result are a broken connection to a client too.
    if (status === 200 && last.type !== 'result' && last.type !== 'error') throw new TypeError('The lines ended early.')
    if (status !== 200 || last.type !== 'result') throw new Error(`The shard was answered ${JSON.stringify(last)}`)
    return
  }
  const { status, text } = await cas(connection, 'POST', '/v1/shards', { body: shard })
  if (status !== 200) throw new Error(`The shard was answered ${status}: ${text}`)
}

async function commit({ url, token }: Client, { path, file }: Upload): Promise<string> {
  const lines = [
    { key: 'header', value: { summary: `Add ${path}` } },
    { key: 'lfsFile', value: { path, algo: 'sha256', oid: file.sha256, size: file.raw.length } },
  ]
  const response = await fetch(`${url}/api/models/${address}/commit/main`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`The commit was answered ${response.status}: ${text}`)
  return (JSON.parse(text) as { commitOid: string }).commitOid
}
