// Builds when there is no build, or one that is older than what it was made from.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = path.join(root, 'dist', '.built')

function newest(entry) {
  const stat = statSync(entry)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(entry).map((name) => newest(path.join(entry, name))))
}

function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

const inputs = ['src', 'docs', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'vite.config.ts']
const newestInput = Math.max(...inputs.map((name) => newest(path.join(root, name))))
if (timeOf(stamp) < newestInput) {
  console.error('Building Holdfast (once) ...')
  const built = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs')], { stdio: ['ignore', 2, 2] })
  if (built.status !== 0) process.exit(built.status ?? 1)
}
