/** Sentences as vectors: by the library itself, or by asking a hub for them. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { libraryName } from '../../src/features/inference/embedded/embedded-host.ts'
import { loadLibrary } from '../../src/features/inference/embedded/library.ts'

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
  const ask = (input: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      // As the clients of OpenAI ask.
      const body = JSON.stringify({ model: options.headers['x-model'], input, encoding_format: 'base64' })
      const asked = request(options.url, {
        method: 'POST',
        headers: { ...options.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      })
      asked.once('error', reject)
      asked.once('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('end', () => {
          const text = Buffer.concat(parts).toString()
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`${response.statusCode} ${text}`))
        })
      })
      asked.end(body)
    })
  const first = JSON.parse(await ask(batches[0] ?? [])) as { data: { embedding: string }[] }
  const bytes = Buffer.from(first.data[0]?.embedding ?? '', 'base64')
  const startedAt = performance.now()
  const left = Array.from({ length: options.times }, () => batches).flat()
  await Promise.all(
    Array.from({ length: options.callers }, async () => {
      for (let batch = left.shift(); batch !== undefined; batch = left.shift()) await ask(batch)
    }),
  )
  tell(
    batches,
    options.times,
    startedAt,
    Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4)),
  )
}
