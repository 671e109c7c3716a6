/** What a new repo begins with: the attributes that send weights and data to LFS, a card, and the files that its creator gave. */
import { stringify } from 'yaml'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoKind } from '../../domain/facts.ts'
import { parseRepoPath } from '../../domain/names.ts'

export interface InitialFile {
  readonly path: string
  readonly bytes: Buffer
}

const weights =
  '*.7z *.arrow *.avro *.bin *.bz2 *.ckpt *.ftz *.gguf *.gz *.h5 *.joblib *.lfs.* *.mds *.mlmodel *.model *.msgpack *.npy *.npz *.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*'
const media =
  '*.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4 *.webm *.mov'

export function defaultGitAttributes(kind: RepoKind): string {
  const patterns = kind === 'dataset' ? `${weights} ${media}` : weights
  return patterns
    .split(' ')
    .map((pattern) => `${pattern} filter=lfs diff=lfs merge=lfs -text\n`)
    .join('')
}

export interface InitialInput {
  readonly license?: string | undefined
  readonly licenseName?: string | undefined
  readonly licenseLink?: string | undefined
  readonly sdk?: string | undefined
  readonly title: string
  readonly shortDescription?: string | undefined
  readonly files: readonly { readonly path: string; readonly content: string; readonly encoding?: string | undefined }[]
}

const mostFiles = 1000

/** In order: later files take the place of earlier ones at the same path. Throws `unsafe_path`, `field_too_large` or `invalid_input`. */
export function initialFiles(kind: RepoKind, input: InitialInput, limits: { readonly regular: number }): InitialFile[] {
  const files = new Map<string, Buffer>([['.gitattributes', Buffer.from(defaultGitAttributes(kind))]])
  const card = cardOf(kind, input)
  if (card !== null) files.set('README.md', Buffer.from(card))
  if (input.files.length > mostFiles) {
    throw new HoldfastError('invalid_input', {
      reason: `A new repo begins with at most ${mostFiles} files. Commit the rest.`,
    })
  }
  for (const file of input.files) {
    const path = parseRepoPath(file.path)
    const bytes = Buffer.from(file.content, file.encoding === 'base64' ? 'base64' : 'utf8')
    if (bytes.length > limits.regular) {
      throw new HoldfastError('field_too_large', { field: `The file ${path}`, limit: `${limits.regular} bytes` })
    }
    files.set(path, bytes)
  }
  refuseNesting([...files.keys()])
  return [...files].map(([path, bytes]) => ({ path, bytes }))
}

/** `a` and `a/b` cannot both be files. */
function refuseNesting(paths: readonly string[]): void {
  const known = new Set(paths)
  for (const path of paths) {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if (!known.has(path.slice(0, slash))) continue
      throw new HoldfastError('unsafe_path', { path, reason: `${path.slice(0, slash)} is a file` })
    }
  }
}

function cardOf(kind: RepoKind, input: InitialInput): string | null {
  const data: Record<string, string> = {}
  if (kind === 'space') {
    data.title = input.title
    if (input.sdk !== undefined) data.sdk = input.sdk
    if (input.shortDescription !== undefined) data.short_description = input.shortDescription
  }
  if (input.license !== undefined) data.license = input.license
  if (input.licenseName !== undefined) data.license_name = input.licenseName
  if (input.licenseLink !== undefined) data.license_link = input.licenseLink
  return Object.keys(data).length === 0 ? null : `---\n${stringify(data)}---\n`
}
