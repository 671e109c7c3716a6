/**
 * AssemblyScript; scripts/build-codec.mjs makes codec-module.ts of it. The part of Xet's work that native packages do too slowly or not at
 * all: LZ4 frames, byte grouping, the search for chunk boundaries, BLAKE3 of short inputs.
 *
 * All input is hostile. Reads and writes stay inside this module's own memory, whatever it says; each place below has room behind its end,
 * so that copies may go in steps of 16 bytes. No length from the input is believed before it was compared with what is left.
 */

const slack: usize = 64
const maxStored: usize = 256 * 1024
const maxRaw: usize = 128 * 1024
const maxScan: usize = 256 * 1024

/** A chunk as stored goes in here, without its header; also what is hashed or searched. */
export const inputAt: usize = heap.alloc(maxStored + slack)
/** The raw chunk comes out here. */
export const outputAt: usize = heap.alloc(maxRaw + slack)
const planesAt: usize = heap.alloc(maxRaw + slack)
/** 256 words of the gear hash. */
export const gearAt: usize = heap.alloc(256 * 8)
/** 32 bytes each: the key of keyed hashes, and the last hash. */
export const keyAt: usize = heap.alloc(32)
export const digestAt: usize = heap.alloc(32)

// What decode() answers, in this order in codec.ts.
const ok: i32 = 0
const notFrame: i32 = 1
const badDescriptor: i32 = 2
const badBlock: i32 = 3
const wrongLength: i32 = 4
const wrongChecksum: i32 = 5

// ---- LZ4 frames (lz4_Frame_format.md) over blocks (lz4_Block_format.md) ----

/** Decodes the frame of `stored` bytes at `inputAt` to exactly `raw` bytes at `outputAt`, regrouped if it is of scheme 2. */
export function decode(stored: usize, raw: usize, isGrouped: bool): i32 {
  if (stored > maxStored || raw > maxRaw) return wrongLength
  const target = isGrouped ? planesAt : outputAt
  const result = decodeFrame(inputAt, inputAt + stored, target, target + raw)
  if (result == ok && isGrouped) regroup(planesAt, outputAt, raw)
  return result
}

function decodeFrame(start: usize, end: usize, target: usize, targetEnd: usize): i32 {
  let at = start
  if (end - at < 7 || load<u32>(at) != 0x184d2204) return notFrame
  const flags = <u32>load<u8>(at, 4)
  const sizes = <u32>load<u8>(at, 5)
  // Version 1, no reserved bit, no dictionary; block sizes 64 KiB to 4 MiB.
  if (flags >> 6 != 1 || (flags & 3) != 0 || (sizes & 0x8f) != 0 || sizes >> 4 < 4) return badDescriptor
  const isIndependent = (flags & 0x20) != 0
  const blockChecksum: usize = (flags & 0x10) != 0 ? 4 : 0
  const hasContentSize = (flags & 0x08) != 0
  const hasContentChecksum = (flags & 0x04) != 0
  const maxBlock: usize = <usize>1 << <usize>(8 + 2 * (sizes >> 4))
  const descriptor = at + 4
  at += 6
  if (hasContentSize) {
    if (end - at < 9) return badDescriptor
    if (load<u64>(at) != <u64>(targetEnd - target)) return wrongLength
    at += 8
  }
  if (((xxh32(descriptor, at - descriptor) >> 8) & 0xff) != <u32>load<u8>(at)) return badDescriptor
  at += 1
  let out = target
  while (true) {
    if (end - at < 4) return badBlock
    const word = load<u32>(at)
    at += 4
    if (word == 0) break
    const size = <usize>(word & 0x7fffffff)
    if (size > maxBlock || end - at < size + blockChecksum) return badBlock
    if (blockChecksum != 0 && xxh32(at, size) != load<u32>(at + size)) return wrongChecksum
    const limit = targetEnd - out < maxBlock ? targetEnd : out + maxBlock
    if (word >> 31 != 0) {
      if (size > limit - out) return wrongLength
      memory.copy(out, at, size)
      out += size
    } else {
      out = decodeBlock(at, at + size, out, limit, isIndependent ? out : target)
      if (out == 0) return badBlock
    }
    at += size + blockChecksum
  }
  if (out != targetEnd) return wrongLength
  if (hasContentChecksum) {
    if (end - at < 4) return badBlock
    if (xxh32(target, targetEnd - target) != load<u32>(at)) return wrongChecksum
    at += 4
  }
  return at == end ? ok : badBlock
}

