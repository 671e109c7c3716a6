/** Writes ONNX files by hand: graphs of a few operators with the weights that a test wants, as the exporters write them. */

type Bytes = Uint8Array<ArrayBufferLike>

function varint(value: number | bigint): Bytes {
  let left = BigInt.asUintN(64, BigInt(value))
  const out: number[] = []
  do {
    const part = Number(left & 0x7fn)
    left >>= 7n
    out.push(left === 0n ? part : part | 0x80)
  } while (left !== 0n)
  return Uint8Array.from(out)
}

/** A field of a protobuf message: a number, or bytes with their length. */
const number = (field: number, value: number | bigint): Bytes =>
  Buffer.concat([varint((field << 3) | 0), varint(value)])
const nested = (field: number, ...parts: readonly Bytes[]): Bytes => {
  const body = Buffer.concat(parts)
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body])
}
const text = (field: number, value: string): Bytes => nested(field, Buffer.from(value))
const float = (field: number, value: number): Bytes => {
  const body = Buffer.alloc(4)
  body.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | 5), body])
}

const elementTypes = { float: 1, int64: 7, bool: 9 } as const
type ElementType = keyof typeof elementTypes

export type Weights = Float32Array | BigInt64Array

/** Weights by name; `external`: where they lie beside the model, instead of in it. */
export function tensor(name: string, dims: readonly number[], data: Weights, external?: string): Bytes {
  const type = data instanceof Float32Array ? elementTypes.float : elementTypes.int64
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const pair = (key: string, value: string) => nested(13, text(1, key), text(2, value))
  return Buffer.concat([
    ...dims.map((dim) => number(1, dim)),
    number(2, type),
    text(8, name),
    ...(external === undefined
      ? [nested(9, raw)]
      : [pair('location', external), pair('length', String(raw.length)), number(14, 1)]),
  ])
}

/** A number that is an axis, a list of them, or one with a point. */
type Attribute = number | readonly number[] | { readonly float: number }

function attribute(name: string, value: Attribute): Bytes {
  if (typeof value === 'number') return nested(5, text(1, name), number(3, value), number(20, 2))
  if ('float' in value) return nested(5, text(1, name), float(2, value.float), number(20, 1))
  return nested(5, text(1, name), ...value.map((one) => number(8, one)), number(20, 7))
}

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Bytes {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  ])
}

/** An input or output; a dimension that is a word may be any length. */
export function value(name: string, type: ElementType, dims: readonly (number | string)[]): Bytes {
  const shape = dims.map((dim) => nested(1, typeof dim === 'number' ? number(1, dim) : text(2, dim)))
  return Buffer.concat([text(1, name), nested(2, nested(1, number(1, elementTypes[type]), nested(2, ...shape)))])
}

export interface Graph {
  readonly inputs: readonly Bytes[]
  readonly outputs: readonly Bytes[]
  readonly weights: readonly Bytes[]
  readonly nodes: readonly Bytes[]
}

/** A whole file, of opset 17. */
export function onnxFile({ inputs, outputs, weights, nodes }: Graph): Buffer {
  const graph = [
    ...nodes.map((one) => nested(1, one)),
    text(2, 'tiny'),
    ...weights.map((one) => nested(5, one)),
    ...inputs.map((one) => nested(11, one)),
    ...outputs.map((one) => nested(12, one)),
  ]
  return Buffer.concat([
    number(1, 8),
    text(2, 'holdfast-tests'),
    nested(7, ...graph),
    nested(8, text(1, ''), number(2, 17)),
  ])
}
