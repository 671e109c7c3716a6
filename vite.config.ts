/* Builds the stylesheet, the client scripts, the font and the mark into dist/assets under hashed names, with a
   manifest that src/web/assets.ts reads, and a Brotli twin of every text file so that no request compresses. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig, type Plugin } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))
const outDir = join(root, 'dist', 'assets')

/** The mark is named by pages only, never by a script or the stylesheet, so it is emitted by hand. */
function emitMark(): Plugin {
  const path = 'src/web/styles/logo.svg'
  return {
    name: 'holdfast:mark',
    buildStart() {
      this.emitFile({
        type: 'asset',
        name: 'logo.svg',
        originalFileName: path,
        source: readFileSync(join(root, path)),
      })
    },
  }
}

function compressText(): Plugin {
  return {
    name: 'holdfast:compress',
    closeBundle() {
      for (const name of readdirSync(outDir)) {
        if (!/\.(?:css|js|svg)$/.test(name)) continue
        const plain = readFileSync(join(outDir, name))
        const packed = brotliCompressSync(plain)
        if (packed.length < plain.length) writeFileSync(join(outDir, `${name}.br`), packed)
      }
    },
  }
}

export default defineConfig({
  root,
  base: '/assets/',
  publicDir: false,
  plugins: [tailwindcss(), emitMark(), compressText()],
  build: {
    outDir,
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The Content-Security-Policy allows no data: address, so nothing may be folded into the stylesheet.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome120', 'firefox121', 'safari17.4'],
    rolldownOptions: {
      input: {
        app: join(root, 'src/web/client/main.ts'),
        editor: join(root, 'src/web/client/editor.ts'),
        upload: join(root, 'src/web/client/upload.ts'),
        'hash-worker': join(root, 'src/web/client/hash-worker.ts'),
        styles: join(root, 'src/web/styles/app.css'),
      },
      output: {
        entryFileNames: '[name]-[hash].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
})
