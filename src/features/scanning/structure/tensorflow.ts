/**
 * What the graph of a TensorFlow SavedModel, or a frozen graph, does beside computing: operators that read, write or call Python. A graph is a program, and
 * loading it may be enough to run a part of it.
 */
import type { StructureFinding } from './finding.ts'
import { isCounted, type Protobuf } from './protobuf.ts'

const longestOperator = 64

/** `writes` and the like are said to people. */
const operators: Readonly<Record<string, StructureFinding>> = {
  WriteFile: { level: 'unsafe', message: 'writes files' },
  ReadFile: { level: 'suspicious', message: 'reads files' },
  MatchingFiles: { level: 'suspicious', message: 'lists files' },
  PyFunc: { level: 'suspicious', message: 'calls Python of the process that loads it' },
  PyFuncStateless: { level: 'suspicious', message: 'calls Python of the process that loads it' },
  EagerPyFunc: { level: 'suspicious', message: 'calls Python of the process that loads it' },
  SaveDataset: { level: 'suspicious', message: 'writes files' },
  SaveDatasetV2: { level: 'suspicious', message: 'writes files' },
  CreateSummaryFileWriter: { level: 'suspicious', message: 'writes files' },
  DebugIdentity: { level: 'suspicious', message: 'sends tensors to a file or another machine' },
  DebugIdentityV2: { level: 'suspicious', message: 'sends tensors to a file or another machine' },
  DebugIdentityV3: { level: 'suspicious', message: 'sends tensors to a file or another machine' },
}

type Message = 'saved model' | 'meta graph' | 'graph' | 'library' | 'function' | 'node'

/** Which fields lead to nodes, by the .proto files of TensorFlow. */
const inside: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  'saved model': { 2: 'meta graph' },
  'meta graph': { 2: 'graph' },
  graph: { 1: 'node', 2: 'library' },
  library: { 1: 'function' },
  function: { 3: 'node' },
  node: {},
}

/** The worst that is found; null where all is well. Throws as `Protobuf.fields` does. */
export async function checkTensorflow(
  reader: Protobuf,
  kind: 'saved model' | 'graph',
): Promise<StructureFinding | null> {
  const found = await walk(reader, kind, 0, reader.size)
  return found === null ? null : { ...found, message: `TensorFlow: ${found.message}` }
}

async function walk(reader: Protobuf, message: Message, from: number, to: number): Promise<StructureFinding | null> {
  let worst: StructureFinding | null = null
  for await (const field of reader.fields(from, to)) {
    if (!isCounted(field)) continue
    const next = inside[message][field.number]
    let found: StructureFinding | null = null
    if (next !== undefined) found = await walk(reader, next, field.from, field.to)
    else if (message === 'node' && field.number === 2 && field.to - field.from <= longestOperator) {
      const operator = await reader.text(field, longestOperator)
      const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined
      if (known !== undefined) found = { ...known, message: `its operator ${operator} ${known.message}` }
    }
    if (found?.level === 'unsafe') return found
    worst ??= found
  }
  return worst
}
