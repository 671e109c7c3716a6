/**
 * The reading half of git over HTTP: `upload-pack` with its streams wired to the request and the response, and the
 * advertisement of refs for both halves (gitprotocol-http(5), what `git http-backend` does). Protocol v2, shallow and
 * partial clones are git's own work.
 */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { flushPacket, packet } from './pkt-line.ts'
import { fetchAdvertisement, listRefsAnswer, pushAdvertisement } from './ref-answers.ts'
import { decodeBody } from './request-body.ts'
import { exitFailure, type GitChild, GitFailure, startGit } from './run.ts'
import { wantsIn, watchWants } from './wants.ts'

export type GitService = 'git-upload-pack' | 'git-receive-pack'

export interface UploadPackRequest {
  request: Readable
  /** The request's Content-Encoding. */
  encoding?: string | null | undefined
  /** The request's Git-Protocol header. */
  protocol?: string | null | undefined
  response: ServerResponse
  signal?: AbortSignal | undefined
  /** Milliseconds for the whole answer. Default: one hour. */
  timeLimitMs?: number
  /** Called once, with the objects that the client wants, before git answers; not for a question that wants none. */
  onWants?: ((wants: readonly string[]) => void) | undefined
  /**
   * Given where not everything that lies in the repo may be had: decides over all that the client wants, before git hears of it. What it gives is
   * told to the client as the reason of the refusal; null lets it through.
   */
  mayWant?: ((wants: readonly string[]) => Promise<string | null>) | undefined
  /** Bytes of the request, decompressed. Default: 64 MiB of wants and haves. */
  requestLimit?: number
}

const hour = 3_600_000
/** Bytes of a request that is judged whole: some 80,000 wants and haves. */
const mostJudged = 4 * 1024 * 1024

/** Writes the answer to `GET info/refs?service=...`; ends the response. Headers are the caller's. */
export async function advertiseRefs(
  store: GitStore,
  repo: string,
  service: GitService,
  answer: { protocol?: string | null | undefined; response: ServerResponse; signal?: AbortSignal | undefined },
): Promise<void> {
  const name = service.slice('git-'.length)
  const protocol = protocolEnvironment(answer.protocol)
  // http-backend leaves the service line out for version 2; receive-pack knows no version 2 and always has it.
  const isBare = name === 'upload-pack' && isVersion2(protocol.GIT_PROTOCOL)
  const known = await knownAdvertisement(store, repo, service, protocol.GIT_PROTOCOL)
  if (!isBare) answer.response.write(Buffer.concat([packet(`# service=${service}\n`), Buffer.from(flushPacket)]))
  if (known !== null) {
    await endWith(answer.response, known)
    return
  }
  const args = [name, '--stateless-rpc', '--http-backend-info-refs', repositoryFolder(store, repo)]
  const child = await startGit(store, args, { environment: protocol, signal: answer.signal })
  child.stdin.end()
  await pipeToResponse(child, answer.response, args)
}

/** Answers `POST git-upload-pack`; ends the response. Rejects when the client went away or git failed. */
export async function uploadPack(store: GitStore, repo: string, exchange: UploadPackRequest): Promise<void> {
  const body = decodeBody(exchange.request, exchange.encoding, exchange.requestLimit ?? 64 * 1024 * 1024)
  let input: Readable = body
  if (isVersion2(protocolEnvironment(exchange.protocol).GIT_PROTOCOL)) {
    const begun = await beginReading(body)
    const refs = begun.isWhole ? await listRefsAnswer(store, repo, begun.start) : null
    if (refs !== null) {
      await endWith(exchange.response, refs)
      return
    }
    input = begun.all
  }
  if (exchange.mayWant !== undefined) {
    const whole = await readWhole(input)
    const wants = whole === null ? null : wantsIn(whole)
    const refusal =
      wants === null
        ? 'Nothing here is handed out to a request that cannot be read whole. Fetch fewer branches at once.'
        : wants.length === 0
          ? null
          : await exchange.mayWant(wants)
    if (whole === null || refusal !== null) {
      await endWith(exchange.response, Buffer.from(packet(`ERR ${refusal ?? ''}\n`)))
      return
    }
    input = Readable.from([whole], { objectMode: false })
  }
  const args = ['upload-pack', '--strict', '--stateless-rpc', repositoryFolder(store, repo)]
  const child = await startGit(store, args, {
    environment: protocolEnvironment(exchange.protocol),
    signal: exchange.signal,
    timeLimitMs: exchange.timeLimitMs ?? hour,
  })
  feed(exchange.onWants === undefined ? input : watchWants(input, exchange.onWants), child)
  await pipeToResponse(child, exchange.response, args)
}

