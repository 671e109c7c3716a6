/** A shard from outside into memory, bounded, without letting the main thread stand still: large ones are checked in steps. */
import { setImmediate } from 'node:timers/promises'
import { XetFormatError } from './errors.ts'
import { mostShardBytes } from './limits.ts'
import { Shard } from './shard.ts'
import { checkShard } from './shard-check.ts'

/** Up to this the pieces are joined, above they go to one reserved place: growing it would copy what came before, again and again. */
const smallBytes = 1 << 20

/** Reads an uploaded shard of at most 64 MiB. Throws `XetFormatError`; the caller's stream is left where it was refused. */
export async function readShard(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Shard> {
  const bytes = await collect(source, signal)
  const steps = checkShard(bytes)
  for (;;) {
    const step = steps.next()
    if (step.done) {
      if (step.value.hmacKey !== null)
        throw new XetFormatError('The chunks of an uploaded shard must have their own names.')
      return new Shard(bytes, step.value)
    }
    signal?.throwIfAborted()
    await setImmediate()
  }
}

async function collect(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let large: Buffer | null = null
  let size = 0
  for await (const piece of source) {
    signal?.throwIfAborted()
    if (size + piece.length > mostShardBytes) throw new XetFormatError('A shard has at most 64 MiB.')
    if (large === null && size + piece.length > smallBytes) {
      // Not filled, so the system gives only the pages that are used.
      large = Buffer.allocUnsafeSlow(mostShardBytes)
      Buffer.concat(pieces.splice(0), size).copy(large)
    }
    if (large === null) pieces.push(piece)
    else large.set(piece, size)
    size += piece.length
  }
  return large === null ? Buffer.concat(pieces, size) : large.subarray(0, size)
}
