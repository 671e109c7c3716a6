/** Whether a file's header says the truth about the file, for formats whose loaders believe it. */
import type { ByteSource } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'
import { checkGguf } from './gguf.ts'
import { checkSafetensors } from './safetensors.ts'

export async function scanStructure(source: ByteSource): Promise<ScanReport> {
  return (await checkGguf(source)) ?? (await checkSafetensors(source)) ?? { level: 'safe', message: null }
}
