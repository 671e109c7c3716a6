/**
 * The writing half of git over HTTP. git receives the objects into a quarantine and checks them; then our hook hands
 * the commands to `judge`, which runs in this process and reads the quarantine. What git says after the verdict is
 * held back until `settle` is done: a client that was told "ok" finds everything settled.
 */
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ByteReader } from './byte-reader.ts'
import { syncFolder } from './durable.ts'
import { type GitStore, hooksFolder, repositoryFolder } from './git-store.ts'
import { markWriter } from './marks.ts'
import { assertRunnable } from './pre-receive.ts'
import { Quarantine } from './quarantine.ts'
import { type RefMove, syncRefFolders } from './refs.ts'
import { decodeBody } from './request-body.ts'
import { exitFailure, type GitChild, GitFailure, startGit } from './run.ts'
import { isOid } from './safe-names.ts'
import { feed, isBrokenOff, protocolEnvironment, unspokenFailure } from './upload-pack.ts'

/** `refuse` prints its lines to the client as `remote: ...`, and no ref moves. */
/** `lines` are shown at the client as `remote: ...`. */
export type Verdict = { accept: true; lines?: readonly string[] } | { accept: false; lines: readonly string[] }

export interface ReceivePackRequest {
  request: Readable
  encoding?: string | null | undefined
  protocol?: string | null | undefined
  response: ServerResponse
  signal?: AbortSignal | undefined
  /** Milliseconds for the whole push. Default: one hour. */
  timeLimitMs?: number
  /** Bytes of the request, decompressed. Default: 16 GiB. */
  requestLimit?: number
  /** Decides about the push as a whole. A throw refuses it with a general sentence and rejects `receivePack`. */
  judge(push: Push): Promise<Verdict>
  /** Called after git ended, when the verdict was to accept: refs have moved or not, and that is to be read from them. */
  settle(push: Push): Promise<void>
}

export interface Push {
  readonly moves: readonly RefMove[]
  /** The new objects; empty for a push that only deletes or renames. */
  readonly quarantine: Quarantine
}

const hour = 3_600_000
const heldLimit = 16 * 1024 * 1024
const movesLimit = 10_000

/** Answers `POST git-receive-pack`; ends the response. Rejects when git failed; what a judge refuses is no failure. */
export async function receivePack(store: GitStore, repo: string, exchange: ReceivePackRequest): Promise<void> {
  // Whatever became of the file since the start: without the hook git would ask nobody.
  await assertRunnable(hooksFolder(store))
  const body = decodeBody(exchange.request, exchange.encoding, exchange.requestLimit ?? 16 * 1024 ** 3)
  const child = await startGit(store, ['receive-pack', '--stateless-rpc', repositoryFolder(store, repo)], {
    environment: protocolEnvironment(exchange.protocol),
    timeLimitMs: exchange.timeLimitMs ?? hour,
    extraPipes: 2,
  })
  const unmark = await markWriter(store, child.pid, repo).catch((error: unknown) => {
    child.stop(new GitFailure('aborted', 'the push could not be marked as under way'))
    throw error
  })
  try {
    await exchangePush(store, repo, exchange, child, body)
  } finally {
    await unmark()
  }
}

async function exchangePush(
  store: GitStore,
  repo: string,
  exchange: ReceivePackRequest,
  child: GitChild,
  body: Readable,
): Promise<void> {
  const folder = repositoryFolder(store, repo)
  feed(body, child)
  const output = new HeldOutput(child, exchange.response, exchange.signal)
  const accepted = await hearHook(store, repo, child, exchange, output)
  const ended = await Promise.allSettled([child.ended, output.received])
  try {
    if (accepted.push) {
      const refs = accepted.push.moves.map((move) => move.ref)
      await Promise.all([syncRefFolders(folder, refs), syncFolder(`${folder}/objects/pack`)])
      await exchange.settle(accepted.push)
    }
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  } catch (error) {
    // The client must not read "ok" for what was not settled. Where it has read nothing yet, the caller says what is wrong.
    if (exchange.response.headersSent) exchange.response.destroy(error instanceof Error ? error : undefined)
    throw error
  }
  const { code, stderr } = await child.ended
  if (code > 1 && !accepted.push && !exchange.response.headersSent)
    throw unspokenFailure(['receive-pack'], code, stderr)
  await output.release()
  // The client has read that it was refused; the caller is to know why.
  if (accepted.failure) throw accepted.failure
  // A refused push ends with 0 or 1 and has told the client; other codes are a broken exchange.
  if (code > 1 && !isBrokenOff(stderr)) throw exitFailure(['receive-pack'], code, stderr)
}

