/** Commit objects: read from and written in git's own form, so that a signature over them can be checked or added. */

import type { GitStore } from './git-store.ts'
import { readObject } from './objects.ts'
import { assertOid } from './safe-names.ts'

/** Who and when, as a commit names them. */
export interface Person {
  name: string
  email: string
  /** Milliseconds; git keeps whole seconds. */
  at: number
  /** Minutes east of UTC. */
  zoneMinutes?: number
}

export interface Commit {
  oid: string
  tree: string
  parents: string[]
  author: Person
  committer: Person
  /** The armoured OpenPGP or SSH signature, or null. */
  signature: string | null
  /** First line of the message. */
  title: string
  /** The rest, without the blank line between. */
  body: string
  message: string
}

const commitLimit = 1024 * 1024

/** Reads a commit; null when the id names none. Throws `too-large` for one over 1 MiB. */
export async function readCommit(store: GitStore, repo: string, oid: string): Promise<Commit | null> {
  const object = await readObject(store, repo, oid, commitLimit)
  return object?.type === 'commit' ? parseCommit(object.oid, object.bytes) : null
}

/** Parses a commit object. What is missing or malformed comes out empty: old histories hold all kinds of damage. */
export function parseCommit(oid: string, bytes: Buffer): Commit {
  const end = bytes.indexOf('\n\n')
  const headers = readHeaders(bytes.subarray(0, end < 0 ? bytes.length : end))
  const first = (key: string) => headers.find((header) => header.key === key)?.value ?? null
  const decode = decoderFor(first('encoding')?.toString('latin1') ?? null)
  const message = end < 0 ? '' : decode(bytes.subarray(end + 2))
  const [title = '', ...rest] = message.trimStart().split('\n')
  return {
    oid,
    tree: first('tree')?.toString('latin1') ?? '',
    parents: headers.filter((header) => header.key === 'parent').map((header) => header.value.toString('latin1')),
    author: parsePerson(decode(first('author') ?? Buffer.alloc(0))),
    committer: parsePerson(decode(first('committer') ?? Buffer.alloc(0))),
    signature: first('gpgsig')?.toString('latin1') ?? null,
    title: title.trim(),
    body: rest.join('\n').trim(),
    message,
  }
}

export interface NewCommit {
  tree: string
  parents: readonly string[]
  author: Person
  committer: Person
  message: string
}

/** The bytes of a commit object; with a signature they are what `git commit -S` would have written. */
export function formatCommit(commit: NewCommit, signature: string | null = null): Buffer {
  for (const oid of [commit.tree, ...commit.parents]) assertOid(oid)
  const lines = [`tree ${commit.tree}`, ...commit.parents.map((parent) => `parent ${parent}`)]
  lines.push(`author ${formatPerson(commit.author)}`, `committer ${formatPerson(commit.committer)}`)
  if (signature !== null) lines.push(`gpgsig ${signature.trimEnd().replaceAll('\n', '\n ')}`)
  return Buffer.from(`${lines.join('\n')}\n\n${cleanMessage(commit.message)}`, 'utf8')
}

/** `Name <email> seconds zone`; what would end a field early is dropped, as git itself does. */
export function formatPerson(person: Person): string {
  const name = person.name.replace(/[<>\x00-\x1f\x7f]/g, '').trim() || 'unknown'
  const email = person.email.replace(/[<>\x00-\x20\x7f]/g, '')
  return `${name} <${email}> ${Math.floor(person.at / 1000)} ${formatZone(person.zoneMinutes ?? 0)}`
}

/** NUL ends a message in every reader, CR makes diffs of titles; both go. */
export function cleanMessage(message: string): string {
  return `${message.replaceAll('\0', '').replaceAll('\r\n', '\n').trimEnd()}\n`
}

function formatZone(minutes: number): string {
  const whole = Math.abs(Math.round(minutes))
  const digits = `${String(Math.floor(whole / 60)).padStart(2, '0')}${String(whole % 60).padStart(2, '0')}`
  return `${minutes < 0 ? '-' : '+'}${digits}`
}

interface Header {
  key: string
  value: Buffer
}

function readHeaders(bytes: Buffer): Header[] {
  const headers: Header[] = []
  for (let position = 0; position < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, position)
    const end = newline < 0 ? bytes.length : newline
    const line = bytes.subarray(position, end)
    const last = headers.at(-1)
    if (line[0] === 0x20 && last) {
      last.value = Buffer.concat([last.value, Buffer.from('\n'), line.subarray(1)])
    } else {
      const space = line.indexOf(0x20)
      const split = space < 0 ? line.length : space
      headers.push({ key: line.toString('latin1', 0, split), value: line.subarray(split + 1) })
    }
    position = end + 1
  }
  return headers
}

function parsePerson(text: string): Person {
  const match = /^(.*?) ?<([^>]*)>(?: (-?\d+) ([+-])(\d\d)(\d\d))?/s.exec(text)
  if (!match) return { name: text, email: '', at: 0, zoneMinutes: 0 }
  const seconds = Number(match[3] ?? 0)
  const zone = Number(match[5] ?? 0) * 60 + Number(match[6] ?? 0)
  // JavaScript dates end in the year 275760; a commit may claim any time.
  const at = Math.min(Math.max(seconds * 1000, 0), 8_640_000_000_000_000)
  return { name: match[1] ?? '', email: match[2] ?? '', at, zoneMinutes: match[4] === '-' ? -zone : zone }
}

function decoderFor(encoding: string | null): (bytes: Buffer) => string {
  if (encoding === null || /^utf-?8$/i.test(encoding)) return (bytes) => bytes.toString('utf8')
  try {
    const decoder = new TextDecoder(encoding)
    return (bytes) => decoder.decode(bytes)
  } catch (error) {
    // A label that nobody knows: show the bytes as UTF-8 rather than nothing.
    if (error instanceof RangeError) return (bytes) => bytes.toString('utf8')
    throw error
  }
}
