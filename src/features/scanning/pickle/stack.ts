import { lost, unknown } from './values.ts'

const mostKept = 1 << 20
const mostMarks = 1 << 19
/** Of the items above a mark, only so many are handed out: the opcodes that look at them need fewer. */
const mostHandedOut = 64

/**
 * The stack with its marks, as the C unpickler has it: marks are heights, and nothing below the last one can be popped. Items higher than a
 * million are counted and not kept.
 */
export class Stack {
  /** How many items the last toMark() took off. */
  popped = 0
  #items = new Float64Array(256)
  #height = 0
  #marks = new Float64Array(64)
  #markCount = 0
  #fence = 0
  readonly #refuse: (reason: string) => void

  constructor(refuse: (reason: string) => void) {
    this.#refuse = refuse
  }

  push(value: number): void {
    const height = this.#height++
    if (height < this.#items.length) this.#items[height] = value
    else if (height < mostKept) {
      const grown = new Float64Array(Math.min(this.#items.length * 4, mostKept))
      grown.set(this.#items)
      this.#items = grown
      grown[height] = value
    }
  }

  top(): number {
    const height = this.#height
    if (height <= this.#fence) {
      this.#refuse('the stack is empty')
      return unknown
    }
    return height <= this.#items.length ? (this.#items[height - 1] ?? lost) : lost
  }

  pop(): number {
    const value = this.top()
    if (this.#height > this.#fence) this.#height--
    return value
  }

  /** False when there are too many: the mark is then not set. */
  mark(): boolean {
    if (this.#markCount >= mostMarks) return false
    if (this.#markCount >= this.#marks.length) {
      const grown = new Float64Array(this.#marks.length * 4)
      grown.set(this.#marks)
      this.#marks = grown
    }
    this.#marks[this.#markCount++] = this.#height
    this.#fence = this.#height
    return true
  }

  /** POP takes a mark off when it is on top. */
  popItemOrMark(): void {
    if (this.#markCount > 0 && this.#fence === this.#height) this.#dropMark()
    else this.pop()
  }

  /** Takes the mark and all above it off. */
  dropToMark(): void {
    if (this.#markCount === 0) {
      this.#refuse('there is no mark')
      this.popped = 0
      return
    }
    this.popped = this.#height - this.#fence
    this.#height = this.#fence
    this.#dropMark()
  }

  /** Takes the mark and all above it off; hands out the lowest of those items. */
  toMark(): number[] {
    const from = this.#fence
    const height = this.#height
    const items: number[] = []
    if (this.#markCount > 0) {
      for (let index = from; index < height && items.length < mostHandedOut; index++) {
        items.push(index < this.#items.length ? (this.#items[index] ?? lost) : lost)
      }
    }
    this.dropToMark()
    return items
  }

  #dropMark(): void {
    this.#markCount--
    this.#fence = this.#markCount === 0 ? 0 : (this.#marks[this.#markCount - 1] ?? 0)
  }
}