/** For each distance under 16: its bytes repeated to 16, and how many of these end with a whole repetition. */
const patterns: usize = heap.alloc(16 * 16)
const patternSteps: usize = heap.alloc(16)
for (let distance: usize = 1; distance < 16; distance++) {
  for (let index: usize = 0; index < 16; index++) store<u8>(patterns + distance * 16 + index, <u8>(index % distance))
  store<u8>(patternSteps + distance, <u8>(16 - (16 % distance)))
}

/** Returns where the output ends, or 0. Nothing before `base` is copied from, nothing behind `outEnd` kept. */
function decodeBlock(start: usize, end: usize, outStart: usize, outEnd: usize, base: usize): usize {
  let at = start
  let out = outStart
  while (at < end) {
    const token = <usize>load<u8>(at++)
    let literals = token >> 4
    if (literals == 15) {
      let more: usize
      do {
        if (at >= end) return 0
        more = <usize>load<u8>(at++)
        literals += more
      } while (more == 255)
      if (literals > end - at || literals > outEnd - out) return 0
      copyForward(out, at, literals)
    } else {
      if (literals > end - at || literals > outEnd - out) return 0
      v128.store(out, v128.load(at))
    }
    at += literals
    out += literals
    if (at == end) return out
    if (end - at < 2) return 0
    const distance = <usize>load<u16>(at)
    at += 2
    // Also true of 0: the distance 0 would repeat what was never written.
    if (distance - 1 >= out - base) return 0
    let length = token & 15
    if (length == 15) {
      let more: usize
      do {
        if (at >= end) return 0
        more = <usize>load<u8>(at++)
        length += more
      } while (more == 255)
    }
    length += 4
    if (length > outEnd - out) return 0
    const from = out - distance
    if (distance >= 16) {
      v128.store(out, v128.load(from))
      for (let done: usize = 16; done < length; done += 16) v128.store(out + done, v128.load(from + done))
    } else {
      const pattern = v128.swizzle(v128.load(from), v128.load(patterns + distance * 16))
      const step = <usize>load<u8>(patternSteps + distance)
      for (let done: usize = 0; done < length; done += step) v128.store(out + done, pattern)
    }
    out += length
  }
  // A block ends with literals.
  return 0
}

// @ts-ignore: decorator
@inline
function copyForward(to: usize, from: usize, length: usize): void {
  if (length > 512) {
    memory.copy(to, from, length)
    return
  }
  for (let done: usize = 0; done < length; done += 16) v128.store(to + done, v128.load(from + done))
}

// ---- Byte grouping: four planes of each fourth byte, the remainder in the first planes ----

