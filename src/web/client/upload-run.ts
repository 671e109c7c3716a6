/* One upload as every client of the Hub does it: ask what goes where, send large files that are not here yet, then one commit. */
import type { HashJob, HashNews } from './hash-worker.ts'
import { type Answer, lfsType, Refusal, send, sendSurely } from './upload-http.ts'

export type Item = {
  path: string
  file: File
  /** What lay at the path when it was first looked at; undefined before that. */
  there: string | null | undefined
  isLarge: boolean
  sha256: string | null
  /** Its bytes are on the hub: a second try sends nothing again. */
  isStored: boolean
  say(words: string, state?: 'ok' | 'refused'): void
  progress(done: number): void
}

export type Place = {
  /** `models/acme/m1` */
  api: string
  /** `/acme/m1` */
  repo: string
  branch: string
  worker: string
}

export type Message = { summary: string; description: string; newBranch: string | null }
export type Landed = { commit: string; branch: string }

const filesAtOnce = 500
const sampleBytes = 512
const sendersAtOnce = 3
const mostTries = 5

/**
 * Asks what goes where, and what is there. Gives the head of the branch as it was first, null in an empty repo: what the first files were
 * looked at in. A later one would hide who changed them while the rest was asked for.
 */
export async function plan(place: Place, items: readonly Item[], signal: AbortSignal): Promise<string | null> {
  let head: string | null = null
  for (let at = 0; at < items.length; at += filesAtOnce) {
    const some = items.slice(at, at + filesAtOnce)
    const files = await Promise.all(some.map(describe))
    const address = `/api/${place.api}/preupload/${encodeURIComponent(place.branch)}`
    const body = JSON.stringify({ files })
    const answer = await sendSurely({ method: 'POST', address, body, type: 'application/json', signal })
    const said = JSON.parse(answer.text) as Planned
    if (at === 0) head = said.commitOid ?? null
    for (const [index, item] of some.entries()) {
      const planned = said.files[index]
      if (!planned) continue
      item.isLarge = planned.uploadMode === 'lfs'
      if (item.there === undefined) item.there = planned.oid
      else if (item.there !== planned.oid) {
        item.there = planned.oid
        item.say('Somebody changed this file meanwhile. Look at it, then press again to replace it.', 'refused')
        throw new Refusal(409, `${item.path} was changed meanwhile. Nothing was overwritten.`)
      }
    }
  }
  return head
}

type Planned = {
  commitOid?: string
  files: { uploadMode: 'lfs' | 'regular'; oid: string | null }[]
}

async function describe({ path, file }: Item) {
  const sample = await base64Of(file.slice(0, sampleBytes))
  return { path, size: file.size, sample }
}

/** All of it, or nothing that anybody sees. */
export async function upload(
  place: Place,
  items: readonly Item[],
  message: Message,
  signal: AbortSignal,
): Promise<Landed> {
  const head = await plan(place, items, signal)
  const large = items.filter((item) => item.isLarge && !item.isStored)
  await hashAll(place, large, signal)
  await sendAll(place, large, signal)
  return await commit(place, items, message, head, signal)
}

async function hashAll(place: Place, items: readonly Item[], signal: AbortSignal): Promise<void> {
  const open = items.filter(({ sha256 }) => sha256 === null)
  if (open.length === 0) return
  const worker = new Worker(place.worker, { type: 'module' })
  const stop = (): void => worker.terminate()
  signal.addEventListener('abort', stop)
  try {
    for (const [id, item] of open.entries()) {
      item.say('Reading')
      item.sha256 = await hashOne(worker, { id, file: item.file }, item, signal)
      item.progress(0)
      item.say('Waiting')
    }
  } finally {
    signal.removeEventListener('abort', stop)
    worker.terminate()
  }
}

function hashOne(worker: Worker, job: HashJob, item: Item, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason))
    worker.onerror = () => reject(new Error('The browser could not read the files.'))
    worker.onmessage = ({ data }: MessageEvent<HashNews>) => {
      if (data.id !== job.id) return
      if (data.kind === 'progress') item.progress(data.bytes)
      else if (data.kind === 'done') resolve(data.sha256)
      else {
        item.say(data.words, 'refused')
        reject(new Error(`${item.path} could not be read. It may have changed since you chose it.`))
      }
    }
    worker.postMessage(job)
  })
}

type BatchObject = {
  oid: string
  error?: { message: string }
  actions?: { upload?: { href: string; header?: Record<string, string> }; verify?: { href: string } }
}

async function sendAll(place: Place, items: readonly Item[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < items.length; at += filesAtOnce) {
    const some = items.slice(at, at + filesAtOnce)
    const objects = some.map(({ sha256, file }) => ({ oid: sha256, size: file.size }))
    const body = JSON.stringify({
      operation: 'upload',
      transfers: ['basic', 'multipart'],
      hash_algo: 'sha256',
      objects,
    })
    const address = `${place.repo}/info/lfs/objects/batch`
    const answer = await sendSurely({ method: 'POST', address, body, type: lfsType, signal })
    const byOid = new Map((JSON.parse(answer.text) as { objects: BatchObject[] }).objects.map((one) => [one.oid, one]))
    const waiting = [...some]
    let fault: unknown = null
    const work = async (): Promise<void> => {
      for (let item = waiting.shift(); item; item = waiting.shift()) {
        try {
          await sendOne(item, byOid.get(item.sha256 ?? ''), signal)
        } catch (error) {
          // The others go on: what they send is there for the next try.
          fault ??= error
          if (!signal.aborted) item.say(error instanceof Error ? error.message : 'It could not be sent.', 'refused')
        }
      }
    }
    await Promise.all(Array.from({ length: sendersAtOnce }, work))
    if (fault !== null) throw fault
  }
}

