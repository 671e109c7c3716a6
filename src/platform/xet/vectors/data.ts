/** The generators of make-vectors.py once more, so that the vectors need not hold the data that they were made from. Only tests use them. */
import { hash } from 'node:crypto'

export interface DataRecipe {
  readonly kind: string
  readonly seed: string
  readonly length: number
}

export function makeData(recipe: DataRecipe): Buffer {
  const { kind, seed, length } = recipe
  if (kind === 'random') return randomBytes(seed, length)
  if (kind === 'text') return textBytes(seed, length)
  if (kind === 'weights') return weightBytes(seed, length)
  if (kind === 'zeros') return Buffer.alloc(length)
  throw new RangeError(`There is no generator ${kind}.`)
}

function block(seed: string, index: number): Buffer {
  return hash('sha256', `${seed}:${index}`, 'buffer')
}

export function randomBytes(seed: string, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let index = 0; index * 32 < length; index++) block(seed, index).copy(bytes, index * 32)
  return bytes
}

export function textBytes(seed: string, length: number): Buffer {
  const rows: string[] = []
  for (let size = 0, index = 0; size < length; index++) {
    const value = block(seed, index)
    const row = `${index},label-${(value[0] ?? 0) % 7},${value.toString('hex', 0, 3)}\n`
    rows.push(row)
    size += row.length
  }
  return Buffer.from(rows.join('')).subarray(0, length)
}

/** bf16 numbers with about a normal distribution. */
export function weightBytes(seed: string, length: number): Buffer {
  const count = Math.ceil(length / 2)
  const parts = randomBytes(seed, count * 8)
  const bytes = Buffer.allocUnsafe(count * 2)
  const float = Buffer.allocUnsafe(4)
  for (let index = 0; index < count; index++) {
    let sum = -131070
    for (let part = 0; part < 4; part++) sum += parts.readUInt16LE(index * 8 + part * 2)
    float.writeFloatLE(sum * 2 ** -22)
    float.copy(bytes, index * 2, 2)
  }
  return bytes.subarray(0, length)
}
