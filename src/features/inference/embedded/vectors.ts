/** Vectors as the process hands them over, and what the APIs make of them. */
import { HoldfastError } from '../../../domain/errors.ts'
import { vectorsShape } from './job.ts'

/** All of them, one after the other. Throws `backend_failed` where they are not as many as asked for. */
export function floatsOf(result: unknown, count: number): { readonly width: number; readonly floats: Float32Array } {
  const parsed = vectorsShape.safeParse(result)
  const bytes = Buffer.from(parsed.data?.data ?? '', 'base64')
  const width = parsed.data?.width ?? 0
  if (width === 0 || bytes.length !== count * width * 4)
    throw new HoldfastError('backend_failed', { reason: 'its answer has not one vector for each text.' })
  // A copy, so that it begins where numbers may begin.
  return { width, floats: new Float32Array(new Uint8Array(bytes).buffer) }
}

export function vectorsOf(result: unknown, count: number): number[][] {
  const { width, floats } = floatsOf(result, count)
  return Array.from({ length: count }, (_, at) => [...floats.subarray(at * width, (at + 1) * width)])
}

export function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}

export function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, ofA, ofB] = [0, 0, 0]
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] ?? 0, b[at] ?? 0]
    dot += x * y
    ofA += x * x
    ofB += y * y
  }
  return ofA === 0 || ofB === 0 ? 0 : dot / Math.sqrt(ofA * ofB)
}