function isVersion2(protocol: string | undefined): boolean {
  return /(^|:)version=2(:|$)/.test(protocol ?? '')
}

/** What git would say, if it is known without asking it. Other versions of the protocol are rare, and git's. */
async function knownAdvertisement(
  store: GitStore,
  repo: string,
  service: GitService,
  protocol: string | undefined,
): Promise<Buffer | null> {
  if (service === 'git-upload-pack') return protocol === 'version=2' ? await fetchAdvertisement(store, repo) : null
  return protocol === undefined || protocol === 'version=2' ? await pushAdvertisement(store, repo) : null
}

const listRefsStart = 'command=ls-refs'
const mostOfListRefs = 64 * 1024

interface BegunBody {
  readonly start: Buffer
  /** `start` is all of it, and looks like a request for refs. */
  readonly isWhole: boolean
  /** The body from its beginning. */
  readonly all: Readable
}

/** Reads on as long as the body can be a short `ls-refs` request: of anything else, the first piece alone. */
async function beginReading(body: Readable): Promise<BegunBody> {
  const pieces: AsyncIterator<Buffer> = body[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  let isOver = false
  for (;;) {
    const piece = await pieces.next()
    isOver = piece.done === true
    if (piece.done !== true) start = Buffer.concat([start, piece.value])
    const command = start.toString('latin1', 4, 4 + listRefsStart.length)
    const canBe = listRefsStart.startsWith(command) && start.length <= mostOfListRefs
    if (!isOver && canBe) continue
    return { start, isWhole: isOver && canBe, all: Readable.from(from(start, pieces), { objectMode: false }) }
  }
}

/** Null for a request that is too long to be judged. */
async function readWhole(body: Readable): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  let size = 0
  // Left standing where it is too long, so that the refusal still goes out on its connection.
  for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > mostJudged) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function* from(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start
    for (let piece = await rest.next(); piece.done !== true; piece = await rest.next()) yield piece.value
  } finally {
    await rest.return?.()
  }
}

async function endWith(response: ServerResponse, bytes: Buffer): Promise<void> {
  if (response.destroyed) return
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.end(bytes, () => resolve())
  })
}

/** Only what git's own protocol header can hold: it becomes an environment variable. */
export function protocolEnvironment(header: string | null | undefined): Record<string, string> {
  return header && /^[a-z0-9=.:-]{1,100}$/i.test(header) ? { GIT_PROTOCOL: header } : {}
}

/** Sends the request's body to the process; a body that breaks stops the process with the reason. */
export function feed(body: Readable, child: GitChild): void {
  pipeline(body, child.stdin).catch((error: unknown) => {
    // Else git stopped reading early (an error that it reports itself): its exit code decides then.
    if (error instanceof GitFailure) child.stop(error)
  })
}

/**
 * Ends the response, unless nothing was said before git failed: then the caller can still say what is wrong. Rejects when the client
 * went away or git failed.
 */
async function pipeToResponse(child: GitChild, response: ServerResponse, args: readonly string[]): Promise<void> {
  try {
    await pipeline(child.stdout, response, { end: false })
  } catch (error) {
    child.stop(new GitFailure('aborted', `the client went away (${error instanceof Error ? error.message : error})`))
  }
  const { code, stderr } = await child.ended
  if (code !== 0 && !response.headersSent) throw unspokenFailure(args, code, stderr)
  await endWith(response, Buffer.alloc(0))
  // 128 with nothing to say is a client that hung up in the middle of a negotiation.
  if (code !== 0 && !isBrokenOff(stderr)) throw exitFailure(args, code, stderr)
}

/** What the end of a process means that has told the client nothing: a request that is not git's, or a fault of ours. */
export function unspokenFailure(args: readonly string[], code: number, stderr: string): GitFailure {
  const failure = exitFailure(args, code, stderr)
  return isBrokenOff(stderr) || /protocol error/.test(stderr) ? new GitFailure('bad-input', failure.message) : failure
}

/** git's words for input that ends too early. */
export function isBrokenOff(stderr: string): boolean {
  return /hung up|early EOF|unexpected disconnect/.test(stderr)
}
