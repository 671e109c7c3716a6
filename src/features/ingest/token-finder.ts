/**
 * Finds access tokens of this very hub in what streams by. The keyed checksum in each value tells them from everything that only looks alike, so
 * nothing is looked up for a placeholder or somebody else's token. What is found is kept as its hash: no value outlives the bytes it stood in.
 */
import { tokenHash, wasMadeHere } from '../../access/credentials.ts'
import { tokenInText, tokenLength, tokenPrefixes } from '../../domain/token.ts'
import type { KeyRing } from '../../platform/crypto/key-ring.ts'
import type { Place } from './places.ts'

export interface FoundToken {
  readonly hash: string
  readonly last4: string
  readonly place: Place
}

const prefixes = tokenPrefixes.map((prefix) => Buffer.from(prefix))
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
  look(place: Place, bytes: Buffer): void {
    for (const prefix of prefixes) this.#lookFor(prefix, place, bytes)
  }

  #lookFor(prefix: Buffer, place: Place, bytes: Buffer): void {
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
  async *through(place: Place, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
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

  #check(place: Place, value: string): void {
    if (!wasMadeHere(this.#keys, value)) return
    const hash = tokenHash(this.#keys, value)
    if (!this.#found.has(hash)) this.#found.set(hash, { hash, last4: value.slice(-4), place })
  }
}

/** The same bytes with tokens of this hub blotted out, dead or alive: a copy where there are any. */
export function withoutOwnTokens(keys: KeyRing, bytes: Buffer): Buffer {
  let rest = bytes
  let checked = 0
  for (const { 0: value, index } of bytes.toString('latin1').matchAll(tokenInText)) {
    if (++checked > mostChecked) break
    if (!wasMadeHere(keys, value)) continue
    if (rest === bytes) rest = Buffer.from(bytes)
    rest.fill('-', index, index + value.length)
  }
  return rest
}
