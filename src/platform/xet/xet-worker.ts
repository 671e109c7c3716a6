/** A thread of the Xet pool. It does one job after the other; what it keeps between them belongs to a session that the pool closes. */
import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { freeBytes } from '../blobs/free-bytes.ts'
import { checkChunks, decodeChunks, eachRawChunk, forEachListed, indexChunks } from './check-chunks.ts'
import { ChunkIndex } from './chunk-index.ts'
import { Codec } from './codec.ts'
import { CutSession } from './cut-session.ts'
import { XetFormatError } from './errors.ts'
import { hashToString } from './hash.ts'
import { fileHashOf, MerkleTree } from './merkle.ts'
import { buildDedupShard } from './shard-build.ts'
import { writeAll } from './write-all.ts'
import { buffersOf, type JobFault, type JobName, type JobReply, type JobRequest, type XetJobs } from './xet-jobs.ts'

type Handlers = { readonly [Name in JobName]: (input: XetJobs[Name]['input']) => XetJobs[Name]['output'] }

const codec = new Codec()
const hashes = new Map<number, Hash>()
const lists = new Map<number, MerkleTree>()
const cuts = new Map<number, CutSession>()

const handlers: Handlers = {
  check({ bytes, length, fd, position }) {
    const stored = Buffer.from(bytes, 0, length)
    const chunks = checkChunks(codec, stored)
    if (fd !== null) writeAll(fd, stored, position)
    return { chunks, bytes }
  },
  decode: ({ bytes, rawLimit }) => spending(bytes, () => ({ raw: decodeChunks(codec, bytes, rawLimit) })),
  index: ({ chunks }) => indexChunks(chunks),
  buildDedup({ xorbs, ...rest }) {
    const indexed = xorbs.map(({ hash, index }) => ({ hash, index: new ChunkIndex(index) }))
    return { shard: wholeBuffer(buildDedupShard({ xorbs: indexed, ...rest }, codec)) }
  },
  open({ session, kind }) {
    if (kind === 'hash') hashes.set(session, createHash('sha256'))
    else if (kind === 'list') lists.set(session, new MerkleTree())
    else cuts.set(session, new CutSession(new Codec()))
    return {}
  },
  hashChunks({ session, bytes }) {
    const hash = get(hashes, session)
    return spending(bytes, () => {
      eachRawChunk(codec, bytes, (raw) => hash.update(raw))
      return {}
    })
  },
  digest: ({ session }) => ({ sha256: get(hashes, session).digest('hex') }),
  addList({ session, list }) {
    const tree = get(lists, session)
    forEachListed(list, (hash, length) => tree.add(hash, length))
    return {}
  },
  fileHash: ({ session }) => ({ hash: hashToString(fileHashOf(get(lists, session).root())) }),
  cut: ({ session, bytes, isLast }) => spending(bytes, () => ({ list: get(cuts, session).cut(bytes, isLast) })),
  place({ session, isNew, fd }) {
    get(cuts, session).place(isNew, fd)
    return {}
  },
  seal: ({ session }) => get(cuts, session).seal(),
  cutEnd: ({ session }) => get(cuts, session).end(),
  close({ session }) {
    for (const sessions of [hashes, lists, cuts]) sessions.delete(session)
    return {}
  },
}

parentPort?.on('message', (request: JobRequest) => {
  const reply = answer(request)
  parentPort?.postMessage(reply, 'output' in reply ? buffersOf(reply.output) : [])
})

function answer<Name extends JobName>(request: JobRequest<Name>): JobReply<Name> {
  try {
    return { id: request.id, output: handlers[request.name](request.input) }
  } catch (error) {
    return { id: request.id, fault: faultOf(error) }
  }
}

/** Frees what was handed over to this thread: no collection comes soon here, and each holds MiB. */
function spending<Output>(bytes: Uint8Array, work: () => Output): Output {
  try {
    return work()
  } finally {
    freeBytes(bytes)
  }
}

function faultOf(error: unknown): JobFault {
  if (error instanceof XetFormatError) return { isFormat: true, message: error.reason }
  if (!(error instanceof Error)) return { isFormat: false, message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { isFormat: false, message: error.message, code }
}

function get<State>(sessions: ReadonlyMap<number, State>, session: number): State {
  const state = sessions.get(session)
  if (state === undefined) throw new Error('This piece of work was closed.')
  return state
}

function wholeBuffer(bytes: Buffer): ArrayBuffer {
  const whole = new ArrayBuffer(bytes.length)
  bytes.copy(Buffer.from(whole))
  return whole
}
