/**
 * The scanner of secrets: texts of any length, in windows. What it finds says nothing about whether a file is safe to load, so it stands apart from
 * the verdict of a file, and holds nothing.
 */
import { tokenInText } from '../../../domain/token.ts'
import { type ByteSource, readBytes } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'
import { windowsOf } from '../windows.ts'
import { type FoundSecret, findSecrets } from './find-secrets.ts'
import { linesIn } from './marks.ts'

const windowBytes = 1 << 20
/** Longer than what any rule can match. */
const overlapBytes = 16 << 10
/** As git decides what is text. */
const headBytes = 8_000
/** What is beyond counts. */
const mostKept = 100
const mostTokens = 1_000

export async function scanSecrets(source: ByteSource): Promise<ScanReport> {
  if (source.size === 0 || !(await isText(source))) return { level: 'safe', message: null }
  const secrets: FoundSecret[] = []
  const tokenPlaces = new Set<number>()
  const seen = new Set<number>()
  let count = 0
  let linesBefore = 0
  for await (const { at, bytes } of windowsOf(source, windowBytes, overlapBytes)) {
    const text = bytes.toString('latin1')
    for (const { index } of text.matchAll(tokenInText)) {
      if (tokenPlaces.size < mostTokens) tokenPlaces.add(at + index)
    }
    for (const { at: place, line, kind, masked } of await findSecrets(text)) {
      // The first byte of a later window may be the middle of a word, which the window before has seen whole.
      if ((place === 0 && at > 0) || seen.has(at + place)) continue
      if (bytes.length - place <= overlapBytes) seen.add(at + place)
      count++
      if (secrets.length < mostKept) secrets.push({ kind, line: linesBefore + line, masked })
    }
    linesBefore += linesIn(bytes.subarray(0, Math.max(0, bytes.length - overlapBytes)))
  }
  const places = tokenPlaces.size === 0 ? {} : { tokenPlaces: [...tokenPlaces] }
  if (count === 0) return { level: 'safe', message: null, ...places }
  return { level: 'suspicious', message: inWords(secrets, count), secrets, ...places }
}

async function isText(source: ByteSource): Promise<boolean> {
  return !(await readBytes(source, 0, headBytes)).includes(0)
}

function inWords(secrets: readonly FoundSecret[], count: number): string {
  const named = secrets.slice(0, 3).map(({ kind, line }) => `${kind} on line ${line}`)
  return `${named.join(', ')}${count > named.length ? `, and ${count - named.length} more` : ''}`
}
