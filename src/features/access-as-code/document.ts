/** The file of access as code: what may stand in it, read strictly and written in one order. Absent sections are left alone. */
import {
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type Scalar,
  stringify,
  visit,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import { roles } from '../../domain/role.ts'
import { mostDescription as mostOfGroup } from '../groups/service.ts'
import { longestLifetimeDays } from '../organization-tokens/service.ts'
import { mostDescription as mostOfWorkspace } from '../workspaces/service.ts'
import { visible } from './visible.ts'

/** Bytes of a file. */
export const mostBytes = 1_048_576
/** Words and signs of a file, about 15,000 roles: what is more would keep everybody waiting while it is read. */
export const mostLexemes = 125_000
/** As many as these take at most in a file that is written, with the name of each and without what is in it. */
export const lexemesOf = { role: 8, group: 28, account: 32, workspace: 72 } as const
/** Lists and mappings in each other; the format itself has four. */
const mostDepth = 20

const role = z.enum(roles)
const name = z.string().min(1).max(200)
/** As the pages take it: without space around it, and none where nothing is said. */
const description = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .nullable()
    .transform((text) => (text === '' ? null : text))
    .optional()
const byName = z.record(name, role)

const shape = z.strictObject({
  version: z.literal(1),
  organization: name,
  settings: z
    .strictObject({
      defaultRole: role,
      secondFactorRequired: z.boolean(),
      workspaceCreation: z.enum(['read', 'contributor', 'write', 'admin']),
      membersVisibility: z.enum(['members', 'public']),
    })
    .optional(),
  tokenPolicy: z
    .strictObject({
      policy: z.enum(['any', 'fine_grained', 'approval']),
      mostTokenDays: z.number().int().min(1).max(longestLifetimeDays).nullable(),
      classicTokensAdminister: z.boolean(),
    })
    .optional(),
  members: byName.optional(),
  groups: z
    .record(
      name,
      z.strictObject({
        description: description(mostOfGroup),
        members: z.record(name, z.enum(['member', 'manager'])).optional(),
      }),
    )
    .optional(),
  workspaces: z
    .record(
      name,
      z.strictObject({
        description: description(mostOfWorkspace),
        autoJoin: z
          .strictObject({
            scope: z.enum(['all', 'read_plus']),
            role: z.enum(['read', 'contributor', 'write', 'admin']),
          })
          .nullable()
          .optional(),
        members: byName.optional(),
        groups: byName.optional(),
        serviceAccounts: byName.optional(),
      }),
    )
    .optional(),
  serviceAccounts: z
    .record(
      name,
      z.strictObject({
        role: role.nullable(),
        expiresAt: z.iso.datetime({ offset: true }).nullable(),
        disabled: z.boolean(),
      }),
    )
    .optional(),
})

export type AccessDocument = z.output<typeof shape>

/** A document, and where in the file things stand. */
export interface AccessFile {
  readonly document: AccessDocument
  /** The line of what is at this place, or of the nearest thing around it. */
  lineOf(path: readonly string[]): number
}

export function readDocument(source: string): AccessDocument {
  return readAccessFile(source).document
}

/** Something in a file that is not of the format. */
interface Fault {
  readonly line: number
  readonly target: string
  readonly message: string
}

/** As many are told; how many there are is told too. */
const mostFaults = 100

/** Of YAML, of which JSON is a part. Throws `body_too_large`, or `invalid_input` with the line of each fault. */
export function readAccessFile(source: string): AccessFile {
  if (Buffer.byteLength(source) > mostBytes) throw new HoldfastError('body_too_large', { limit: '1 MiB' })
  bound(source)
  const lines = new LineCounter()
  const document = parse(source, lines)
  const fault = document.errors[0]
  if (fault !== undefined) refuse(wordsOf(fault), lines.linePos(fault.pos[0]).line)
  const lineOf = (node: ParsedNode | null): number | null => (node?.range ? lines.linePos(node.range[0]).line : null)
  const twice: Fault[] = []
  visit(document, {
    Alias: (_key, node) => refuse('Aliases are not taken: write it out.', lineOf(node as ParsedNode)),
    Scalar: (_key, node, path) => plain(node, path.length, lineOf(node as ParsedNode)),
    Seq: (_key, node, path) => plain(node, path.length, lineOf(node as ParsedNode)),
    Map(_key, map, path) {
      plain(map, path.length, lineOf(map as ParsedNode))
      // Not by the library, which compares each with each: a long mapping would keep everybody waiting.
      const seen = new Set<string>()
      for (const { key } of map.items) {
        const line = lineOf(key as ParsedNode | null)
        if (!isScalar(key)) refuse('A key is a plain name.', line)
        const text = nameKey(String(key.value))
        if (text === '__proto__') refuse('"__proto__" is no name.', line)
        if (seen.has(text)) {
          const message = `"${visible(text.slice(0, 100))}" stands there twice. Names are compared without case.`
          twice.push({ line: line ?? 1, target: visible(text.slice(0, 100)), message })
        }
        seen.add(text)
      }
    },
  })
  const parsed = shape.safeParse(document.toJS({ maxAliasCount: 0 }))
  const linesOfPlaces = linesOf(document.contents, lineOf)
  const faults = [...twice, ...(parsed.error?.issues ?? []).flatMap((issue) => faultsOf(issue, linesOfPlaces))]
  if (parsed.success && faults.length === 0) return { document: parsed.data, lineOf: linesOfPlaces }
  return refuseAll(faults.sort((a, b) => a.line - b.line))
}

function faultsOf(issue: z.core.$ZodIssue, lineOf: AccessFile['lineOf']): Fault[] {
  const path = issue.path.map(String)
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path]
  return keys.map((place) => ({
    line: lineOf(place),
    target: visible(place.join('.').slice(0, 300)),
    message: issue.code === 'unrecognized_keys' ? 'There is no such key.' : visible(issue.message.slice(0, 300)),
  }))
}

