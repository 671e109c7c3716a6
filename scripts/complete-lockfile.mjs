// Adds to package-lock.json the optional packages of other platforms that the registry at hand did not carry. Without them `npm ci` calls the
// lockfile out of sync. Each gets the version that its dependent names, and os, cpu and libc read from its name, so that npm skips it elsewhere.
// Run after changing dependencies behind a registry mirror; with a full registry it has nothing to do.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8'))
const systems = ['android', 'darwin', 'freebsd', 'linux', 'win32', 'openharmony', 'netbsd', 'openbsd', 'sunos', 'aix']
const processors = ['arm64', 'x64', 'ia32', 'riscv64', 'ppc64', 's390x', 'loong64', 'mips64el', 'wasm32', 'arm']

function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = systems.filter((system) => words.includes(system))
  const cpu = processors.filter((processor) => words.includes(processor)).slice(0, 1)
  const libc = words.some((word) => /^(linux)?musl/.test(word))
    ? ['musl']
    : words.some((word) => /^gnu/.test(word))
      ? ['glibc']
      : []
  if (os.length === 0 && cpu.length === 0) throw new Error(`${name}: no platform in its name. Look at it by hand.`)
  return { ...(cpu.length ? { cpu } : {}), ...(libc.length ? { libc } : {}), ...(os.length ? { os } : {}) }
}

let added = 0
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const isThere = lock.packages[`${place}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`]
    if (isThere !== undefined || place === '') continue
    const version = range.replace(/^npm:.*@/, '').replace(/^[~^]/, '')
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    }
    added++
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
lock.packages = Object.fromEntries(sorted)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages of other platforms added.`)