/** Speaks with the hook, if git gets as far as running it. */
async function hearHook(
  store: GitStore,
  repo: string,
  child: GitChild,
  exchange: ReceivePackRequest,
  output: HeldOutput,
): Promise<{ push: Push | null; failure: unknown }> {
  const [fromHook, toHook] = child.extra
  if (!fromHook || !toHook) throw new GitFailure('spawn', 'git was started without the pipes of the hook')
  // Nothing comes on this one, but its end must be seen for the process to count as ended.
  toHook.resume()
  const request = await readHookRequest(new ByteReader(fromHook), child).catch((error: unknown) => {
    child.stop(new GitFailure('broken', 'the hook did not speak'))
    throw error
  })
  fromHook.destroy()
  if (request === null) {
    toHook.end()
    return { push: null, failure: null }
  }
  const quarantine = new Quarantine(store, repo, request.objectDirectory)
  const push: Push = { moves: request.moves, quarantine }
  let verdict: Verdict
  let failure: unknown = null
  try {
    verdict = await exchange.judge(push)
  } catch (error) {
    failure = error
    verdict = {
      accept: false,
      lines: ['The server could not judge this push. Nothing was changed. Try again in a moment.'],
    }
  } finally {
    await quarantine.close()
  }
  if (verdict.accept) output.hold()
  toHook.end(answerLines(verdict))
  return { push: verdict.accept ? push : null, failure }
}

/** `<quarantine>`, then `<old> <new> <ref>` per line, then an empty line. Null when git ended without running the hook. */
async function readHookRequest(
  reader: ByteReader,
  child: GitChild,
): Promise<{ objectDirectory: string | null; moves: RefMove[] } | null> {
  const gitEnded = child.ended.then(
    () => null,
    () => null,
  )
  const objectDirectory = await Promise.race([reader.lineOrEnd(), gitEnded])
  if (objectDirectory === null) return null
  const moves: RefMove[] = []
  for (;;) {
    const line = await Promise.race([reader.lineOrEnd(), gitEnded])
    if (line === null) return null
    if (line === '') return { objectDirectory: objectDirectory === '' ? null : objectDirectory, moves }
    const [oldOid = '', newOid = ''] = line.split(' ', 2)
    if (!isOid(oldOid) || !isOid(newOid)) throw new GitFailure('broken', 'the hook sent something else than commands')
    moves.push({ oldOid, newOid, ref: line.slice(82) })
    if (moves.length > movesLimit) throw new GitFailure('input-limit', `a push moves at most ${movesLimit} refs`)
  }
}

/** Lines are marked with a hyphen, so that none of our words can be taken for a verdict. */
function answerLines(verdict: Verdict): string {
  const told = (verdict.lines ?? []).map((line) => `-${line.replaceAll('\n', ' ').replaceAll('\0', '')}\n`).join('')
  return `${told}${verdict.accept ? 'accept' : 'refuse'}\n`
}

/** Passes git's output on as it comes, until it is told to hold it. */
class HeldOutput {
  readonly received: Promise<void>
  readonly #response: ServerResponse
  readonly #held: Buffer[] = []
  #isHolding = false

  constructor(child: GitChild, response: ServerResponse, signal: AbortSignal | undefined) {
    this.#response = response
    // Before the verdict whoever goes away ends the push. Afterwards it is carried out and settled: stopping git in
    // the middle of moving refs would leave its locks behind.
    const stop = () => {
      if (!this.#isHolding) child.stop(new GitFailure('aborted', 'the client went away'))
      child.stdout.resume()
    }
    signal?.addEventListener('abort', stop, { once: true })
    child.ended.then(() => signal?.removeEventListener('abort', stop)).catch(() => undefined)
    if (signal?.aborted) stop()
    let size = 0
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.#isHolding) {
        size += chunk.length
        if (size > heldLimit) child.stop(new GitFailure('output-limit', 'git reported too much about a push'))
        else this.#held.push(chunk)
      } else if (!response.write(chunk)) {
        child.stdout.pause()
        response.once('drain', () => child.stdout.resume())
      }
    })
    this.received = finished(child.stdout)
    this.received.catch(() => undefined)
    response.once('close', stop)
  }

  hold(): void {
    this.#isHolding = true
  }

  async release(): Promise<void> {
    if (this.#response.destroyed) return
    await new Promise<void>((resolve) => {
      this.#response.once('close', resolve)
      this.#response.end(Buffer.concat(this.#held), () => resolve())
    })
  }
}
