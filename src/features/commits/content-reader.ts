/**
 * The value of `content` as it streams by. Clients send it before they say that it is base64, so it is decoded on that guess; where the
 * guess was wrong, the text is put together again, which strict base64 allows. Never more than the spool holds in memory.
 */
import { open } from 'node:fs/promises'
import { Base64Decoder } from './base64-decoder.ts'
import { ContentSpool, type SpooledContent, type SpoolOptions } from './content-spool.ts'

export type ContentEncoding = 'base64' | 'utf-8'

/** What is wrong with a content; the line it stands in is added by the parser. */
export class ContentFault extends Error {}

/** A multiple of three, so that encoded blocks join without padding. */
const recodeBlock = 3 << 16

export class ContentReader {
  readonly #options: SpoolOptions
  readonly #known: ContentEncoding | null
  readonly #decoder = new Base64Decoder()
  #spool: ContentSpool
  /** How many bytes at the beginning were decoded; null as long as all are. */
  #decodedEnd: number | null

  /** `known`: the encoding, where it was named before the content. */
  constructor(options: SpoolOptions, known: ContentEncoding | null) {
    this.#options = options
    this.#known = known
    this.#spool = new ContentSpool(options)
    this.#decodedEnd = known === 'utf-8' ? 0 : null
  }

  /** A run of the string's characters, escapes undone. Throws `ContentFault` for what can be known to be wrong already. */
  take(run: Buffer, isEscaped: boolean): void {
    if (this.#decodedEnd === null) {
      const bytes = this.#decoder.decode(run)
      if (bytes !== null) {
        this.#spool.append(bytes)
        return
      }
      if (this.#known === 'base64') throw notBase64()
      this.#decodedEnd = this.#spool.size
      this.#spool.append(Buffer.from(this.#decoder.carry, 'latin1'))
    }
    if (!isEscaped && hasControlCharacter(run)) throw new ContentFault('"content" has a raw control character')
    this.#spool.append(run)
  }

  flush(): Promise<void> {
    return this.#spool.flush()
  }

  /** The content, now that its encoding is known. */
  async finish(encoding: ContentEncoding): Promise<SpooledContent> {
    if (encoding === 'base64') {
      if (this.#decodedEnd !== null || this.#decoder.carry !== '') throw notBase64()
      return await this.#spool.finish()
    }
    if (this.#known !== 'utf-8') await this.#restoreText()
    return await this.#spool.finish()
  }

  discard(): Promise<void> {
    return this.#spool.discard()
  }

  async #restoreText(): Promise<void> {
    const decoded = this.#spool
    const wasAll = this.#decodedEnd === null
    const content = await decoded.finish()
    const end = this.#decodedEnd ?? content.size
    this.#spool = new ContentSpool(this.#options)
    try {
      let position = 0
      for await (const block of blocksOf(content)) {
        const split = Math.max(0, Math.min(block.length, end - position))
        this.#spool.append(Buffer.from(block.toString('base64', 0, split), 'latin1'))
        this.#spool.append(Buffer.from(block.subarray(split)))
        position += block.length
        await this.#spool.flush()
      }
      if (wasAll) this.#spool.append(Buffer.from(this.#decoder.carry, 'latin1'))
    } finally {
      await decoded.discard()
    }
  }
}

async function* blocksOf(content: SpooledContent): AsyncGenerator<Buffer> {
  if (content.file === null) {
    for (let at = 0; at < content.size; at += recodeBlock) yield content.bytes.subarray(at, at + recodeBlock)
    return
  }
  const file = await open(content.file, 'r')
  try {
    const block = Buffer.allocUnsafe(recodeBlock)
    for (let filled = 0, isEnd = false; !isEnd; ) {
      const { bytesRead } = await file.read(block, filled, recodeBlock - filled, null)
      filled += bytesRead
      isEnd = bytesRead === 0
      if (filled < recodeBlock && !isEnd) continue
      if (filled > 0) yield block.subarray(0, filled)
      filled = 0
    }
  } finally {
    await file.close()
  }
}

function hasControlCharacter(run: Buffer): boolean {
  for (const byte of run) if (byte < 0x20) return true
  return false
}

function notBase64(): ContentFault {
  return new ContentFault('"content" is not valid base64')
}
