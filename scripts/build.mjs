// Compiles the server with tsc, one file for each source, the pages' styles and scripts with Vite, and the guides of docs/. dist/.built is written last.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGuides } from './build-guides.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = path.join(root, 'dist')

function run(script, ...args) {
  const done = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
run('typescript-7/bin/tsc', '-p', 'tsconfig.build.json')
run('vite/bin/vite.js', 'build', '--logLevel', 'warn')
buildGuides(path.join(root, 'docs'), path.join(dist, 'guides'))
writeFileSync(path.join(dist, '.built'), `${new Date().toISOString()}\n`)
