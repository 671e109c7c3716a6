/** Puts protocol buffers together by numbers: ONNX and TensorFlow models with what honest writers never write. */
import { Buffer } from 'node:buffer'

export type Value = number | string | Buffer | readonly Value[]

/** `{7: ..., 8: ...}`: numbers become varints, texts and bytes counted fields; of a list each. */
export function message(fields: Readonly<Record<number, Value>>): Buffer {
  return Buffer.concat(Object.entries(fields).map(([number, value]) => field(Number(number), value)))
}

export function field(number: number, value: Value): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)])
  if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value)
    return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
  }
  return Buffer.concat((value as readonly Value[]).map((one) => field(number, one)))
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  return Buffer.from([...bytes, left])
}

/** A TensorProto of ten by a hundred 32-bit floats whose data lies elsewhere. */
export function externalTensor(entries: Readonly<Record<string, string>>, name = 'weight'): Buffer {
  return message({
    1: [10, 100],
    2: 1,
    8: name,
    13: Object.entries(entries).map(([key, value]) => message({ 1: key, 2: value })),
    14: 1,
  })
}

/** A ModelProto with one graph. */
export function onnxModel(graph: Readonly<Record<number, Value>>): Buffer {
  return message({ 1: 8, 2: 'a writer', 7: message({ 2: 'graph', ...graph }), 8: message({ 2: 17 }) })
}

/** A GraphDef. */
export function tensorflowGraph(operators: readonly string[], inFunction: readonly string[] = []): Buffer {
  const nodes = (names: readonly string[]) =>
    names.map((operator, index) => message({ 1: `node${index}`, 2: operator }))
  return message({
    1: nodes(operators),
    2: message({ 1: message({ 1: message({ 1: 'a_function' }), 3: nodes(inFunction) }) }),
    4: message({ 1: 1882 }),
  })
}

export function savedModel(graph: Buffer): Buffer {
  return message({ 1: 1, 2: message({ 1: message({ 4: 'serve' }), 2: graph }) })
}
