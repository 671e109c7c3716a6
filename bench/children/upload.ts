/**
 * Sends one large body from memory: to the yardstick as a plain PUT, to a hub as Git LFS does (batch, PUT, verify). The content is made of
 * one block, told apart by its seed, and its hash is known before the clock starts.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { openSocket, readHead, requestHead } from './raw-http.ts'

export interface UploadOptions {
  /** The repo's address on the hub, or the yardstick's. */
  readonly url: string
  readonly kind: 'lfs' | 'put'
  readonly headers: Readonly<Record<string, string>>
  /** Bytes; a multiple of 1 MiB. */
  readonly size: number
  /** Equal seeds make equal bytes. */
  readonly seed: string
}

export interface UploadResult {
  readonly seconds: number
  readonly sha256: string
}

interface BatchAnswer {
  readonly objects: readonly {
    readonly error?: { readonly message: string }
    readonly actions?: Readonly<
      Record<string, { readonly href: string; readonly header?: Readonly<Record<string, string>> }>
    >
  }[]
}

const blockSize = 1 << 20

export async function upload(options: UploadOptions): Promise<void> {
  const body = makeBody(options)
  const startedAt = performance.now()
  if (options.kind === 'put') await put(new URL(options.url), {}, body)
  else await sendByLfs(options, body)
  const result: UploadResult = { seconds: (performance.now() - startedAt) / 1000, sha256: body.sha256 }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

interface Body {
  readonly size: number
  readonly sha256: string
  block(index: number): Buffer
}

function makeBody({ size, seed }: UploadOptions): Body {
  const blocks = Math.ceil(size / blockSize)
  const block = Buffer.alloc(blockSize)
  // Bytes that do not compress, without the cost of a random generator for a whole gibibyte.
  for (let at = 0, state = 1; at < blockSize; at += 4) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    block.writeInt32LE(state | 0, at)
  }
  const first = Buffer.from(block)
  first.write(seed, 0, 'latin1')
  const hash = createHash('sha256').update(first)
  for (let index = 1; index < blocks; index++) hash.update(block)
  return { size: blocks * blockSize, sha256: hash.digest('hex'), block: (index) => (index === 0 ? first : block) }
}

async function sendByLfs({ url, headers }: UploadOptions, body: Body): Promise<void> {
  const object = { oid: body.sha256, size: body.size }
  const batch = { operation: 'upload', transfers: ['basic'], objects: [object], hash_algo: 'sha256' }
  const lfs = { ...headers, accept: 'application/vnd.git-lfs+json', 'content-type': 'application/vnd.git-lfs+json' }
  const answer = (await post(`${url}.git/info/lfs/objects/batch`, lfs, batch)) as BatchAnswer
  const [stored] = answer.objects
  const action = stored?.actions?.upload
  if (action === undefined) throw new Error(`The hub wants no bytes: ${JSON.stringify(stored)}`)
  await put(new URL(action.href), action.header ?? {}, body)
  const verify = stored?.actions?.verify
  if (verify !== undefined) await post(verify.href, { ...lfs, ...verify.header }, object)
}

async function post(url: string, headers: Readonly<Record<string, string>>, value: unknown): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { ...headers }, body: JSON.stringify(value) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`)
  return text === '' ? null : JSON.parse(text)
}

async function put(url: URL, headers: Readonly<Record<string, string>>, body: Body): Promise<void> {
  let answer = Buffer.alloc(0)
  let finish: (error: Error | null) => void = () => undefined
  const answered = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === null ? resolve() : reject(error))
  })
  answered.catch(() => undefined)
  const socket = await openSocket(
    url,
    (piece) => {
      answer = Buffer.concat([answer, piece])
      const head = readHead(answer)
      if (head === null) return
      finish(head.status < 300 ? null : new Error(`The server answered: ${answer.toString('latin1', 0, 600)}`))
    },
    65_536,
  )
  socket.once('error', finish)
  socket.once('close', () => finish(new Error('The connection ended before an answer.')))
  // What the client must send itself is not taken from the hub's map.
  const { 'Content-Length': _length, 'Transfer-Encoding': _encoding, ...extra } = headers
  socket.write(requestHead('PUT', url, { 'content-length': String(body.size), ...extra, connection: 'close' }))
  for (let sent = 0, index = 0; sent < body.size; index++, sent += blockSize) {
    if (!socket.write(body.block(index)) && !(await Promise.race([once(socket, 'drain'), answered]))) break
  }
  try {
    await answered
  } finally {
    socket.destroy()
  }
}