function regroup(planes: usize, to: usize, length: usize): void {
  const quarter = length >> 2
  const rest = length & 3
  const a = planes
  const b = a + quarter + (rest > 0 ? 1 : 0)
  const c = b + quarter + (rest > 1 ? 1 : 0)
  const d = c + quarter + (rest > 2 ? 1 : 0)
  let index: usize = 0
  for (; index + 16 <= quarter; index += 16) {
    const va = v128.load(a + index)
    const vb = v128.load(b + index)
    const vc = v128.load(c + index)
    const vd = v128.load(d + index)
    const abLow = v128.shuffle<u8>(va, vb, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const abHigh = v128.shuffle<u8>(va, vb, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    const cdLow = v128.shuffle<u8>(vc, vd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const cdHigh = v128.shuffle<u8>(vc, vd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    const target = to + index * 4
    v128.store(target, v128.shuffle<u16>(abLow, cdLow, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(target, v128.shuffle<u16>(abLow, cdLow, 4, 12, 5, 13, 6, 14, 7, 15), 16)
    v128.store(target, v128.shuffle<u16>(abHigh, cdHigh, 0, 8, 1, 9, 2, 10, 3, 11), 32)
    v128.store(target, v128.shuffle<u16>(abHigh, cdHigh, 4, 12, 5, 13, 6, 14, 7, 15), 48)
  }
  for (; index < quarter; index++) {
    const target = to + index * 4
    store<u8>(target, load<u8>(a + index))
    store<u8>(target, load<u8>(b + index), 1)
    store<u8>(target, load<u8>(c + index), 2)
    store<u8>(target, load<u8>(d + index), 3)
  }
  if (rest > 0) store<u8>(to + quarter * 4, load<u8>(a + quarter))
  if (rest > 1) store<u8>(to + quarter * 4, load<u8>(b + quarter), 1)
  if (rest > 2) store<u8>(to + quarter * 4, load<u8>(c + quarter), 2)
}

/** The way back: `length` raw bytes at `inputAt` to planes at `outputAt`. */
export function group(length: usize): void {
  const rest = length & 3
  const quarter = length >> 2
  let plane = outputAt
  for (let which: usize = 0; which < 4; which++) {
    const size = quarter + (which < rest ? 1 : 0)
    for (let index: usize = 0; index < size; index++) store<u8>(plane + index, load<u8>(inputAt + index * 4 + which))
    plane += size
  }
}

// ---- xxHash32 with seed 0, the checksum of LZ4 frames ----

const prime1: u32 = 0x9e3779b1
const prime2: u32 = 0x85ebca77
const prime3: u32 = 0xc2b2ae3d
const prime4: u32 = 0x27d4eb2f
const prime5: u32 = 0x165667b1

// @ts-ignore: decorator
@inline
function round(lane: u32, at: usize): u32 {
  return rotl<u32>(lane + load<u32>(at) * prime2, 13) * prime1
}

function xxh32(start: usize, length: usize): u32 {
  const end = start + length
  let at = start
  let hash: u32
  if (length >= 16) {
    let one: u32 = prime1 + prime2
    let two: u32 = prime2
    let three: u32 = 0
    let four: u32 = 0 - prime1
    for (; at + 16 <= end; at += 16) {
      one = round(one, at)
      two = round(two, at + 4)
      three = round(three, at + 8)
      four = round(four, at + 12)
    }
    hash = rotl<u32>(one, 1) + rotl<u32>(two, 7) + rotl<u32>(three, 12) + rotl<u32>(four, 18)
  } else {
    hash = prime5
  }
  hash += <u32>length
  for (; at + 4 <= end; at += 4) hash = rotl<u32>(hash + load<u32>(at) * prime3, 17) * prime4
  for (; at < end; at++) hash = rotl<u32>(hash + <u32>load<u8>(at) * prime5, 11) * prime1
  hash = (hash ^ (hash >> 15)) * prime2
  hash = (hash ^ (hash >> 13)) * prime3
  return hash ^ (hash >> 16)
}

// ---- Chunk boundaries ----

let gear: u64 = 0

export function startChunk(): void {
  gear = 0
}

/** Takes the bytes into the hash without looking for a boundary. */
export function rollGear(from: usize, to: usize): void {
  if (to > maxScan) return
  let hash = gear
  for (let at = inputAt + from, end = inputAt + to; at < end; at++) {
    hash = (hash << 1) + load<u64>(gearAt + (<usize>load<u8>(at) << 3))
  }
  gear = hash
}

/**
 * Goes through the bytes `from` to `to` (exclusive) at `inputAt` and returns the offset behind the first whose hash has no bit of the mask,
 * or -1. The hash goes on where the last call left it.
 */
export function findBoundary(from: usize, to: usize): i32 {
  if (to > maxScan) return -1
  let hash = gear
  for (let at = inputAt + from, end = inputAt + to; at < end; at++) {
    hash = (hash << 1) + load<u64>(gearAt + (<usize>load<u8>(at) << 3))
    if ((hash & 0xffff000000000000) == 0) {
      gear = 0
      return <i32>(at + 1 - inputAt)
    }
  }
  gear = hash
  return -1
}

// ---- BLAKE3 keyed, of inputs that are a single chunk of its tree: a call into a native package costs ten times the hash ----

const maxHashed: usize = 1024
const keyedFlag: u32 = 16
const startFlag: u32 = 1
const endAndRootFlags: u32 = 2 | 8

/** The block's words, once for each of two rounds in turn. */
const wordsAt: usize = heap.alloc(64)
const permutedAt: usize = heap.alloc(64)
const permutation: usize = heap.alloc(16)
store<u64>(permutation, 0x0d0400070a030602)
store<u64>(permutation + 8, 0x080f0e09050c0b01)

/** The keyed hash of `length` bytes at `inputAt + offset` to `digestAt`; false if they are too many. */
export function keyedHash(offset: usize, length: usize): bool {
  if (length > maxHashed || offset > maxStored - maxHashed) return false
  let at = inputAt + offset
  let left = length
  let low = v128.load(keyAt)
  let high = v128.load(keyAt, 16)
  let flags = keyedFlag | startFlag
  while (true) {
    const isLast = left <= 64
    const size = isLast ? left : 64
    memory.copy(wordsAt, at, size)
    memory.fill(wordsAt + size, 0, 64 - size)
    if (isLast) flags |= endAndRootFlags
    compress(low, high, <u32>size, flags)
    low = v128.load(digestAt)
    high = v128.load(digestAt, 16)
    if (isLast) return true
    at += 64
    left -= 64
    flags = keyedFlag
  }
}

/** Compresses the block at `wordsAt` (which it uses up) with the chaining value to a new one at `digestAt`. */
function compress(low: v128, high: v128, length: u32, flags: u32): void {
  let a = low
  let b = high
  let c = i32x4(0x6a09e667, <i32>0xbb67ae85, 0x3c6ef372, <i32>0xa54ff53a)
  let d = i32x4(0, 0, length, flags)
  let words = wordsAt
  let next = permutedAt
  for (let turn = 0; turn < 7; turn++) {
    const one = v128.load(words)
    const two = v128.load(words, 16)
    const three = v128.load(words, 32)
    const four = v128.load(words, 48)
    a = i32x4.add(i32x4.add(a, b), v128.shuffle<i32>(one, two, 0, 2, 4, 6))
    d = rotate16(v128.xor(d, a))
    c = i32x4.add(c, d)
    b = rotate(v128.xor(b, c), 12)
    a = i32x4.add(i32x4.add(a, b), v128.shuffle<i32>(one, two, 1, 3, 5, 7))
    d = rotate8(v128.xor(d, a))
    c = i32x4.add(c, d)
    b = rotate(v128.xor(b, c), 7)
    b = v128.shuffle<i32>(b, b, 1, 2, 3, 0)
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1)
    d = v128.shuffle<i32>(d, d, 3, 0, 1, 2)
    a = i32x4.add(i32x4.add(a, b), v128.shuffle<i32>(three, four, 0, 2, 4, 6))
    d = rotate16(v128.xor(d, a))
    c = i32x4.add(c, d)
    b = rotate(v128.xor(b, c), 12)
    a = i32x4.add(i32x4.add(a, b), v128.shuffle<i32>(three, four, 1, 3, 5, 7))
    d = rotate8(v128.xor(d, a))
    c = i32x4.add(c, d)
    b = rotate(v128.xor(b, c), 7)
    b = v128.shuffle<i32>(b, b, 3, 0, 1, 2)
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1)
    d = v128.shuffle<i32>(d, d, 1, 2, 3, 0)
    for (let index: usize = 0; index < 16; index++) {
      store<u32>(next + (index << 2), load<u32>(words + (<usize>load<u8>(permutation + index) << 2)))
    }
    const used = words
    words = next
    next = used
  }
  v128.store(digestAt, v128.xor(a, c))
  v128.store(digestAt, v128.xor(b, d), 16)
}

// @ts-ignore: decorator
@inline
function rotate(lanes: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(lanes, by), i32x4.shl(lanes, 32 - by))
}

// @ts-ignore: decorator
@inline
function rotate16(lanes: v128): v128 {
  return v128.shuffle<u8>(lanes, lanes, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}

// @ts-ignore: decorator
@inline
function rotate8(lanes: v128): v128 {
  return v128.shuffle<u8>(lanes, lanes, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)
}
