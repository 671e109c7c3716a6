/** The filter for x86 programs, which some writers of 7z put before everything: it makes addresses of calls absolute, and this makes them relative again. */
import { Buffer } from 'node:buffer'
import type { Decoder } from './decoder.ts'

const isAllowed = [true, true, true, false, true, false, false, false] as const
const bitNumbers = [0, 1, 2, 2, 3, 3, 3, 3] as const
const isSign = (byte: number): boolean => byte === 0 || byte === 0xff

export class X86Filter implements Decoder {
  isOver = false
  /** Bytes at the end that the next ones may change. */
  #held: Buffer = Buffer.alloc(0)
  #position = 0
  #mask = 0;

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const all = Buffer.concat([this.#held, bytes])
    const done = this.#change(all)
    this.#position += done
    if (done > 0) yield all.subarray(0, done)
    this.#held = Buffer.from(all.subarray(done))
    if (!isLast) return
    if (this.#held.length > 0) yield this.#held
    this.isOver = true
  }

  /** As the C decoder of xz does it. Returns how many bytes are final. */
  #change(bytes: Buffer): number {
    if (bytes.length <= 4) return 0
    const size = bytes.length - 4
    let before = -1
    let mask = this.#mask
    let at = 0
    for (; at < size; at++) {
      if (((bytes[at] as number) & 0xfe) !== 0xe8) continue
      const gap = at - before
      before = at
      if (gap > 3) mask = 0
      else {
        mask = (mask << (gap - 1)) & 7
        if (mask !== 0) {
          const byte = bytes[at + 4 - (bitNumbers[mask] ?? 0)] as number
          if (!isAllowed[mask] || isSign(byte)) {
            mask = (mask << 1) | 1
            continue
          }
        }
      }
      if (isSign(bytes[at + 4] as number)) {
        let source = bytes.readUInt32LE(at + 1)
        let target: number
        for (;;) {
          target = (source - (this.#position + at + 5)) >>> 0
          if (mask === 0) break
          const shift = (bitNumbers[mask] ?? 0) * 8
          if (!isSign((target >>> (24 - shift)) & 0xff)) break
          source = (target ^ (2 ** (32 - shift) - 1)) >>> 0
        }
        target &= 0x01ffffff
        target |= -(target & 0x01000000)
        bytes.writeUInt32LE(target >>> 0, at + 1)
        at += 4
      } else mask = (mask << 1) | 1
    }
    const gap = at - before
    this.#mask = gap > 3 ? 0 : mask << (gap - 1)
    return at
  }
}
