/* Writes src/web/icons.generated.ts from lucide-static: the inside of each listed icon, as one line of SVG.
   With --check it only compares, and fails when the checked-in file is not what it would write. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { iconNames } from '../src/web/icon-names.ts'

const target = fileURLToPath(new URL('../src/web/icons.generated.ts', import.meta.url))
const lineWidth = 120

function iconShape(name: string): string {
  const svg = readFileSync(new URL(`../node_modules/lucide-static/icons/${name}.svg`, import.meta.url), 'utf8')
  const inside = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg)?.[1]
  if (inside === undefined) throw new Error(`lucide-static has no readable icon ${name}`)
  const shape = inside.replace(/\s*\n\s*/g, '').replaceAll(' />', '/>')
  if (/['\\]|<script|\bon\w+=|style=/i.test(shape)) throw new Error(`the icon ${name} is not plain shapes`)
  return shape
}

function entry(name: string): string {
  const key = /^[a-z]+$/.test(name) ? name : `'${name}'`
  const value = `'${iconShape(name)}'`
  const line = `  ${key}: ${value},`
  return line.length <= lineWidth ? line : `  ${key}:\n    ${value},`
}

const written = `/* Made by scripts/build-icons.ts from lucide-static (ISC licence); change icon-names.ts and run it again. */
import type { IconName } from './icon-names.ts'

export const iconShapes: Readonly<Record<IconName, string>> = {
${iconNames.map(entry).join('\n')}
}
`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== written) {
    console.error('src/web/icons.generated.ts is not current: run node scripts/build-icons.ts')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, written)
}
