/* The built files of the pages: which address each has, and where its bytes lie. Only names that the build's manifest
   lists are ever found, so no request can walk the disk. */
import { readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Sent with every asset: the name carries the hash of the bytes, so they never change. */
export const assetCacheControl = 'public, max-age=31536000, immutable'

export type AssetName =
  | 'app.js'
  | 'editor.js'
  | 'upload.js'
  | 'hash-worker.js'
  | 'styles.css'
  | 'inter.woff2'
  | 'logo.svg'

export type Asset = {
  /** Where the bytes lie. */
  path: string
  type: string
  /** Bytes. */
  size: number
  /** The same bytes packed with Brotli, for clients that accept `br`. */
  brotli: { path: string; size: number } | null
}

const manifestKeys: Readonly<Record<AssetName, string>> = {
  'app.js': 'src/web/client/main.ts',
  'editor.js': 'src/web/client/editor.ts',
  'upload.js': 'src/web/client/upload.ts',
  'hash-worker.js': 'src/web/client/hash-worker.ts',
  'styles.css': 'src/web/styles/app.css',
  'inter.woff2': 'node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  'logo.svg': 'src/web/styles/logo.svg',
}

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

type Built = { files: ReadonlyMap<string, Asset>; names: ReadonlyMap<AssetName, string> }

const assetsFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/assets/' : '../assets/', import.meta.url),
)

let built: Built | null = null

/** `/assets/<hashed name>`; before a build (tests render pages without one) the plain name. */
export function assetUrl(name: AssetName): string {
  built ??= readBuilt(assetsFolder)
  return `/assets/${built.names.get(name) ?? name}`
}

/** The file behind `/assets/<name>`, or null when the build made no such file. */
export function findAsset(name: string): Asset | null {
  built ??= readBuilt(assetsFolder)
  return built.files.get(name) ?? null
}

function readBuilt(folder: string): Built {
  const files = new Map<string, Asset>()
  const names = new Map<AssetName, string>()
  const manifest = readManifest(join(folder, 'manifest.json'))
  for (const file of manifest.values()) files.set(file, describe(folder, file))
  for (const [name, key] of Object.entries(manifestKeys) as [AssetName, string][]) {
    const file = manifest.get(key)
    if (file !== undefined) names.set(name, file)
  }
  return { files, names }
}

function readManifest(path: string): Map<string, string> {
  const found = new Map<string, string>()
  if (!statSync(path, { throwIfNoEntry: false })) return found
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (typeof manifest !== 'object' || manifest === null) throw new Error(`${path} is not a build manifest`)
  for (const [key, entry] of Object.entries(manifest)) {
    const file: unknown = entry?.file
    if (typeof file === 'string') found.set(key, file)
  }
  return found
}

function describe(folder: string, file: string): Asset {
  const path = join(folder, file)
  const packed = statSync(`${path}.br`, { throwIfNoEntry: false })
  return {
    path,
    type: contentTypes[extname(file)] ?? 'application/octet-stream',
    size: statSync(path).size,
    brotli: packed ? { path: `${path}.br`, size: packed.size } : null,
  }
}
