/** Streams of a model that have begun and say nothing more: `ready N` once each has had its first word. They stay open until this process is ended. */
import { request } from 'node:http'

export interface IdleStreamsOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly streams: number
}

/** Opened at once. */
const atOnce = 20

export async function holdIdleStreams({ url, headers, body, streams }: IdleStreamsOptions): Promise<void> {
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const asked = request(url, {
        method: 'POST',
        agent: false,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
      })
      asked.once('error', reject)
      asked.once('response', (response) => {
        if (response.statusCode !== 200) reject(new Error(`It answered ${response.statusCode}.`))
        response.once('data', () => resolve())
        response.once('error', reject)
        // After its first word a stream that ends is one that is not open while memory is measured.
        response.once('end', () => process.exit(1))
      })
      asked.end(body)
    })
  let left = streams
  const opened = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, opened))
  process.stdout.write(`ready ${streams}\n`)
}
