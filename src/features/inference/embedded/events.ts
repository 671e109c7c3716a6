/** Text as it is generated, in the events of OpenAI's streams. */
import { PassThrough } from 'node:stream'
import type { BackendAnswer } from '../ask-backend.ts'
import { notCounted, type TokenCounts } from '../token-counts.ts'
import type { Ran } from './embedded-host.ts'
import { generatedShape } from './job.ts'
import { type OpenAiCall, type Told, usageEvent } from './open-ai-job.ts'

/** Settles with its first event. What fails before that is thrown as it is; later the stream breaks off. */
export async function eventsOf(
  stream: NonNullable<OpenAiCall['stream']>,
  told: Told,
  leaving: AbortController,
  run: (onText: (text: string) => void) => Promise<Ran>,
): Promise<BackendAnswer> {
  const out = new PassThrough()
  let counts: TokenCounts = notCounted
  const tell = (event: object | '[DONE]'): void => {
    if (!out.destroyed) out.write(`data: ${event === '[DONE]' ? event : JSON.stringify(event)}\n\n`)
  }
  let last = { object: '' }
  const part = (event: object): void => {
    last = event as { object: string }
    tell(event)
  }
  run((text) => part(stream.part(told, text))).then(
    ({ result, tokensIn, tokensOut }) => {
      counts = { tokensIn, tokensOut }
      part(stream.end(told, generatedShape.safeParse(result).data?.finish ?? 'stop'))
      if (stream.tellsUsage) tell(usageEvent(told, last.object, { tokensIn, tokensOut }))
      tell('[DONE]')
      out.end()
    },
    (error: unknown) => out.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  const rest: AsyncIterator<Buffer> = out[Symbol.asyncIterator]()
  const first = await rest.next()
  return {
    kind: 'stream',
    first: first.value,
    rest,
    end: () => {
      leaving.abort(new Error('Nobody waits for it.'))
      out.destroy()
    },
    counts: () => counts,
  }
}
