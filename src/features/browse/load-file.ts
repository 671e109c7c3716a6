/** What the page of a file shows: its text, its picture, what a viewer makes of it, or what it is and where its bytes are. */
import { contentOf } from '../../domain/quarantine.ts'
import { utf8Text } from '../../domain/utf8-text.ts'
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import type { RepoAddress } from '../../web/address.ts'
import { fitsCodeView } from '../../web/code-view.tsx'
import { markSanitized } from '../../web/raw-html.tsx'
import type { Reading, RepoEntry } from '../files/service.ts'
import { findHeld, findLinkedBlob, revisionHold } from '../storage/service.ts'
import { type Format, formatOf, highlight, languageOf, viewFile } from '../viewers/service.ts'
import type { BlobBody } from './blob-page.tsx'
import { cardPlace } from './card-place.ts'
import { drawNotebook } from './draw-notebook.ts'
import { markdownLimit, renderCard } from './render-card.ts'

/** Bytes that are read to be shown as text. */
const textLimit = 600_000
const pictureLimit = 20_000_000
const pictures = /\.(png|jpe?g|gif|webp|avif|bmp|ico)$/i
const drawings = /\.svg$/i
const sounds = /\.(mp3|wav|flac|ogg|oga|opus|m4a)$/i
const films = /\.(mp4|m4v|webm|ogv|mov)$/i
const markdown = /\.(md|markdown)$/i
const shards = /\.index\.json$/i
/** Of these, nobody wants the bytes as text. */
const binary: readonly Format[] = ['parquet', 'safetensors', 'gguf']

export interface AskedView {
  /** As it stands in addresses. */
  readonly revision: string
  readonly view: 'preview' | 'code' | null
  readonly from: number
}

export interface LoadedFile {
  readonly body: BlobBody
  /** The view that is shown where there are two. */
  readonly views: 'preview' | 'code' | null
  /** Bytes of the content that this page hands out, or null: pictures are fetched by themselves. */
  readonly bytes: number | null
}

const plain = (body: BlobBody): LoadedFile => ({ body, views: null, bytes: null })

export async function loadFileBody(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  commit: string,
  entry: RepoEntry,
  asked: AskedView,
): Promise<LoadedFile> {
  const { path, size } = entry
  if ((await revisionHold(hub, allowed.resource, commit)) !== null) return plain({ kind: 'sizes', why: 'unsigned' })
  const held = await findHeld(hub, allowed.resource, [contentOf(entry)], commit)
  if (held.size > 0 && !entry.isSymlink) return plain({ kind: 'sizes', why: 'held' })
  if (entry.isSymlink) return await loadText(hub, allowed, entry)
  const { lfs } = entry
  if (lfs !== null && (await findLinkedBlob(hub.db, allowed.resource.id, lfs.sha256)) === null)
    return plain({ kind: 'sizes', why: 'missing' })
  if (pictures.test(path) && size <= pictureLimit) return plain({ kind: 'image' })
  if (sounds.test(path)) return plain({ kind: 'audio' })
  if (films.test(path)) return plain({ kind: 'video' })
  const format = formatOf(path)
  const hasCode = lfs === null && size <= textLimit && !(format !== null && binary.includes(format))
  const hasPreview =
    (format !== null && size > 0) ||
    (drawings.test(path) && size <= pictureLimit) ||
    (markdown.test(path) && lfs === null && size <= markdownLimit)
  // JSON is looked at as it is written; a list of tensors by shard is not.
  const prefersCode = format === 'json' && !shards.test(path)
  const showsPreview = hasPreview && (!hasCode || (asked.view ?? (prefersCode ? 'code' : 'preview')) === 'preview')
  const views = hasPreview && hasCode ? (showsPreview ? 'preview' : 'code') : null
  if (!showsPreview) return { ...(await loadText(hub, allowed, entry)), views }
  if (format !== null) return { ...(await loadView(hub, allowed, repo, entry, format, asked)), views }
  if (drawings.test(path)) return { ...plain({ kind: 'image' }), views }
  return { ...(await loadMarkdown(hub, allowed, repo, entry, asked)), views }
}

async function loadText(hub: Hub, allowed: Reading, entry: RepoEntry): Promise<LoadedFile> {
  if (entry.lfs !== null) return plain({ kind: 'sizes', why: 'stored' })
  if (entry.size > textLimit) return plain({ kind: 'sizes', why: 'large' })
  const object = await readObject(hub.git, allowed.resource.id, entry.oid, textLimit)
  const text = object === null ? null : utf8Text(object.bytes, 'dropped')
  if (text === null) return plain({ kind: 'sizes', why: 'binary' })
  if (entry.isSymlink) return plain({ kind: 'link', target: text.slice(0, 4_096) })
  if (!fitsCodeView(text)) return plain({ kind: 'sizes', why: 'large' })
  const language = languageOf(entry.path)
  const colours = language === null ? null : await highlight(hub, entry.oid, text, language)
  // The rows of the viewer are made of escaped texts and our own tags alone.
  const rows = colours === null ? null : markSanitized(colours)
  return { body: { kind: 'text', text, rows, note: null }, views: null, bytes: entry.size }
}

async function loadView(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  entry: RepoEntry,
  format: Format,
  asked: AskedView,
): Promise<LoadedFile> {
  const viewed = await viewFile(hub, allowed, entry, format, asked.from)
  if (viewed.kind === 'not shown') return plain({ kind: 'not shown', words: viewed.why })
  const { shown, read } = viewed
  const bytes = Math.min(read, entry.size)
  if (shown.kind === 'notebook') {
    const notebook = await drawNotebook(hub, cardPlace(hub, repo, asked.revision, entry.path), contentOf(entry), shown)
    return { body: { kind: 'notebook', notebook }, views: null, bytes }
  }
  if (shown.kind === 'code') throw new Error('The viewer of a format answered with code.')
  return { body: { kind: 'shown', shown }, views: null, bytes }
}

const plainMarkdown = {
  busy: 'This hub is busy: the file is shown as it was written. Reload the page in a moment.',
  slow: 'Rendering this file takes too long, so it is shown as it was written.',
  deep: 'This file is nested too deeply or too long to be rendered, so it is shown as it was written.',
} as const

async function loadMarkdown(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  entry: RepoEntry,
  asked: AskedView,
): Promise<LoadedFile> {
  const object = await readObject(hub.git, allowed.resource.id, entry.oid, markdownLimit)
  const text = object === null ? null : utf8Text(object.bytes, 'dropped')
  if (text === null) return plain({ kind: 'sizes', why: 'binary' })
  if (text.trim() === '') return await loadText(hub, allowed, entry)
  const rendered = await renderCard(
    hub.log,
    entry.oid,
    cardPlace(hub, repo, asked.revision, entry.path),
    async () => text,
  )
  if (rendered.kind === 'html')
    return { body: { kind: 'markdown', html: rendered.html }, views: null, bytes: entry.size }
  const written = await loadText(hub, allowed, entry)
  if (written.body.kind !== 'text') return written
  return { ...written, body: { ...written.body, note: plainMarkdown[rendered.why] } }
}
