/** Whether a file's header says the truth about the file, for formats whose loaders believe it, and what of it is a program. */
import type { ByteSource } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'
import { checkGguf } from './gguf.ts'
import { checkKerasHdf5, checkKerasJson, checkKerasZip } from './keras.ts'
import { checkProtobufModels } from './protobuf-models.ts'
import { checkSafetensors } from './safetensors.ts'

/** Raised with every change of what is found. */
export const structureRules = 2

const checks = [checkGguf, checkSafetensors, checkKerasHdf5, checkKerasZip, checkKerasJson, checkProtobufModels]

export async function scanStructure(source: ByteSource): Promise<ScanReport> {
  for (const check of checks) {
    const report = await check(source)
    if (report !== null) return report
  }
  return { level: 'safe', message: null }
}
