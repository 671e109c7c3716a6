/** Streams of a model, many at once: when the first word of each came, and its last. */
import { request } from 'node:http'
import { percentile } from '../figures.ts'

export interface StreamsOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly streams: number
  /** Milliseconds between the beginnings of two. */
  readonly apartMs: number
}

/** Milliseconds since each was asked for. */
export interface StreamsResult {
  readonly firstP50: number
  readonly firstP99: number
  readonly slowest: number
}

export async function streams(options: StreamsOptions): Promise<void> {
  const first: number[] = []
  const whole: number[] = []
  const one = (isCounted: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now()
      let last = ''
      const asked = request(options.url, {
        method: 'POST',
        agent: false,
        headers: { ...options.headers, 'content-type': 'application/json', 'content-length': options.body.length },
      })
      asked.once('error', reject)
      asked.once('response', (response) => {
        response.once('data', () => {
          if (isCounted) first.push(performance.now() - startedAt)
        })
        response.on('data', (part: Buffer) => {
          last = part.toString('latin1')
        })
        response.once('error', reject)
        response.once('end', () => {
          if (response.statusCode !== 200 || !last.includes('[DONE]'))
            reject(new Error(`${response.statusCode} ${last}`))
          if (isCounted) whole.push(performance.now() - startedAt)
          resolve()
        })
      })
      asked.end(options.body)
    })
  await one(false)
  await Promise.all(
    Array.from({ length: options.streams }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * options.apartMs))
      await one(true)
    }),
  )
  const result: StreamsResult = {
    firstP50: percentile(first, 0.5),
    firstP99: percentile(first, 0.99),
    slowest: Math.max(...whole),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
