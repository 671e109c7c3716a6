/**
 * Ids: 24 lowercase hex digits, as on the Hub. The first 12 are the time in milliseconds, so ids sort by creation;
 * the rest are random, except that ids made in the same millisecond by one process count upwards.
 * The domain has no clock and no randomness of its own: both are passed in.
 */
const idPattern = /^[0-9a-f]{24}$/

export interface IdSource {
  now: () => number
  /** Returns `length` random bytes. */
  randomBytes: (length: number) => Uint8Array
}

export function isId(value: string): boolean {
  return idPattern.test(value)
}

/** Makes the function that hands out new ids. One per process. */
export function idMaker(source: IdSource): () => string {
  let lastTime = 0
  let tail = 0n
  return () => {
    const time = Math.max(source.now(), lastTime)
    if (time > lastTime) {
      lastTime = time
      // The top bit stays free, so that counting upwards within one millisecond cannot run over.
      tail = source.randomBytes(6).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) & 0x7fffffffffffn
    } else {
      tail += 1n
    }
    return time.toString(16).padStart(12, '0') + tail.toString(16).padStart(12, '0')
  }
}

/** The first id that can be of this millisecond. */
export function firstIdAt(at: number): string {
  return `${Math.max(0, Math.floor(at)).toString(16).padStart(12, '0')}${'0'.repeat(12)}`
}
