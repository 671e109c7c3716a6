// `npm run check`: types, format and lint, import rules, dead code, generated documents, and the rules that no tool knows.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const faults = []

function run(title, script, ...args) {
  const started = Date.now()
  const done = spawnSync(process.execPath, [path.join(root, script), ...args], { cwd: root, encoding: 'utf8' })
  const isFine = done.status === 0
  console.log(`${isFine ? 'ok  ' : 'FAIL'} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  if (!isFine) {
    faults.push(title)
    console.log(`${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd())
  }
}

run('types', 'node_modules/typescript-7/bin/tsc', '--noEmit', '-p', '.')
run('types of the pages’ scripts', 'node_modules/typescript-7/bin/tsc', '--noEmit', '-p', 'src/web/client')
run('format and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')
run(
  'import rules',
  'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
  '--config',
  '.dependency-cruiser.cjs',
  'src',
  'tests',
)
run('dead code', 'node_modules/knip/bin/knip.js', '--no-progress')
run('build', 'scripts/build-if-needed.mjs')
run('generated documents', 'scripts/generate-docs.mjs', '--check')
run('generated icons', 'scripts/build-icons.ts', '--check')
run('generated codec', 'scripts/build-codec.mjs', '--check')
houseRules()

if (faults.length > 0) {
  console.log(`\n${faults.length} of the checks failed: ${faults.join(', ')}`)
  process.exit(1)
}
console.log('\nAll checks passed.')

/** What neither the compiler nor the linter can say. */
function houseRules() {
  const rules = [
    {
      about: 'casts to Allowed outside the policy',
      pattern: /\bas\s+(unknown\s+as\s+)?Allowed</,
      not: ['src/domain/policy.ts'],
    },
    { about: 'process.env outside config.ts', pattern: /process\.env\b/, not: ['src/config.ts'] },
    {
      about: 'fetch outside platform/outbound',
      pattern: /(?<![.\w])fetch\(/,
      not: ['src/platform/outbound/', 'src/web/client/'],
    },
    {
      about: 'raw HTML outside web/raw-html.tsx',
      pattern: /dangerouslySetInnerHTML|(?<![#.\w])raw\(/,
      not: ['src/web/raw-html.tsx'],
    },
    { about: 'synchronous child processes', pattern: /\b(spawnSync|execSync|execFileSync)\b/, not: [] },
    { about: 'files named utils, helpers, common or manager', path: /(^|\/)(utils?|helpers?|common|managers?)(\.|\/)/ },
  ]
  const found = []
  for (const file of sources(path.join(root, 'src'))) {
    const name = path.relative(root, file)
    if (name.endsWith('.test.ts') || name.endsWith('.test.tsx') || name.endsWith('/testing.ts')) continue
    const text = readFileSync(file, 'utf8')
    for (const rule of rules) {
      if (rule.path?.test(name)) found.push(`${name}: ${rule.about}`)
      if (rule.pattern === undefined || rule.not.some((start) => name.startsWith(start))) continue
      text.split('\n').forEach((line, index) => {
        if (rule.pattern.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line))
          found.push(`${name}:${index + 1}: ${rule.about}`)
      })
    }
  }
  console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} house rules`)
  if (found.length > 0) {
    faults.push('house rules')
    console.log(found.join('\n'))
  }
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) yield* sources(full)
    else if (/\.tsx?$/.test(entry.name)) yield full
  }
}
