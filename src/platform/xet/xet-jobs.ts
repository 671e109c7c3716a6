/** What the main thread asks its Xet threads, and what they answer. A job is done in one go, so all that goes in is bounded by who sends it. */

export interface XetJobs {
  /** Checks whole stored chunks, writes them to `fd` (null: nowhere) at `position`. */
  check: {
    input: {
      readonly bytes: ArrayBuffer
      readonly length: number
      readonly fd: number | null
      readonly position: number
    }
    /** n x (hash 32, stored bytes with header u32 LE, raw bytes u32 LE), and the buffer back to be filled again. */
    output: { readonly chunks: ArrayBuffer; readonly bytes: ArrayBuffer }
  }
  decode: { input: { readonly bytes: Uint8Array; readonly rawLimit: number }; output: { readonly raw: ArrayBuffer } }
  /** From what the checks of a whole xorb gave, in order: its chunk index and its hash string. */
  index: {
    input: { readonly chunks: Uint8Array }
    output: { readonly chunkIndex: ArrayBuffer; readonly hash: string }
  }
  buildDedup: {
    input: {
      readonly xorbs: readonly { readonly hash: string; readonly index: Uint8Array }[]
      readonly hmacKey: Uint8Array
      readonly createdAt: number
      readonly expiresAt: number
    }
    output: { readonly shard: ArrayBuffer }
  }
  /** State that stays in the thread under a number, until `close`. */
  open: { input: { readonly session: number; readonly kind: SessionKind }; output: object }
  hashChunks: { input: { readonly session: number; readonly bytes: Uint8Array }; output: object }
  digest: { input: { readonly session: number }; output: { readonly sha256: string } }
  addList: { input: { readonly session: number; readonly list: Uint8Array }; output: object }
  fileHash: { input: { readonly session: number }; output: { readonly hash: string } }
  /** Cuts the file's next bytes; the chunks that ended, as n x (hash 32, raw length u32 LE), wait for `place`. */
  cut: {
    input: { readonly session: number; readonly bytes: Uint8Array; readonly isLast: boolean }
    output: { readonly list: ArrayBuffer }
  }
  /** Takes the waiting chunks off in order, one for each of `isNew`: 1 goes into the xorb in `fd`, which must have room, 0 nowhere. */
  place: { input: { readonly session: number; readonly isNew: Uint8Array; readonly fd: number }; output: object }
  /** Ends the xorb. */
  seal: {
    input: { readonly session: number }
    output: { readonly hash: string; readonly size: number; readonly rawSize: number; readonly chunkIndex: Uint8Array }
  }
  cutEnd: {
    input: { readonly session: number }
    output: { readonly hash: string; readonly sha256: string; readonly size: number }
  }
  close: { input: { readonly session: number }; output: object }
}

export type SessionKind = 'hash' | 'list' | 'cut'
export type JobName = keyof XetJobs

export interface JobRequest<Name extends JobName = JobName> {
  readonly id: number
  readonly name: Name
  readonly input: XetJobs[Name]['input']
}

/** A fault of the bytes, or of the system (`code`: that of Node, as ENOSPC). */
export interface JobFault {
  readonly isFormat: boolean
  readonly message: string
  readonly code?: string | undefined
}

export type JobReply<Name extends JobName = JobName> =
  | { readonly id: number; readonly output: XetJobs[Name]['output'] }
  | { readonly id: number; readonly fault: JobFault }

/** What is handed over instead of copied: every buffer that the message holds as a whole. Throws if one was handed over before. */
export function buffersOf(message: object): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const value of Object.values(message)) {
    if (value instanceof ArrayBuffer) buffers.add(value)
    else if (value instanceof Uint8Array && isWhole(value)) buffers.add(value.buffer)
  }
  for (const { detached } of buffers) if (detached) throw new TypeError('These bytes were handed over before.')
  return [...buffers]
}

/** True if the bytes are all of their memory. */
export function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength
}
