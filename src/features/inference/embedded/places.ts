/** Where in a text the words of a tokenizer stand: it takes them apart and writes them in its own way, so they are looked for. */

export interface Place {
  readonly start: number
  readonly end: number
}

/** Of each of these words, which come one after the other; null where one is not found. */
export function placesOf(text: string, words: readonly string[]): (Place | null)[] {
  let from = 0
  return words.map((word) => {
    const place = placeOf(text, word, from)
    if (place !== null) from = place.end
    return place
  })
}

/** The first from `from` on, whatever the case and the blanks between its parts. */
export function placeOf(text: string, word: string, from: number): Place | null {
  const parts = word.replace(/^##/, '').match(/[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu)
  if (parts === null || parts.length > 500) return null
  const pattern = new RegExp(parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('\\s*'), 'giu')
  pattern.lastIndex = from
  const found = pattern.exec(text)
  return found === null ? null : { start: found.index, end: found.index + found[0].length }
}
