/**
 * The batch answer of Git LFS, with Hugging Face's multipart form of it: for each object where to send it, where to get it, or that it is
 * here already. Only objects that this repo links are "here": a hash that another repo knows says nothing, its bytes are to be sent again.
 */
import { deniedHeader } from '../../access/error-reply.ts'
import { entityOf } from '../../domain/entity.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import { storedContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { BlobIdentity } from '../../platform/blobs/blob-store.ts'
import { findHolds, findLinkedBlobs, holdLinkedBlobs } from '../storage/service.ts'
import { openConnection, tokenAddress } from '../xet/service.ts'
import { addressLifetimeMs, type LfsAddresses, lfsAddresses } from './addresses.ts'
import { openUpload } from './multipart.ts'

export interface AskedObject {
  readonly oid: string
  readonly size: number
}

export interface BatchAnswer {
  readonly transfer: 'basic' | 'multipart' | 'xet'
  readonly objects: readonly object[]
  readonly hash_algo: 'sha256'
}

/** More parts than this in one answer would make it larger than what it talks about. */
const mostParts = 20_000

export async function answerDownload(
  hub: Hub,
  allowed: Allowed<'repo.content.read'>,
  objects: readonly AskedObject[],
): Promise<BatchAnswer> {
  const addresses = lfsAddresses(hub, allowed)
  const linked = await findLinkedBlobs(hub.db, allowed.resource.id, validOids(objects))
  const holds = await findHolds(hub, allowed.resource, [...linked.keys()].map(storedContent))
  const answers = objects.map(({ oid, size }) => {
    const found = linked.get(oid)
    if (found === undefined) return refuse({ oid, size }, 404, 'This repository has no such object.')
    const hold = holds.get(storedContent(oid))
    if (hold !== undefined) return refuseHeld({ oid, size }, hold, allowed)
    const blob = { sha256: oid, size: found }
    return { oid, size: found, authenticated: true, actions: { download: action(addresses.download(blob)) } }
  })
  return { transfer: 'basic', objects: answers, hash_algo: 'sha256' }
}

export interface UploadClient {
  readonly takesMultipart: boolean
  readonly takesXet: boolean
  readonly isGitLfs: boolean
  /** What the upload is for: stands in the address at which a Xet token is had again. */
  readonly revision: string
  /** The client's own name for what it is doing, sent back to it. */
  readonly xetSession: string | null
}

export async function answerUpload(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  objects: readonly AskedObject[],
  client: UploadClient,
): Promise<BatchAnswer> {
  const addresses = lfsAddresses(hub, allowed)
  const held = await holdLinkedBlobs(hub, allowed.resource.id, validOids(objects))
  const missing = objects.filter((object) => fault(hub, object) === null && !held.has(object.oid))
  if (client.takesXet)
    return { transfer: 'xet', objects: xetAnswers(hub, allowed, objects, held, client), hash_algo: 'sha256' }
  const isLarge = ({ size }: AskedObject): boolean => size > hub.config.multipartPart
  const anyLarge = client.takesMultipart && missing.some(isLarge)
  // git-lfs chooses its agent for the whole batch: once one object is in parts, all must be.
  const inParts = (object: AskedObject): boolean => anyLarge && object.size > 0 && (client.isGitLfs || isLarge(object))
  let parts = 0
  const answers: object[] = []
  for (const object of objects) {
    const { oid, size } = object
    const wrong = fault(hub, object)
    const found = held.get(oid)
    if (wrong !== null) answers.push(refuse(object, 422, wrong))
    else if (found !== undefined && found !== size) {
      answers.push(refuse(object, 422, `This object has ${found} bytes, not ${size}.`))
    } else if (found !== undefined) answers.push({ oid, size })
    else if (inParts(object)) {
      const upload = await openUpload(hub, allowed, { sha256: oid, size })
      parts += upload.count
      answers.push(
        parts > mostParts
          ? refuse(object, 413, 'Too many large files at once. Ask again with fewer.')
          : uploadAnswer(addresses, { sha256: oid, size }, upload),
      )
    } else answers.push(uploadAnswer(addresses, { sha256: oid, size }, null))
  }
  return { transfer: anyLarge ? 'multipart' : 'basic', objects: answers, hash_algo: 'sha256' }
}

/** Clients that speak Xet send all objects of a batch by it; what is here already needs nothing. */
function xetAnswers(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  objects: readonly AskedObject[],
  held: ReadonlyMap<string, number>,
  client: UploadClient,
): object[] {
  const connection = openConnection(hub, allowed, client.revision)
  const href = tokenAddress(hub, allowed.resource, 'write', client.revision)
  const session = client.xetSession === null ? {} : { 'X-Xet-Session-Id': client.xetSession }
  const header = {
    'X-Xet-Cas-Url': connection.casUrl,
    'X-Xet-Access-Token': connection.accessToken,
    'X-Xet-Token-Expiration': String(connection.exp),
    ...session,
  }
  return objects.map((object) => {
    const { oid, size } = object
    const wrong = fault(hub, object)
    const found = held.get(oid)
    if (wrong !== null) return refuse(object, 422, wrong)
    if (found !== undefined && found !== size)
      return refuse(object, 422, `This object has ${found} bytes, not ${size}.`)
    if (found !== undefined) return { oid, size }
    return { oid, size, authenticated: true, actions: { upload: { href, header } } }
  })
}

function uploadAnswer(
  addresses: LfsAddresses,
  blob: BlobIdentity,
  upload: { readonly id: string; readonly partSize: number; readonly count: number } | null,
): object {
  const answer = (uploadAction: object) => ({
    oid: blob.sha256,
    size: blob.size,
    authenticated: true,
    actions: { upload: uploadAction, verify: action(addresses.verify(blob)) },
  })
  if (upload === null) return answer(action(addresses.upload(blob)))
  const header: Record<string, string> = { chunk_size: String(upload.partSize) }
  for (let part = 1; part <= upload.count; part++) {
    header[String(part).padStart(5, '0')] = addresses.part(upload.id, part)
  }
  return answer({ ...action(addresses.complete(upload.id)), header })
}

function action(href: string): { href: string; header: object; expires_in: number } {
  return { href, header: {}, expires_in: addressLifetimeMs / 1000 }
}

function fault(hub: Hub, { oid, size }: AskedObject): string | null {
  if (!isSha256(oid)) return 'An object is named by the 64 lowercase hex digits of its SHA-256.'
  if (size > hub.config.maxFileSize) return `A file has at most ${hub.config.maxFileSize} bytes here.`
  return null
}

/** The answer is a 200 with a refusal in it: git-lfs prints the message, and scripts read `denied` as they do elsewhere. */
function refuseHeld(
  { oid, size }: AskedObject,
  hold: HoldfastError,
  { resource }: Allowed<'repo.content.read'>,
): object {
  const { message, next, denied } = hold.about(entityOf({ on: 'repo', kind: resource.kind, repo: resource }))
  const reason = denied === null ? null : `Reason: ${deniedHeader(denied)}`
  const text = [message, next, reason].filter((part) => part !== null).join(' ')
  return {
    oid,
    size,
    error: { code: 403, message: text, ...(denied === null ? {} : { denied }) },
  }
}

function refuse({ oid, size }: AskedObject, code: number, message: string): object {
  return { oid, size, error: { code, message } }
}

function validOids(objects: readonly AskedObject[]): string[] {
  return objects.map((object) => object.oid).filter(isSha256)
}

export function isSha256(value: string): boolean {
  return /^[0-9a-f]{64}$/.test(value)
}
