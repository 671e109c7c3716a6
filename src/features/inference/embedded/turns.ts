/** Some at once, in the order in which they came; so many wait, and the others are told to come again. */
import { busy } from '../gateway.ts'

export interface Turn {
  /** Whether it waited for others to end. */
  readonly waited: boolean
  release(): void
}

export class Turns {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #limitMs: number
  readonly #queue: (() => void)[] = []
  #taken = 0

  constructor(most: number, mostWaiting: number, limitMs: number) {
    this.#most = most
    this.#mostWaiting = mostWaiting
    this.#limitMs = limitMs
  }

  /** Throws `inference_busy` where too many wait, or the turn does not come; and what `signal` was aborted with. */
  async take(signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted()
    const waited = this.#taken >= this.#most
    if (!waited) this.#taken++
    else {
      if (this.#queue.length >= this.#mostWaiting) throw busy()
      await this.#wait(signal)
    }
    let isHeld = true
    return {
      waited,
      release: () => {
        if (!isHeld) return
        isHeld = false
        // Whoever waits is handed the place.
        const next = this.#queue.shift()
        if (next === undefined) this.#taken--
        else next()
      },
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      const take = (): void => {
        end()
        resolve()
      }
      const leave = (reason: unknown): void => {
        end()
        const at = this.#queue.indexOf(take)
        if (at >= 0) this.#queue.splice(at, 1)
        reject(reason)
      }
      const onAbort = (): void => leave(signal.reason)
      const timer = setTimeout(() => leave(busy()), this.#limitMs)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(take)
    })
  }
}
