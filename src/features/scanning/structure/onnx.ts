/**
 * Where an ONNX model says that its tensors lie: data outside of the model belongs into its folder. A location that leads elsewhere makes the loader read any
 * file of its machine into a tensor. And operators that run Python.
 */
import type { StructureFinding } from './finding.ts'
import { type Field, isCounted, type Protobuf } from './protobuf.ts'

type Message = 'model' | 'training' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor'

/** Which fields lead to tensors and nodes, by onnx.proto. */
const inside: Readonly<Record<Exclude<Message, 'tensor'>, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
}

/** Bits of one element, by TensorProto.DataType; texts have no fixed size. */
const bits: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
}

/** A parser of protocol buffers itself goes no deeper than a hundred. */
const deepest = 100
const mostDimensions = 64
const longestLocation = 4096
/** Operators of ONNX Runtime's extensions and training that call Python of the process that loads the model. */
const pythonOperators = /^(PyOp|PyCustomOp\w*|PythonOp|PythonOpGrad)$/

/** The worst that is found; null where all is well. Throws as `Protobuf.fields` does. */
export async function checkOnnx(reader: Protobuf): Promise<StructureFinding | null> {
  const found = await walk(reader, 'model', 0, reader.size, 0)
  return found === null ? null : { ...found, message: `ONNX: ${found.message}` }
}

async function walk(
  reader: Protobuf,
  message: Message,
  from: number,
  to: number,
  depth: number,
): Promise<StructureFinding | null> {
  if (message === 'tensor') return await checkTensor(reader, from, to)
  if (depth > deepest)
    return { level: 'suspicious', message: 'its graphs lie deeper in each other than any parser goes' }
  let worst: StructureFinding | null = null
  for await (const field of reader.fields(from, to)) {
    if (!isCounted(field)) continue
    const next = inside[message][field.number]
    const found =
      next === undefined
        ? await checkOperator(reader, message, field)
        : await walk(reader, next, field.from, field.to, depth + 1)
    if (found?.level === 'unsafe') return found
    worst ??= found
  }
  return worst
}

async function checkOperator(reader: Protobuf, message: Message, field: Field): Promise<StructureFinding | null> {
  if (message !== 'node' || field.number !== 4 || field.to - field.from > 100) return null
  const operator = await reader.text(field, 100)
  if (!pythonOperators.test(operator)) return null
  return { level: 'suspicious', message: `its operator ${operator} calls Python of the process that loads it` }
}

async function checkTensor(reader: Protobuf, from: number, to: number): Promise<StructureFinding | null> {
  let name = ''
  let type = 0
  let isElsewhere = false
  const shape: number[] = []
  const entries = new Map<string, string>()
  for await (const field of reader.fields(from, to)) {
    if (field.number === 1 && shape.length < mostDimensions) {
      if (field.wire === 0) shape.push(field.value)
      else shape.push(...(await reader.packed(field, mostDimensions)))
    } else if (field.number === 2 && field.wire === 0) type = field.value
    else if (field.number === 8 && isCounted(field)) name = await reader.text(field, 100)
    else if (field.number === 13 && isCounted(field)) {
      const [key, value] = await readEntry(reader, field)
      // Python takes the last of several, others the first: every location must be a good one.
      if (key === 'location') {
        const fault = locationFault(value)
        if (fault !== null) return { level: 'unsafe', message: `tensor "${name}" lies in ${fault}` }
      }
      entries.set(key, value)
    } else if (field.number === 14 && field.wire === 0) isElsewhere = field.value === 1
  }
  if (!isElsewhere && entries.size === 0) return null
  const fault = placeFault(entries, shape, bits[type] ?? null)
  return fault === null ? null : { level: 'suspicious', message: `tensor "${name}" ${fault}` }
}

async function readEntry(reader: Protobuf, entry: Field): Promise<[key: string, value: string]> {
  let key = ''
  let value = ''
  for await (const field of reader.fields(entry.from, entry.to)) {
    if (field.number === 1 && isCounted(field)) key = await reader.text(field, 64)
    else if (field.number === 2 && isCounted(field)) value = await reader.text(field, longestLocation)
  }
  return [key, value]
}

/** What is wrong with a path that is to lie in the model's folder; null where nothing is. */
export function locationFault(location: string): string | null {
  const shown = JSON.stringify(location.slice(0, 200))
  if (location === '' || /[\0-\x1f]/.test(location)) return `${shown}, which is no name of a file`
  // Runtimes take this for an address in their own memory.
  if (location.includes('_ORT_MEM_ADDR_')) return `${shown}: an address in the memory of the process that loads it`
  if (/^[/\\~]|^[A-Za-z]:/.test(location)) return `${shown}, an absolute path`
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(location)) return `${shown}, another machine`
  if (location.split(/[/\\]/).includes('..')) return `${shown}, outside of the model's folder`
  return null
}

function placeFault(
  entries: ReadonlyMap<string, string>,
  shape: readonly number[],
  width: number | null,
): string | null {
  if (!entries.has('location')) return 'lies outside of the model, and nothing says where'
  const numbers = { offset: 0, length: 0 }
  for (const key of ['offset', 'length'] as const) {
    const text = entries.get(key)
    if (text === undefined) continue
    const value = Number(text)
    if (!/^\d{1,20}$/.test(text) || !Number.isSafeInteger(value))
      return `has the ${key} ${JSON.stringify(text.slice(0, 40))}`
    numbers[key] = value
  }
  if (!Number.isSafeInteger(numbers.offset + numbers.length)) return 'ends beyond what any file has'
  if (width === null || !entries.has('length')) return null
  const wanted = Math.ceil((shape.reduce((product, one) => product * one, 1) * width) / 8)
  return wanted === numbers.length ? null : `has ${numbers.length} bytes, its shape needs ${wanted}`
}
