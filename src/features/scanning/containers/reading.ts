import type { ByteSource } from '../byte-source.ts'
import type { Place } from './scan-context.ts'

/** How a container has what lies in it read: it may be a container itself. */
export interface Reading {
  source(place: Place, source: ByteSource, options?: ReadOptions): Promise<void>
  pieces(place: Place, pieces: AsyncIterable<Uint8Array>, options?: ReadOptions): Promise<void>
}

export interface ReadOptions {
  /** No container, whatever it begins with: only pickles are looked for. */
  readonly isPlain?: boolean
  /** Is shown every byte once, in order. */
  readonly watch?: (piece: Uint8Array) => void
}
