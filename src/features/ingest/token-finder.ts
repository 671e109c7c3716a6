/**
 * Finds access tokens of this very hub in what streams by. The keyed checksum in each value tells them from everything that only looks alike, so
 * nothing is looked up for a placeholder or somebody else's token. What is found is kept as its hash: no value outlives the bytes it stood in.
 */
import { tokenHash } from '../../access/credentials.ts'
import { isOwnToken, tokenInText, tokenLength } from '../../domain/token.ts'
import type { KeyRing } from '../../platform/crypto/key-ring.ts'

export interface FoundToken {
  readonly hash: string
  readonly last4: string
  /** A path, or an object id where the path is not known yet. */
  readonly place: string
}

const prefix = Buffer.from('hf_')
/** Of one change; whoever brings more has been told enough. */
const mostFound = 100
/** Values of one content whose checksum is computed, some two microseconds each: a file full of look-alikes must not hold up everybody. */
const mostChecked = 2_000

export class TokenFinder {
  readonly #keys: KeyRing
  readonly #found = new Map<string, FoundToken>()

  constructor(keys: KeyRing) {
    this.#keys = keys
  }

  get found(): readonly FoundToken[] {
    return [...this.#found.values()]
  }

  /** The whole of a content. */
  look(place: string, bytes: Buffer): void {
    let checked = 0
    let at = bytes.indexOf(prefix)
    while (at !== -1 && checked < mostChecked && this.#found.size < mostFound) {
      // One more character: a longer word is no token.
      const [value] = bytes.toString('latin1', at, at + tokenLength + 1).match(tokenInText) ?? []
      if (value !== undefined) {
        checked++
        this.#check(place, value)
      }
      at = bytes.indexOf(prefix, at + prefix.length)
    }
  }

  /** A content that comes in pieces; a token may stand across two of them. */
  async *through(place: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let before: Buffer = Buffer.alloc(0)
    for await (const chunk of chunks) {
      this.look(place, Buffer.concat([before, chunk.subarray(0, tokenLength + 1)]))
      this.look(place, chunk)
      before =
        chunk.length > tokenLength
          ? chunk.subarray(-tokenLength)
          : Buffer.concat([before, chunk]).subarray(-tokenLength)
      yield chunk
    }
  }

  #check(place: string, value: string): void {
    const isOurs = (body: string): boolean =>
      this.#keys.macs('token-checksum', body).some((digest) => isOwnToken(value, () => digest))
    if (!isOurs(value.slice(3, -6))) return
    const hash = tokenHash(this.#keys, value)
    if (!this.#found.has(hash)) this.#found.set(hash, { hash, last4: value.slice(-4), place })
  }
}
