import { Buffer } from 'node:buffer'
import { PickleReader, type StreamReport } from '../pickle/read-pickles.ts'
import { Pieces } from './pieces.ts'
import type { Place, ScanContext } from './scan-context.ts'

const longestHeader = 1 << 20

/**
 * An array file of NumPy: a header, then numbers or a pickle. The header is never evaluated; what follows it is read as a pickle whatever it says,
 * and where it says "objects" there must be one.
 */
export async function readNpy(context: ScanContext, place: Place, input: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = new Pieces(input)
  const start = await pieces.take(8)
  const lengthBytes = start[6] === 1 ? 2 : 4
  const lengthField = await pieces.take(lengthBytes)
  if (lengthField.length < lengthBytes) return context.sayBroken(place, 'the NumPy header is cut')
  const length = lengthField.reduceRight((sum, byte) => sum * 256 + byte, 0)
  if (length > longestHeader) context.sayBroken(place, 'the NumPy header is too long')
  const header = Buffer.from(await pieces.take(Math.min(length, longestHeader))).toString('latin1')
  const reader = new PickleReader()
  const conclude = (): StreamReport => {
    const report = reader.end()
    context.reports.push({ place, report })
    return report
  }
  try {
    for await (const piece of pieces.upTo(Number.POSITIVE_INFINITY)) {
      context.signal.throwIfAborted()
      reader.write(piece)
    }
  } catch (error) {
    conclude()
    throw error
  }
  const report = conclude()
  if (holdsObjects(header) && report.pickles === 0 && report.broken === null) {
    context.sayBroken(place, 'an array of objects has no pickle')
  }
}

/** A type code O among the texts of the header. */
export function holdsObjects(header: string): boolean {
  return /['"][|<>=]?O\d*['"]/.test(header)
}
