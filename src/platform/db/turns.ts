/** A bounded number of turns, given in the order asked; who waits too long is refused instead of queueing for ever. */
import { DatabaseError } from './errors.ts'

export class Turns {
  #free: number
  readonly #waitLimitMs: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number, waitLimitMs: number) {
    this.#free = count
    this.#waitLimitMs = waitLimitMs
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(wake)
        reject(new DatabaseError('timeout', `No database reader came free within ${this.#waitLimitMs} ms.`))
      }, this.#waitLimitMs)
      this.#waiting.add(wake)
    })
  }

  give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
