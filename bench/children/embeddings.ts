/** Sentences as vectors: by the library itself, or by asking a hub for them. */
import { readFileSync } from 'node:fs'
import { libraryName } from '../../src/features/inference/embedded/embedded-host.ts'
import { loadLibrary } from '../../src/features/inference/embedded/library.ts'
import { openSocket, readHead, requestHead } from './raw-http.ts'

export interface SentencesOptions {
  /** Where the model lies. */
  readonly folder: string
  /** JSON: a list of lists, each asked for at once. */
  readonly sentences: string
  readonly times: number
}

export interface AskedOptions extends Omit<SentencesOptions, 'folder'> {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly callers: number
}

export interface SentencesResult {
  readonly perSecond: number
  /** Of the first sentence. */
  readonly vector: readonly number[]
}

function batchesOf({ sentences }: { readonly sentences: string }): string[][] {
  return JSON.parse(readFileSync(sentences, 'utf8')) as string[][]
}

function tell(batches: readonly string[][], times: number, startedAt: number, vector: readonly number[]): void {
  const count = batches.reduce((sum, batch) => sum + batch.length, 0) * times
  const result: SentencesResult = { perSecond: count / ((performance.now() - startedAt) / 1_000), vector }
  console.log(JSON.stringify(result))
}

export async function embedDirectly(options: SentencesOptions): Promise<void> {
  const library = await loadLibrary(libraryName)
  const pipeline = await library.pipeline('feature-extraction', options.folder, { dtype: 'fp32', device: 'cpu' })
  const batches = batchesOf(options)
  const embed = async (batch: readonly string[]) =>
    (await pipeline(batch, { pooling: 'mean', normalize: true })) as { dims: number[]; data: Float32Array }
  const first = await embed(batches[0] ?? [])
  const startedAt = performance.now()
  for (let time = 0; time < options.times; time++) for (const batch of batches) await embed(batch)
  tell(batches, options.times, startedAt, [...first.data.subarray(0, first.dims[1])])
}

export async function embedByHub(options: AskedOptions): Promise<void> {
  const batches = batchesOf(options)
  const callers = await Promise.all(Array.from({ length: options.callers }, () => openCaller(options)))
  const first = JSON.parse((await callers[0]?.ask(batches[0] ?? [])) ?? '') as { data: { embedding: string }[] }
  const bytes = Buffer.from(first.data[0]?.embedding ?? '', 'base64')
  const startedAt = performance.now()
  const left = Array.from({ length: options.times }, () => batches).flat()
  await Promise.all(
    callers.map(async ({ ask }) => {
      for (let batch = left.shift(); batch !== undefined; batch = left.shift()) await ask(batch)
    }),
  )
  tell(
    batches,
    options.times,
    startedAt,
    Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4)),
  )
  for (const { leave } of callers) leave()
}

interface Caller {
  ask(input: readonly string[]): Promise<string>
  leave(): void
}

/** One connection that stays open, with one call under way. */
async function openCaller({ url: address, headers }: AskedOptions): Promise<Caller> {
  const url = new URL(address)
  let pending: Buffer = Buffer.alloc(0)
  let waiting: { resolve(text: string): void; reject(error: Error): void } | null = null
  const socket = await openSocket(
    url,
    (piece) => {
      // The socket's buffer is used again: what is kept is a copy.
      pending = Buffer.concat([pending, piece])
      const head = readHead(pending)
      const end = head === null ? Number.NaN : head.end + Number(head.headers.get('content-length'))
      if (head === null || pending.length < end) return
      const text = pending.toString('utf8', head.end)
      pending = Buffer.alloc(0)
      if (head.status === 200) waiting?.resolve(text)
      else waiting?.reject(new Error(`${head.status} ${text}`))
    },
    65_536,
  )
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('The hub closed the connection.')))
  return {
    ask: (input) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        // As the clients of OpenAI ask.
        const body = JSON.stringify({ model: headers['x-model'], input, encoding_format: 'base64' })
        const length = String(Buffer.byteLength(body))
        const head = { ...headers, 'content-type': 'application/json', 'content-length': length }
        socket.write(requestHead('POST', url, head) + body)
      }),
    leave: () => socket.destroy(),
  }
}
