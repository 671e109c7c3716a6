/**
 * The figures as a table on the terminal and as docs/performance.md. A case that was not run keeps its section, with the date and the
 * commit it was measured at; the words of docs/performance-notes.md, written by hand, are put at the end.
 */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cells, columns, type Figure } from './figures.ts'
import type { Machine } from './machine.ts'
import { root } from './program.ts'

export interface CaseReport {
  readonly name: string
  readonly about: string
  readonly figures: readonly Figure[]
  readonly notes: readonly string[]
  readonly rounds: number
}

export function terminalTable(report: CaseReport): string {
  const rows = [columns, ...report.figures.map(cells)]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [...lines, ...report.notes.map((note) => `  ${note}`)].join('\n')
}

const file = path.join(root, 'docs', 'performance.md')
const notesFile = path.join(root, 'docs', 'performance-notes.md')

export async function writeReport(
  reports: readonly CaseReport[],
  order: readonly string[],
  machine: Machine,
): Promise<void> {
  const sections = sectionsOf(await read(file))
  for (const report of reports) sections.set(report.name, section(report, machine))
  const kept = order.flatMap((name) => sections.get(name) ?? [])
  const notes = await read(notesFile)
  await writeFile(file, `${[head, ...kept, ...(notes === '' ? [] : [notes.trim()])].join('\n\n')}\n`)
}

const head = `# Performance

Written by \`npm run bench -- --write\`: the same work is done by Holdfast and by its yardstick, in turns, on the same machine. The figures
are medians of the rounds; the ratio is Holdfast's figure divided by the yardstick's of the same round, with its smallest and largest value.
Ratios travel between machines; the other figures say what one machine did.`

function section(report: CaseReport, machine: Machine): string {
  const row = (values: readonly string[]): string => `| ${values.join(' | ')} |`
  const load =
    machine.loadPerCore > 0.5 ? ` The machine was busy (load ${machine.loadPerCore.toFixed(1)} per core).` : ''
  return [
    opening(report.name),
    `## ${report.name}`,
    '',
    report.about,
    '',
    row(columns),
    row(columns.map((_, index) => (index === 0 || index === columns.length - 1 ? '---' : '--:'))),
    ...report.figures.map((figure) => row(cells(figure))),
    '',
    ...report.notes.flatMap((note) => [note, '']),
    `${machine.date}, commit ${machine.commit}, ${report.rounds} rounds. ${machine.size}. ${machine.versions}.${load}`,
    closing,
  ].join('\n')
}

function opening(name: string): string {
  return `<!-- case ${name} -->`
}

const closing = '<!-- end of case -->'

/** The sections of an earlier run, by case. */
function sectionsOf(text: string): Map<string, string> {
  const found = text.matchAll(/<!-- case (\S+) -->.*?<!-- end of case -->/gs)
  return new Map([...found].map((match) => [match[1] ?? '', match[0]]))
}

async function read(name: string): Promise<string> {
  return await readFile(name, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  })
}
