/** What a model signature says of the files: the in-toto statement with the predicate of OpenSSF Model Signing 1.0. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { statementType } from './envelope.ts'
import { malformed, unsupported } from './fault.ts'
import { JsonFault, parseStrictJson } from './strict-json.ts'

export const hashNames = ['sha256', 'blake2b', 'blake3'] as const
export type HashName = (typeof hashNames)[number]

export interface SignedFile {
  /** From the root of the model. */
  readonly path: string
  /** Lowercase hex; of a file in shards the digests of all of them, with commas between. */
  readonly digest: string
  /** Known of files in shards alone. */
  readonly size: number | null
}

export interface Manifest {
  /** As the signer called the model; it says nothing about where it is. */
  readonly name: string
  /** SHA-256 over all digests, in lowercase hex. */
  readonly rootDigest: string
  readonly hash: HashName
  /** Bytes of a shard; null: files are hashed whole. */
  readonly shardSize: number | null
  /** Files and folders, from the root, that the signature is not about. */
  readonly ignored: readonly string[]
  readonly files: readonly SignedFile[]
}

/** The reference client passes them over whatever a signature says. */
const alwaysIgnored = ['.git', '.gitattributes', '.github', '.gitignore']
const predicateType = 'https://model_signing/signature/v1.0'
const oldPredicateType = 'https://model_signing/Digests/v0.1'
const mostFiles = 250_000
const mostIgnored = 1_000

const statementShape = z.object({
  _type: z.string(),
  predicateType: z.string(),
  subject: z.array(z.object({ name: z.string().default(''), digest: z.object({ sha256: z.string() }) })),
  predicate: z.unknown(),
})
const predicateShape = z.object({
  resources: z
    .array(z.object({ name: z.string(), algorithm: z.string(), digest: z.string() }))
    .min(1)
    .max(mostFiles),
  serialization: z.object({
    method: z.enum(['files', 'shards']),
    hash_type: z.string(),
    shard_size: z.number().int().positive().optional(),
    allow_symlinks: z.boolean(),
    ignore_paths: z.array(z.string().max(4_096)).max(mostIgnored).optional(),
  }),
})

type Predicate = z.output<typeof predicateShape>

/** Throws `BundleFault`. */
export function parseManifest(payload: Uint8Array): Manifest {
  const statement = statementShape.safeParse(parsed(payload))
  if (!statement.success) throw malformed('What it signs is not an in-toto statement.')
  const { _type, predicateType: type, subject } = statement.data
  if (_type !== statementType) throw malformed('What it signs is not an in-toto statement of version 1.')
  if (type === oldPredicateType) throw unsupported('It was made by a signer from before version 1.0. Sign again.')
  if (type !== predicateType) throw malformed('What it signs is not a model.')
  const predicate = predicateShape.safeParse(statement.data.predicate)
  if (!predicate.success) throw malformed('Its list of files is not as the format has it.')
  const [about, ...others] = subject
  if (about === undefined || others.length > 0) throw malformed('It is not about exactly one model.')
  return manifestOf(about.name, about.digest.sha256, predicate.data)
}

function parsed(payload: Uint8Array): unknown {
  try {
    return parseStrictJson(payload)
  } catch (error) {
    throw error instanceof JsonFault ? malformed(`What it signs cannot be read: ${error.message}.`) : error
  }
}

function manifestOf(name: string, rootDigest: string, { resources, serialization }: Predicate): Manifest {
  const { method, hash_type: hashType, shard_size: shardSize } = serialization
  const hash = hashNames.find((one) => one === hashType)
  if (hash === undefined) throw unsupported('Its files are hashed in a way that is not known here.')
  if ((method === 'shards') !== (shardSize !== undefined)) throw malformed('It does not say how files are cut.')
  // The client names the cut in the algorithm; the specification does not.
  const algorithms = shardSize === undefined ? [hash] : [hash, `${hash}-sharded-${shardSize}`]
  const whole = createHash('sha256')
  const length = hash === 'blake2b' ? 128 : 64
  for (const { algorithm, digest } of resources) {
    if (!algorithms.includes(algorithm)) throw malformed('Its files are hashed in several ways.')
    if (digest.length !== length || !/^[0-9a-f]*$/.test(digest)) throw malformed('A digest in it is none.')
    whole.update(digest, 'hex')
  }
  if (whole.digest('hex') !== rootDigest) throw malformed('The digest over all files is not that of its files.')
  const ignored = [...new Set([...alwaysIgnored, ...(serialization.ignore_paths ?? [])])]
  if (ignored.some((path) => !isPlainPath(path))) throw malformed('A path that it leaves out is none in a model.')
  const files = shardSize === undefined ? filesOf(resources) : filesInShards(resources, shardSize)
  const isIgnored = ignoring(ignored)
  if (files.some(({ path }) => isIgnored(path))) throw malformed('It lists a file that it leaves out.')
  return { name, rootDigest, hash, shardSize: shardSize ?? null, ignored, files }
}

function filesOf(resources: Predicate['resources']): SignedFile[] {
  const seen = new Set<string>()
  return resources.map(({ name, digest }) => {
    if (name === '.') throw unsupported('It signs one file by itself, not a model with its files.')
    if (!isPlainPath(name)) throw malformed(`It lists ${shown(name)}, which is no path in a model.`)
    if (seen.has(name)) throw malformed(`It lists ${shown(name)} twice.`)
    seen.add(name)
    return { path: name, digest, size: null }
  })
}

/** Shards of a file stand behind each other, without a gap, all of one size but the last. */
function filesInShards(resources: Predicate['resources'], shardSize: number): SignedFile[] {
  const files = new Map<string, { digests: string[]; size: number }>()
  for (const { name, digest } of resources) {
    const [, path = '', start, end] = /^(.+):(\d{1,15}):(\d{1,15})$/s.exec(name) ?? []
    if (!isPlainPath(path)) throw malformed(`It lists ${shown(name)}, which is no part of a file in a model.`)
    const file = files.get(path) ?? { digests: [], size: 0 }
    const [from, to] = [Number(start), Number(end)]
    const follows = from === file.size && from % shardSize === 0 && to > from && to - from <= shardSize
    if (!follows) throw malformed(`The parts of ${shown(path)} do not make up a file.`)
    file.digests.push(digest)
    file.size = to
    files.set(path, file)
  }
  return [...files].map(([path, { digests, size }]) => ({ path, digest: digests.join(','), size }))
}

/** Relative, without anything that leads elsewhere, and written in the one way that is canonical. */
export function isPlainPath(path: string): boolean {
  if (path === '' || path.length > 4_096 || /[\0\\]/.test(path) || !path.isWellFormed()) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** Whether a path, or a folder that it is in, is among those left out. */
export function ignoring(ignored: readonly string[]): (path: string) => boolean {
  const left = new Set(ignored)
  return (path) => {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (left.has(path.slice(0, slash))) return true
    }
    return left.has(path)
  }
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 100))
}
