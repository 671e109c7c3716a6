/* Which part of a changed line differs from its counterpart: what is left between the common beginning and the common
   end, both cut at word edges so that words are marked whole. */

export type ChangedLine = { before: string; changed: string; after: string }

/** Longer lines are not compared: minified text would cost more than it says. */
const longest = 2000

/** Null where marking would say nothing: the lines have too little in common, or are too long. */
export function changedMiddle(text: string, other: string): ChangedLine | null {
  if (text.length > longest || other.length > longest || text === other) return null
  const words = text.split(wordEdge)
  const others = other.split(wordEdge)
  const limit = Math.min(words.length, others.length)
  let start = 0
  while (start < limit && words[start] === others[start]) start += 1
  let end = 0
  while (end < limit - start && words.at(-1 - end) === others.at(-1 - end)) end += 1
  const before = words.slice(0, start).join('')
  const after = words.slice(words.length - end).join('')
  if ((before + after).trim() === '') return null
  return { before, changed: words.slice(start, words.length - end).join(''), after }
}

/** Between a word character and anything else. */
const wordEdge = /(?<=\w)(?=\W)|(?<=\W)(?=\w)|(?<=\W)(?=\W)/
