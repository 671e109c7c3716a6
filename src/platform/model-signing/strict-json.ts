/**
 * JSON that has one meaning: where an object names a key twice, readers differ on which counts, so what one of them checked another would not
 * see. Such a text is refused. Deep nesting is, too.
 */

/** Says what is wrong, in half a sentence. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
}

const deepest = 32
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws `JsonFault`. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string
  let value: unknown
  try {
    text = decoder.decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw new JsonFault('it is not JSON in UTF-8')
  }
  refuseDoubles(text)
  return value
}

/** The text has been parsed, so its grammar is right: only strings and brackets have to be told apart. */
function refuseDoubles(text: string): void {
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === quote) {
      const end = endOfString(text, at)
      const keys = open.at(-1)
      if (keys != null && text.charCodeAt(nextMark(text, end + 1)) === colon) addKey(keys, text.slice(at, end + 1))
      at = end
    } else if (char === brace || char === bracket) {
      if (open.push(char === brace ? new Set() : null) > deepest) throw new JsonFault('it is nested too deeply')
    } else if (char === closeBrace || char === closeBracket) {
      open.pop()
    }
  }
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const brace = 0x7b
const closeBrace = 0x7d
const bracket = 0x5b
const closeBracket = 0x5d

function addKey(keys: Set<string>, literal: string): void {
  const key = literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
  if (keys.has(key)) throw new JsonFault(`an object in it names ${JSON.stringify(key.slice(0, 60))} twice`)
  keys.add(key)
}

/** The closing quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let count = 0
  while (text.charCodeAt(at - 1 - count) === backslash) count++
  return count % 2 === 1
}

function nextMark(text: string, from: number): number {
  let at = from
  while (/\s/.test(text.charAt(at))) at++
  return at
}
