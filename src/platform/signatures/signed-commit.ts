/**
 * A commit object as a signature sees it: the bytes that were signed, and the signature. Stricter than git about the shape: a commit with two
 * committers or two signatures means one thing to one reader and another to the next, so none of them is believed.
 */

export type CommitReading =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'malformed' }
  | {
      readonly kind: 'signed'
      /** The object without its signature, which is what `git commit -S` hands to the signer. */
      readonly payload: Buffer
      readonly signature: string
      readonly committer: { readonly email: string; readonly at: number }
    }

/** Headers that stand once, in this order, before any other. */
const order = /^tree (?:parent )*author committer /
const person = /^[^<>\0\n]*<([^<>\0\n\s]*)> (\d{1,15}) [+-]\d{4}$/

export function readSignedCommit(bytes: Buffer): CommitReading {
  const end = bytes.indexOf('\n\n')
  const headerEnd = end < 0 ? bytes.length : end + 1
  const signatures: { readonly start: number; readonly end: number }[] = []
  const names: string[] = []
  let committer = ''
  for (let at = 0; at < headerEnd; ) {
    const newline = bytes.indexOf(0x0a, at)
    const next = newline < 0 ? headerEnd : newline + 1
    const last = signatures.at(-1)
    if (bytes[at] === 0x20) {
      // The lines of a header that goes on; a signature that goes on is still one.
      if (last !== undefined && last.end === at) signatures[signatures.length - 1] = { start: last.start, end: next }
      else names.push('+')
    } else {
      const space = bytes.indexOf(0x20, at)
      const name = bytes.toString('latin1', at, space < 0 || space > next ? next - 1 : space)
      names.push(name)
      if (name === 'gpgsig' || name === 'gpgsig-sha256') signatures.push({ start: at, end: next })
      if (name === 'committer') committer = bytes.toString('utf8', space + 1, next - 1)
    }
    at = next
  }
  const [signature] = signatures
  if (signature === undefined) return { kind: 'unsigned' }
  const who = person.exec(committer)
  if (signatures.length > 1 || who === null || !isWellOrdered(names) || bytes.subarray(0, headerEnd).includes(0)) {
    return { kind: 'malformed' }
  }
  const text = bytes.toString('latin1', signature.start + 'gpgsig '.length, signature.end)
  return {
    kind: 'signed',
    payload: Buffer.concat([bytes.subarray(0, signature.start), bytes.subarray(signature.end)]),
    signature: text.replaceAll('\n ', '\n').trimEnd(),
    committer: { email: who[1] ?? '', at: Number(who[2]) * 1000 },
  }
}

function isWellOrdered(names: readonly string[]): boolean {
  if (!order.test(`${names.join(' ')} `)) return false
  const rest = names.slice(names.indexOf('committer') + 1)
  if (rest[0] === '+') return false
  return !rest.some((name) => ['tree', 'parent', 'author', 'committer', 'gpgsig-sha256'].includes(name))
}