function refuseAll(faults: readonly Fault[]): never {
  const [first] = faults
  if (first === undefined) throw new Error('A file is refused that has no fault.')
  const more = faults.length > 1 ? ` (And ${faults.length - 1} more.)` : ''
  const where = first.target === '' || first.message.startsWith('"') ? '' : `${first.target}: `
  const problems = faults.slice(0, mostFaults).map((fault) => ({ ...fault, code: 'invalid_input' }))
  throw new HoldfastError(
    'invalid_input',
    { reason: `Line ${first.line} of the access file: ${where}${first.message}${more}` },
    { body: { problems, count: faults.length } },
  )
}

/** Names are found without case. */
function linesOf(
  contents: ParsedNode | null,
  lineOf: (node: ParsedNode | null) => number | null,
): (path: readonly string[]) => number {
  const lines = new Map<string, number>()
  const keyOf = (path: readonly string[]): string => JSON.stringify(path.map(nameKey))
  const walk = (node: ParsedNode | null, path: readonly string[]): void => {
    if (!isMap<ParsedNode, ParsedNode | null>(node)) return
    for (const { key, value } of node.items) {
      const place = [...path, isScalar(key) ? String(key.value) : '']
      lines.set(keyOf(place), lineOf(key) ?? 1)
      walk(value, place)
    }
  }
  walk(contents, [])
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(keyOf(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return 1
  }
}

/** Refuses what would take long to parse, by its words alone. */
function bound(source: string): void {
  let lexemes = 0
  let depth = 0
  for (const lexeme of new Lexer().lex(source)) {
    if (++lexemes > mostLexemes) refuse('It has too many entries: about 15,000 roles are read.', null)
    if (lexeme === '[' || lexeme === '{') depth++
    else if (lexeme === ']' || lexeme === '}') depth--
    if (depth > mostDepth) refuse('It is nested too deeply.', null)
  }
}

function parse(source: string, lineCounter: LineCounter) {
  try {
    return parseDocument(source, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      schema: 'core',
      // Warnings are dropped. With `silent` so would be that there is a second document, and with it all that stands in it.
      logLevel: 'error',
    })
  } catch (error) {
    if (error instanceof RangeError) return refuse('It is nested too deeply.', null)
    throw error
  }
}

function wordsOf(fault: YAMLError): string {
  if (fault.code === 'MULTIPLE_DOCS') return 'A second document begins here ("---"): an organization is one document.'
  return fault.message.split('\n')[0] ?? 'It is no YAML.'
}

function plain(node: Scalar | YAMLMap | YAMLSeq, depth: number, line: number | null): void {
  if (node.anchor !== undefined) refuse('Anchors are not taken: write it out.', line)
  if (node.tag !== undefined) refuse('Tags are not taken.', line)
  // Each pair counts beside its mapping.
  if (depth > 2 * mostDepth) refuse('It is nested too deeply.', line)
}

function refuse(reason: string, line: number | null): never {
  throw new HoldfastError('invalid_input', {
    reason: line === null ? `The access file: ${reason}` : `Line ${line} of the access file: ${reason}`,
  })
}

export function writeDocument(document: AccessDocument): string {
  return stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })
}
