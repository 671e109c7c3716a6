/** What a server says of the tokens that a call took: at the end of its answer, in the words of OpenAI's APIs. */

export interface TokenCounts {
  readonly tokensIn: number | null
  readonly tokensOut: number | null
}

export const notCounted: TokenCounts = { tokensIn: null, tokensOut: null }

/** What went through the hub in a call. */
export interface Passed {
  readonly sentBytes: number
  /** Of an answer that is no stream. */
  readonly answerBytes: number
  /** Of a stream; most servers send one for each token. */
  readonly events: number
}

export const nothingPassed: Passed = { sentBytes: 0, answerBytes: 0, events: 0 }

/** Of English, about as many letters make a token. */
const bytesOfToken = 4
/** Their answers are long lists of numbers. */
const vectorRoutes: readonly string[] = ['embeddings', 'feature-extraction', 'sentence-similarity']

/** What is sent there is sound, of which no bytes are letters. */
const speechRoute = 'automatic-speech-recognition'

/**
 * What a call is held to have taken where its server does not say: else whoever streams without asking for the count would be under no limit of tokens.
 */
export function guessedTokens(route: string, { sentBytes, answerBytes, events }: Passed): number {
  if (answerBytes === 0 && events === 0) return 0
  const read = (route === speechRoute ? 0 : sentBytes) + (vectorRoutes.includes(route) ? 0 : answerBytes)
  return Math.ceil(read / bytesOfToken) + events
}

/** More is not believed. */
const mostTokens = 1_000_000_000

/** Of a whole answer, or of one event of a stream; null where it says nothing. */
export function countsIn(answer: unknown): TokenCounts | null {
  const usage = memberOf(answer, 'usage') ?? memberOf(memberOf(answer, 'response'), 'usage')
  if (typeof usage !== 'object' || usage === null) return null
  const tokensIn = countOf(memberOf(usage, 'prompt_tokens') ?? memberOf(usage, 'input_tokens'))
  const tokensOut = countOf(memberOf(usage, 'completion_tokens') ?? memberOf(usage, 'output_tokens'))
  return tokensIn === null && tokensOut === null ? null : { tokensIn, tokensOut }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= mostTokens ? value : null
}

/** A line of a stream that is longer says nothing of tokens. */
const longestLine = 262_144

/** Looks through a stream of events while it is passed on, a line at a time. */
export class CountingReader {
  #line = ''
  #isTooLong = false
  #last: TokenCounts | null = null
  #events = 0

  get counts(): TokenCounts {
    return this.#last ?? notCounted
  }

  /** How many it had so far; of most servers one for each token. */
  get events(): number {
    return this.#events
  }

  read(chunk: Buffer): void {
    // Every byte a letter: only names and numbers of ASCII are looked at.
    const text = chunk.toString('latin1')
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#add(text.slice(from, end))
      this.#look()
      from = end + 1
    }
    this.#add(text.slice(from))
  }

  end(): void {
    this.#look()
  }

  #add(part: string): void {
    if (this.#line.length + part.length > longestLine) this.#isTooLong = true
    else this.#line += part
  }

  #look(): void {
    const line = this.#line
    const isWhole = !this.#isTooLong
    this.#line = ''
    this.#isTooLong = false
    if (!line.startsWith('data:')) return
    this.#events++
    if (!isWhole || !line.includes('"usage"')) return
    try {
      this.#last = countsIn(JSON.parse(line.slice(5))) ?? this.#last
    } catch (error) {
      // It is passed on as it is: whoever asked for it judges it.
      if (!(error instanceof SyntaxError)) throw error
    }
  }
}
