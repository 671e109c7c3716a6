/**
 * Files that a form uploads without a script. Each is spooled as it arrives, goes to git or to large-file storage by the rules of the repo,
 * and is forgotten; the commit is made once all have come.
 */
import { z } from 'zod'
import { check } from '../../access/body.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { parseRepoPath } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { incomingFolder } from '../../platform/git/git-store.ts'
import { type CommitOperation, ContentSpool, largeFileRule } from '../commits/service.ts'
import { findEntry } from '../files/service.ts'
import type { Branch } from './branch-at.ts'
import { changeFields } from './change-form.ts'
import { type FormPart, readMultipart } from './multipart.ts'

/** Files of one form; a script sends more. */
export const mostFiles = 1_000
const mostFields = 20
const fieldLimit = 70_000
/** What is looked at to tell text from bytes. */
const sampleBytes = 512

const uploadFields = z.object({ ...changeFields, folder: z.string().max(2_000).default('') })
export type UploadForm = z.output<typeof uploadFields>

export interface Upload {
  readonly form: UploadForm
  readonly files: AsyncIterable<FormPart>
  /** To be called whatever happens, so that the rest of the body can go by. */
  close(): Promise<void>
}

/** The fields, which stand before the files, and the files that are still to come. Throws `bad_request`. */
export async function readUpload(hub: Hub, body: AsyncIterable<Buffer>, boundary: string): Promise<Upload> {
  const limits = { bodyLimit: 2 * hub.config.maxPush, partLimit: mostFiles + mostFields }
  const parts = readMultipart(body, boundary, limits)
  const close = async () => {
    await parts.return(undefined)
  }
  try {
    const { values, first } = await fieldsOf(parts)
    return { form: check(uploadFields, values) as UploadForm, files: theFiles(first, parts), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function fieldsOf(parts: AsyncGenerator<FormPart>) {
  const values: Record<string, string> = Object.create(null)
  for (let count = 0; ; count++) {
    const { done, value: part } = await parts.next()
    if (done === true) return { values, first: null }
    if (part.fileName !== null) return { values, first: part as FormPart }
    if (count >= mostFields)
      throw new HoldfastError('bad_request', { reason: `A form has at most ${mostFields} fields before its files.` })
    values[part.name] = await textOf(part)
  }
}

async function* theFiles(first: FormPart | null, rest: AsyncGenerator<FormPart>): AsyncGenerator<FormPart> {
  if (first === null) return
  yield first
  for await (const part of rest) {
    if (part.fileName === null) throw new HoldfastError('bad_request', { reason: 'The fields stand before the files.' })
    yield part
  }
}

async function textOf(part: FormPart): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of part.bytes) {
    size += piece.length
    if (size > fieldLimit)
      throw new HoldfastError('bad_request', { reason: `A field has at most ${fieldLimit} bytes.` })
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

export interface Destination {
  readonly allowed: Allowed<'repo.push'>
  readonly reading: Allowed<'repo.read'>
  readonly branch: Branch
  /** Where the files go to; empty for the top. */
  readonly folder: string
}

/** Throws `unsafe_path`, `field_too_large`, and `invalid_input` where no file was chosen or one has the name of a folder. */
export async function* uploadedFiles(
  hub: Hub,
  files: AsyncIterable<FormPart>,
  to: Destination,
): AsyncGenerator<CommitOperation> {
  const folder = to.folder.trim().replace(/^\/+|\/+$/g, '')
  const isLarge = largeFileRule(hub, to.allowed, to.branch.head)
  let count = 0
  for await (const part of files) {
    // A field for files in which nothing was chosen sends one without a name.
    if (part.fileName === null || part.fileName === '') continue
    if (++count > mostFiles)
      throw new HoldfastError('bad_request', { reason: `A form takes at most ${mostFiles} files.` })
    const path = parseRepoPath(folder === '' ? part.fileName : `${folder}/${part.fileName}`)
    await refuseFolder(hub, to, path)
    const spool = new ContentSpool({ folder: incomingFolder(hub.git), fileLimit: hub.config.maxInlineFile })
    try {
      let sample = Buffer.alloc(0)
      for await (const piece of part.bytes) {
        if (sample.length < sampleBytes) sample = Buffer.concat([sample, piece]).subarray(0, sampleBytes)
        spool.append(piece)
        await spool.flush()
      }
      const content = await spool.finish()
      yield { kind: 'file', path, content, isLarge: await isLarge({ path, size: content.size, sample }) }
    } finally {
      await spool.discard()
    }
  }
  if (count === 0) throw new HoldfastError('invalid_input', { reason: 'Choose at least one file.', field: 'files' })
}

async function refuseFolder(hub: Hub, { reading, branch }: Destination, path: string): Promise<void> {
  const there = branch.head === null ? null : await findEntry(hub, reading, branch.head, path)
  if (there?.type !== 'folder') return
  throw new HoldfastError('invalid_input', {
    reason: `"${path}" is a folder, and no file takes its place.`,
    field: 'files',
  })
}
