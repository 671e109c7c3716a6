/** Whether a file's header says the truth about the file, for formats whose loaders believe it, and what of it is a program. */
import type { ByteSource } from '../byte-source.ts'
import { worstLevel } from '../levels.ts'
import type { ScanReport } from '../scanner.ts'
import { checkGguf } from './gguf.ts'
import { checkKerasHdf5, checkKerasJson, checkKerasZip } from './keras.ts'
import { checkProtobufModels } from './protobuf-models.ts'
import { checkSafetensors } from './safetensors.ts'

/** Raised with every change of what is found. */
export const structureRules = 3

const checks = [checkGguf, checkSafetensors, checkKerasHdf5, checkKerasZip, checkKerasJson, checkProtobufModels]

/** The worst that any of them says: a file may be several things at once, and its loader takes it for the one that it looks for. */
export async function scanStructure(source: ByteSource): Promise<ScanReport> {
  let worst: ScanReport | null = null
  for (const check of checks) {
    const report = await check(source)
    if (report === null) continue
    if (worst === null || worstLevel(worst.level, report.level) !== worst.level) worst = report
  }
  return worst ?? { level: 'safe', message: null }
}
