/** Where Keras keeps the configuration of a model: `config.json` in a zip (.keras), an attribute of an HDF5 file, or a JSON file of its own. */
import { Buffer } from 'node:buffer'
import { type ByteSource, partOf, readBytes } from '../byte-source.ts'
import { unpack } from '../containers/compressed.ts'
import { Damaged } from '../containers/decoders/decoder.ts'
import { findDirectories, listEntries, readLocalHeader, type ZipEntry } from '../containers/zip-directory.ts'
import type { ScanReport } from '../scanner.ts'
import { textsInHdf5 } from './hdf5-texts.ts'
import { checkKeras, isKerasConfig, kerasFinding, parsePythonJson } from './keras-config.ts'

const longestConfig = 32 << 20
const mostEntries = 20_000

const tooLong: ScanReport = {
  level: 'caution',
  message: 'partly scanned: its Keras configuration is longer than is read',
}

/** Null where the bytes are no zip with a configuration of Keras. */
export async function checkKerasZip(source: ByteSource): Promise<ScanReport | null> {
  let report: ScanReport | null = null
  let seen = 0
  for (const directory of await findDirectories(source)) {
    for await (const entry of listEntries(source, directory)) {
      if (++seen > mostEntries) return report
      if (entry.name !== 'config.json') continue
      // Readers differ on which of several entries of a name counts: each must be a good one.
      const text = await entryText(source, entry)
      if (typeof text !== 'string') report ??= text
      else {
        const config = parsePythonJson(text)
        if (!isKerasConfig(config)) continue
        const finding = checkKeras(config)
        if (finding?.level === 'unsafe') return finding
        report = finding ?? report ?? { level: 'safe', message: null }
      }
    }
  }
  return report
}

async function entryText(source: ByteSource, entry: ZipEntry): Promise<string | ScanReport> {
  const local = await readLocalHeader(source, entry.at)
  if (local === null) return unreadable('there is no header before it')
  const data = partOf(source, local.dataAt, local.dataAt + entry.compressedSize)
  if (entry.method === 0) {
    return data.size > longestConfig ? tooLong : Buffer.from(await readBytes(data, 0, data.size)).toString('utf8')
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
    return unreadable('it cannot be unpacked')
  }
  return Buffer.concat(parts).toString('utf8')
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

/** Null where the bytes are no JSON of Keras. */
export async function checkKerasJson(source: ByteSource): Promise<ScanReport | null> {
  const head = Buffer.from(await readBytes(source, 0, 4096)).toString('latin1')
  if (!/^\s*\{\s*"/.test(head)) return null
  if (source.size > longestConfig) {
    return /"(class_name|keras_version|config)"/.test(head) ? tooLong : null
  }
  const config = parsePythonJson(Buffer.from(await readBytes(source, 0, source.size)).toString('utf8'))
  if (!isKerasConfig(config)) return null
  return checkKeras(config) ?? { level: 'safe', message: null }
}
