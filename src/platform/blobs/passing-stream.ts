/** Which streams give their chunks away, so that whoever has spent one may free its memory (free-bytes.ts). */
import { ReadStream } from 'node:fs'
import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** A stream whose chunks belong to nobody else once they were delivered. */
export class PassingStream extends Readable {}

/** Whether who reads `source` may free its chunks. Those of other streams may be somebody's own bytes. */
export function givesChunksAway(source: Readable): boolean {
  return source instanceof IncomingMessage || source instanceof ReadStream || source instanceof PassingStream
}
