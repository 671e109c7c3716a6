/** The texts of protocol 0, as CPython reads them. Null, or false, where it refuses. */
import type { Buffer } from 'node:buffer'

/** int() of a line: blanks around it, a sign, underscores between digits. */
export function parseIndex(line: Buffer): number | null {
  const text = line.toString('latin1').trim()
  if (!/^[+]?\d+(_\d+)*$/.test(text)) return /^-0+$/.test(text) ? 0 : null
  return Number(text.replaceAll('_', ''))
}

/** INT takes what int(text, 0) takes, LONG too, with an L at the end. Long lines are not judged. */
export function isIntegerText(line: Buffer, isInt: boolean): boolean {
  if (line.length > 256) return true
  let text = line.toString('latin1').trim()
  if (!isInt && text.endsWith('L')) text = text.slice(0, -1)
  return /^[+-]?(\d+(_\d+)*|0[xX](_?[\da-fA-F])+|0[oO](_?[0-7])+|0[bB](_?[01])+)$/.test(text)
}

export function isFloatText(line: Buffer): boolean {
  if (line.length > 256) return true
  const text = line.toString('latin1').trim()
  return /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?$|^[+-]?(inf(inity)?|nan)$/i.test(text)
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
}

/** STRING: quotes around it, with the escapes of bytes literals inside. */
export function decodeString(line: Buffer): string | null {
  const text = line.toString('latin1')
  const quote = text[0]
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) return null
  const inside = text.slice(1, -1)
  if (!inside.includes('\\')) return inside
  return inside.replace(/\\(x[\da-fA-F]{2}|[0-7]{1,3}|[\s\S])/g, (whole, escaped: string) => {
    if (escaped.length === 3 && escaped.startsWith('x'))
      return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 255)
    return simpleEscapes[escaped] ?? whole
  })
}

/** UNICODE: raw-unicode-escape, where only \u and \U mean something. */
export function decodeUnicode(line: Buffer): string | null {
  const text = line.toString('latin1')
  if (!text.includes('\\')) return text
  let isFine = true
  const decoded = text.replace(
    /(\\+)(u[\da-fA-F]{4}|U[\da-fA-F]{8}|u|U)?/g,
    (whole, slashes: string, escaped?: string) => {
      if (escaped === undefined || slashes.length % 2 === 0) return whole
      const point = escaped.length === 1 ? Number.NaN : Number.parseInt(escaped.slice(1), 16)
      if (!(point <= 0x10ffff)) {
        isFine = false
        return whole
      }
      return slashes.slice(1) + String.fromCodePoint(point)
    },
  )
  return isFine ? decoded : null
}
