/**
 * The body of a form with files (`multipart/form-data`, RFC 7578), part by part as it arrives. In memory is never more than what the
 * connection gave last; whoever takes a part reads its bytes before the next one is asked for.
 */
import { HoldfastError } from '../../domain/errors.ts'

export interface FormPart {
  readonly name: string
  /** Null for a field that is no file. */
  readonly fileName: string | null
  /** To be read to its end. */
  readonly bytes: AsyncGenerator<Buffer>
}

export interface MultipartLimits {
  /** Bytes of the whole body. */
  readonly bodyLimit: number
  readonly partLimit: number
}

/** Bytes of the lines over one part. */
const headLimit = 16_384
const endOfHead = Buffer.from('\r\n\r\n')

/** The boundary that the header names. Throws `unsupported_media_type`. */
export function boundaryOf(contentType: string | null): string {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:[\s\S]*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '') ??
    []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new HoldfastError('unsupported_media_type', { allowed: 'multipart/form-data' })
  return boundary
}

/** Throws `bad_request` for what is no such body, and `body_too_large`. */
export async function* readMultipart(
  source: AsyncIterable<Buffer>,
  boundary: string,
  limits: MultipartLimits,
): AsyncGenerator<FormPart> {
  const scanner = new Scanner(source, limits.bodyLimit)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  try {
    // What stands before the first part counts for nothing.
    for await (const _ of scanner.until(delimiter));
    for (let parts = 0; (await scanner.take(2)) === '\r\n'; parts++) {
      if (parts >= limits.partLimit)
        throw new HoldfastError('bad_request', { reason: `A form has at most ${limits.partLimit} parts.` })
      const bytes = scanner.until(delimiter)
      yield { ...(await headOf(scanner)), bytes }
      for await (const _ of bytes);
    }
  } finally {
    // Whoever holds on to a body keeps the answer from being sent.
    await scanner.close()
  }
}

async function headOf(scanner: Scanner): Promise<Omit<FormPart, 'bytes'>> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of scanner.until(endOfHead)) {
    size += piece.length
    if (size > headLimit) throw broken('the lines over a part are too long')
    pieces.push(piece)
  }
  const lines = Buffer.concat(pieces).toString('utf8').split('\r\n')
  const disposition = lines.find((line) => /^content-disposition\s*:\s*form-data\b/i.test(line))
  const name = disposition === undefined ? null : parameterOf(disposition, 'name')
  if (disposition === undefined || name === null) throw broken('a part has no name')
  return { name, fileName: parameterOf(disposition, 'filename') }
}

/** As browsers write it: quoted, with three characters escaped. */
function parameterOf(line: string, parameter: string): string | null {
  const found = new RegExp(`;\\s*${parameter}="([^"]*)"`, 'i').exec(line)?.[1]
  return found === undefined
    ? null
    : found.replace(/%(?:0D|0A|22)/gi, (sign) => String.fromCharCode(Number.parseInt(sign.slice(1), 16)))
}

class Scanner {
  readonly #source: AsyncIterator<Buffer>
  readonly #limit: number
  #received = 0
  /** As if a line had ended before: the first delimiter has none. */
  #held: Buffer = Buffer.from('\r\n')

  constructor(source: AsyncIterable<Buffer>, limit: number) {
    this.#source = source[Symbol.asyncIterator]()
    this.#limit = limit
  }

  /** What stands before the delimiter, which is then behind us. */
  async *until(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(delimiter)
      if (at !== -1) {
        const before = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + delimiter.length)
        if (before.length > 0) yield before
        return
      }
      // The delimiter may have begun.
      const sure = this.#held.length - delimiter.length + 1
      if (sure > 0) {
        const before = this.#held.subarray(0, sure)
        this.#held = this.#held.subarray(sure)
        yield before
      }
      await this.#fill()
    }
  }

  /** The next `length` bytes. */
  async take(length: number): Promise<string> {
    while (this.#held.length < length) await this.#fill()
    const taken = this.#held.toString('latin1', 0, length)
    this.#held = this.#held.subarray(length)
    return taken
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#source.next()
    if (done === true) throw broken('it ends too early')
    this.#received += value.length
    if (this.#received > this.#limit) throw new HoldfastError('body_too_large', { limit: `${this.#limit} bytes` })
    this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value])
  }
}

function broken(reason: string): HoldfastError {
  return new HoldfastError('bad_request', { reason: `The form is broken: ${reason}.` })
}
