/** Models that are protocol buffers: ONNX, SavedModel, frozen graphs, Keras' metadata. None has a magic number: whatever can be read as one is. */
import type { ByteSource } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'
import type { StructureFinding } from './finding.ts'
import { kerasFinding } from './keras-config.ts'
import { checkOnnx } from './onnx.ts'
import { isCounted, NotProtobuf, Protobuf, TooManyFields } from './protobuf.ts'
import { checkTensorflow } from './tensorflow.ts'

const mostFields = 10_000_000
const longestMetadata = 4 << 20

/** Null where the bytes are no such model. */
export async function checkProtobufModels(source: ByteSource): Promise<ScanReport | null> {
  try {
    const counted = await countedFields(source)
    const findings = [
      counted.has(7) ? await orNone(checkOnnx(new Protobuf(source, mostFields))) : null,
      counted.has(2) ? await orNone(checkTensorflow(new Protobuf(source, mostFields), 'saved model')) : null,
      counted.has(1) ? await orNone(checkTensorflow(new Protobuf(source, mostFields), 'graph')) : null,
      counted.has(1) ? await orNone(checkKerasMetadata(new Protobuf(source, mostFields))) : null,
    ].filter((found) => found !== null)
    return findings.find(({ level }) => level === 'unsafe') ?? findings[0] ?? null
  } catch (error) {
    if (error instanceof NotProtobuf) return null
    if (!(error instanceof TooManyFields)) throw error
    return { level: 'caution', message: `partly scanned: ${error.message}` }
  }
}

/** The numbers of the counted fields at the top, once all of it is known to be well-formed. */
async function countedFields(source: ByteSource): Promise<ReadonlySet<number>> {
  const numbers = new Set<number>()
  for await (const field of new Protobuf(source, mostFields).fields(0, source.size))
    if (isCounted(field)) numbers.add(field.number)
  return numbers
}

/** What is malformed further in is no model of the kind, and its loader says so too. */
async function orNone(check: Promise<StructureFinding | null>): Promise<StructureFinding | null> {
  try {
    return await check
  } catch (error) {
    if (error instanceof NotProtobuf) return null
    throw error
  }
}

/** keras_metadata.pb beside a SavedModel: nodes, each with its layer as JSON. */
async function checkKerasMetadata(reader: Protobuf): Promise<StructureFinding | null> {
  let worst: StructureFinding | null = null
  for await (const node of reader.fields(0, reader.size)) {
    if (node.number !== 1 || !isCounted(node)) continue
    for await (const field of reader.fields(node.from, node.to)) {
      if (field.number !== 5 || !isCounted(field)) continue
      const start = await reader.text(field, 4096)
      if (!/^\s*(\{|$)/.test(start)) continue
      if (field.to - field.from > longestMetadata) {
        worst ??= { level: 'suspicious', message: 'Keras: the description of a layer is longer than is read' }
        continue
      }
      const found = kerasFinding(await reader.text(field, longestMetadata))
      if (found?.level === 'unsafe') return found
      worst ??= found
    }
  }
  return worst
}
