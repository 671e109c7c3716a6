/**
 * The buffers in which batches of xorbs travel to the threads and back: so many for all uploads together and no more. Who finds none waits,
 * and reads nothing from its client meanwhile. An upload that waits for its client holds one at most; one that holds more gets them back
 * from the threads, so that buffers come free as long as there are more of them than uploads.
 */
import { Slots } from '../blobs/slots.ts'
import { batchBytes } from './xorb-splitter.ts'

export class BatchBuffers {
  readonly #slots: Slots
  #spare: ArrayBuffer[] = []

  constructor(count: number) {
    this.#slots = new Slots(count)
  }

  /** A buffer of `batchBytes` with anything in it. Each one taken is given back, once. */
  async take(): Promise<ArrayBuffer> {
    await this.#slots.take()
    return this.#spare.pop() ?? new ArrayBuffer(batchBytes)
  }

  /** Null where it was lost in a thread: another one is made then. */
  give(buffer: ArrayBuffer | null): void {
    if (buffer?.byteLength === batchBytes) this.#spare.push(buffer)
    this.#slots.give()
  }

  /** Frees those that nobody uses. */
  forget(): void {
    this.#spare = []
  }
}