async function sendOne(item: Item, object: BatchObject | undefined, signal: AbortSignal): Promise<void> {
  if (!object || object.error) throw new Refusal(422, object?.error?.message ?? 'The hub did not take this file.')
  const { upload: to, verify } = object.actions ?? {}
  if (!to) {
    item.isStored = true
    item.progress(item.file.size)
    item.say('Already here', 'ok')
    return
  }
  item.say('Sending')
  const partSize = Number(to.header?.chunk_size ?? 0)
  if (partSize > 0) await sendParts(item, to.href, to.header ?? {}, partSize, signal)
  else {
    const onBytes = (sent: number): void => item.progress(sent)
    const retry = (): void => item.say('Trying again')
    await sendSurely({ method: 'PUT', address: here(to.href), body: item.file, onBytes, signal }, retry)
  }
  if (verify) {
    const body = JSON.stringify({ oid: object.oid, size: item.file.size })
    await sendSurely({ method: 'POST', address: here(verify.href), body, type: lfsType, signal })
  }
  item.isStored = true
  item.progress(item.file.size)
  item.say('Sent', 'ok')
}

/** The addresses of the parts stand in the header, by their numbers. */
async function sendParts(
  item: Item,
  complete: string,
  header: Readonly<Record<string, string>>,
  partSize: number,
  signal: AbortSignal,
): Promise<void> {
  const numbers = Object.keys(header)
    .filter((key) => /^\d+$/.test(key))
    .sort()
  const parts: { partNumber: number; etag: string }[] = []
  for (const number of numbers) {
    const from = (Number(number) - 1) * partSize
    const body = item.file.slice(from, from + partSize)
    const onBytes = (sent: number): void => item.progress(from + sent)
    const retry = (): void => item.say(`Trying part ${Number(number)} again`)
    const address = here(header[number] ?? '')
    const answer: Answer = await sendSurely({ method: 'PUT', address, body, onBytes, signal }, retry)
    item.say('Sending')
    parts.push({ partNumber: Number(number), etag: answer.header('etag') ?? '' })
  }
  const body = JSON.stringify({ oid: item.sha256, parts })
  await sendSurely({ method: 'POST', address: here(complete), body, type: lfsType, signal })
}

/** The hub names itself as it is known to programs; a page speaks only to where it came from. */
function here(href: string): string {
  const { pathname, search } = new URL(href, location.href)
  return pathname + search
}

async function commit(
  place: Place,
  items: readonly Item[],
  message: Message,
  head: string | null,
  signal: AbortSignal,
): Promise<Landed> {
  const { newBranch } = message
  const lines: Blob[] = []
  // One after the other: the browser may keep each on its disk.
  for (const item of items) lines.push(await lineOf(item))
  const branch = newBranch ?? place.branch
  const regular = items.filter(({ isLarge }) => !isLarge)
  // A first commit names no parent: the last look that the repo is still empty.
  let parent = head ?? (await plan(place, items, signal))
  const branchAddress = `/api/${place.api}/branch/${encodeURIComponent(branch)}`
  if (newBranch !== null) {
    const body = JSON.stringify({ startingPoint: head ?? 'main' })
    await send({ method: 'POST', address: branchAddress, body, type: 'application/json', signal })
  }
  try {
    for (let tries = 1; ; tries++) {
      const header = {
        summary: message.summary,
        description: message.description,
        ...(parent ? { parentCommit: parent } : {}),
      }
      const body = new Blob([JSON.stringify({ key: 'header', value: header }), ...lines])
      const onBytes = (sent: number): void => {
        for (const item of regular) item.progress((item.file.size * sent) / body.size)
      }
      for (const item of regular) item.say('Committing')
      try {
        const address = `/api/${place.api}/commit/${encodeURIComponent(branch)}`
        const answer = await send({ method: 'POST', address, body, type: 'application/x-ndjson', onBytes, signal })
        for (const item of regular) item.say('Committed', 'ok')
        return { commit: (JSON.parse(answer.text) as { commitOid: string }).commitOid, branch }
      } catch (error) {
        const isMoved = error instanceof Refusal && (error.status === 412 || error.status === 409)
        for (const item of regular) item.say('Waiting')
        if (!isMoved || newBranch !== null || tries >= mostTries) throw error
        // Somebody committed meanwhile: other files do not matter, these do.
        parent = await plan(place, items, signal)
      }
    }
  } catch (error) {
    // Nothing half-made stays behind. Where that fails too it is not told: whoever reads why the upload failed can act on it, and on this
    // they can not; the branch stands in the list of branches, as it was when it was made.
    if (newBranch !== null)
      await send({ method: 'DELETE', address: branchAddress, signal: AbortSignal.timeout(10_000) }).catch(
        () => undefined,
      )
    throw error
  }
}

async function lineOf(item: Item): Promise<Blob> {
  const { path, file, sha256, isLarge } = item
  const line = isLarge
    ? { key: 'lfsFile', value: { path, algo: 'sha256', oid: sha256, size: file.size } }
    : { key: 'file', value: { path, encoding: 'base64', content: await base64Of(file) } }
  return new Blob([`\n${JSON.stringify(line)}`])
}

function base64Of(blob: Blob): Promise<string> {
  if (blob.size === 0) return Promise.resolve('')
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => {
      const url = String(reader.result)
      resolve(url.slice(url.indexOf(',') + 1))
    }
    reader.onerror = () => reject(new Error('A file could not be read. It may have changed since you chose it.'))
    reader.readAsDataURL(blob)
  })
}
