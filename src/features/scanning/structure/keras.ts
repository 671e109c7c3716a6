/** Where Keras keeps the configuration of a model: `config.json` in a zip (.keras), an attribute of an HDF5 file, or a JSON file of its own. */
import { Buffer } from 'node:buffer'
import { type ByteSource, partOf, readBytes } from '../byte-source.ts'
import { unpack } from '../containers/compressed.ts'
import { Damaged } from '../containers/decoders/decoder.ts'
import { findDirectories, listEntries, readLocalHeader, type ZipEntry } from '../containers/zip-directory.ts'
import { worstLevel } from '../levels.ts'
import type { ScanReport } from '../scanner.ts'
import { windowsOf } from '../windows.ts'
import type { StructureFinding } from './finding.ts'
import { textsInHdf5 } from './hdf5-texts.ts'
import { checkKeras, findKerasConfigs, kerasFinding, parsePythonBytes } from './keras-config.ts'

const longestConfig = 32 << 20
const mostEntries = 200_000

const tooLong: ScanReport = {
  level: 'caution',
  message: 'partly scanned: its Keras configuration is longer than is read',
}

const tooMany: ScanReport = { level: 'caution', message: 'partly scanned: it has more entries than are read' }

/** Null where the bytes are no zip with a configuration of Keras. */
export async function checkKerasZip(source: ByteSource): Promise<ScanReport | null> {
  let report: ScanReport | null = null
  let seen = 0
  for (const directory of await findDirectories(source)) {
    for await (const entry of listEntries(source, directory)) {
      if (++seen > mostEntries) return worse(report, tooMany)
      if (!entry.names.includes('config.json')) continue
      // Readers differ on which of several entries of a name counts: each must be a good one.
      const bytes = await entryBytes(source, entry)
      const found = Buffer.isBuffer(bytes) ? reportOn(parsePythonBytes(bytes)) : bytes
      if (found?.level === 'unsafe') return found
      report = worse(report, found)
    }
  }
  return report
}

function worse(one: ScanReport | null, other: ScanReport | null): ScanReport | null {
  if (one === null || other === null) return one ?? other
  return worstLevel(one.level, other.level) === one.level ? one : other
}

/** Null where nothing in it is of Keras. */
function reportOn(value: unknown): ScanReport | null {
  const configs = findKerasConfigs(value)
  if (configs.length === 0) return null
  const findings = configs.map(checkKeras).filter((found): found is StructureFinding => found !== null)
  return findings.reduce<ScanReport | null>(worse, null) ?? { level: 'safe', message: null }
}

async function entryBytes(source: ByteSource, entry: ZipEntry): Promise<Buffer | ScanReport> {
  const local = await readLocalHeader(source, entry.at)
  if (local === null) return unreadable('there is no header before it')
  const data = partOf(source, local.dataAt, local.dataAt + entry.compressedSize)
  if (entry.method === 0) {
    return data.size > longestConfig ? tooLong : Buffer.from(await readBytes(data, 0, data.size))
  }
  if (entry.method !== 8) return unreadable(`compression method ${entry.method} is not read`)
  const parts: Uint8Array[] = []
  let length = 0
  try {
    const count = (bytes: number): void => {
      length += bytes
    }
    for await (const piece of unpack(data.read(0, data.size), 'deflate', count)) {
      parts.push(Uint8Array.from(piece))
      if (length > longestConfig) return tooLong
    }
  } catch (error) {
    if (!(error instanceof Damaged)) throw error
    // Python does not mind that the end of the stream is missing.
    const bytes = Buffer.concat(parts)
    return parsePythonBytes(bytes) === undefined ? unreadable('it cannot be unpacked') : bytes
  }
  return Buffer.concat(parts)
}

function unreadable(reason: string): ScanReport {
  return { level: 'caution', message: `partly scanned: its config.json was not read, because ${reason}` }
}

/** Null where the bytes are no HDF5. */
export async function checkKerasHdf5(source: ByteSource): Promise<ScanReport | null> {
  const texts = await textsInHdf5(source, longestConfig)
  if (texts === null) return null
  let report: ScanReport = { level: 'safe', message: null }
  for await (const text of texts) {
    if (text === 'too long') {
      if (report.level === 'safe') report = tooLong
      continue
    }
    const finding = kerasFinding(text)
    if (finding?.level === 'unsafe') return finding
    if (finding !== null) report = finding
  }
  return report
}

const className =
  /"(c|\\u0063)(l|\\u006c)(a|\\u0061)(s|\\u0073){2}(_|\\u005f)(n|\\u006e)(a|\\u0061)(m|\\u006d)(e|\\u0065)"/i
const windowBytes = 1 << 20
const overlapBytes = 128

/** Null where the bytes are no JSON of Keras. */
export async function checkKerasJson(source: ByteSource): Promise<ScanReport | null> {
  if (!(await beginsAsJson(source))) return null
  if (source.size <= longestConfig)
    return reportOn(parsePythonBytes(Buffer.from(await readBytes(source, 0, source.size))))
  for await (const { bytes } of windowsOf(source, windowBytes, overlapBytes))
    if (className.test(bytes.toString('latin1'))) return tooLong
  return null
}

/** An object or a list of JSON, behind blanks and in whatever width of characters. */
async function beginsAsJson(source: ByteSource): Promise<boolean> {
  for await (const piece of source.read(0, source.size)) {
    const first = piece.find((byte) => !blanks.has(byte))
    if (first !== undefined) return first === 0x7b || first === 0x5b
  }
  return false
}

/** And what stands before and between the characters of wider encodings. */
const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0, 0xef, 0xbb, 0xbf, 0xff, 0xfe])
