/** Text as it is generated, in the events of OpenAI's streams. */
import { PassThrough } from 'node:stream'
import { HoldfastError } from '../../../domain/errors.ts'
import type { BackendAnswer } from '../ask-backend.ts'
import { notCounted, type TokenCounts } from '../token-counts.ts'
import type { Ran } from './embedded-host.ts'
import type { StreamWords } from './open-ai-call.ts'

/** Bytes that wait for whoever reads slowly: far more than the longest answer that can be asked for. */
const mostHeld = 33_554_432

/**
 * Settles with its first event. What fails before that is thrown as it is; later the stream breaks off, behind all that was said before. `seconds`:
 * what time it is.
 */
export async function eventsOf(
  words: StreamWords,
  leaving: AbortController,
  run: (onText: (text: string) => void) => Promise<Ran>,
  seconds: () => number,
): Promise<BackendAnswer> {
  const out = new PassThrough()
  let counts: TokenCounts = notCounted
  let failure: { readonly error: unknown } | null = null
  const tell = (events: string): void => {
    if (out.destroyed || leaving.signal.aborted) return
    out.write(events)
    // A process that a model has taken over may say anything, without end.
    if (out.writableLength > mostHeld)
      leaving.abort(new HoldfastError('backend_failed', { reason: 'it says more than it was asked for.' }))
  }
  async function work(): Promise<void> {
    const { result, tokensIn, tokensOut } = await run((text) => tell(words.part(text)))
    counts = { tokensIn, tokensOut }
    tell(words.end(result, { tokensIn, tokensOut, at: seconds() }))
  }
  work()
    .catch((error: unknown) => {
      failure = { error }
    })
    .finally(() => out.end())
  async function* told(): AsyncGenerator<Buffer, undefined> {
    yield* out
    if (failure !== null) throw failure.error
  }
  const rest = told()
  const first = await rest.next()
  if (first.done === true) throw new Error('A stream ended without an event.')
  return {
    kind: 'stream',
    first: first.value,
    rest,
    end: () => {
      leaving.abort(new Error('Nobody waits for it.'))
      out.destroy()
    },
    counts: () => counts,
    ...(words.brokenOff === undefined ? {} : { brokenOff: (message) => words.brokenOff?.(message) ?? '' }),
  }
}
