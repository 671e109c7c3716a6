/**
 * `npm run bench -- [case ...] [--rounds N] [--quick] [--write]`: Holdfast and its yardsticks side by side, in turns, as ratios with their
 * spread. Everything runs on the loopback and in one temporary folder, which is removed; every process is ended by its pid.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, type BenchCase, Missing } from './case.ts'
import { accessPreviewCase } from './cases/access-preview.ts'
import { apiCase } from './cases/api.ts'
import { auditCase } from './cases/audit.ts'
import { auditedDownloadsCase } from './cases/audited-downloads.ts'
import { commitsCase } from './cases/commits.ts'
import { downloadCase } from './cases/download.ts'
import { embeddedCase } from './cases/embedded.ts'
import { explainCase } from './cases/explain.ts'
import { factsCase } from './cases/facts.ts'
import { gitCase } from './cases/git.ts'
import { inferenceCase } from './cases/inference.ts'
import { limitsCase } from './cases/limits.ts'
import { listingCase } from './cases/listing.ts'
import { loopCase } from './cases/loop.ts'
import { pagesCase } from './cases/pages.ts'
import { pickleCase } from './cases/pickle.ts'
import { scannersCase } from './cases/scanners.ts'
import { signaturesCase } from './cases/signatures.ts'
import { startCase } from './cases/start.ts'
import { uploadCase } from './cases/upload.ts'
import { xetCase } from './cases/xet.ts'
import { cells, type Figure, isMet } from './figures.ts'
import { readMachine } from './machine.ts'
import { copyProgram, type Program } from './program.ts'
import { type CaseReport, terminalTable, writeReport } from './report.ts'

const allCases: readonly BenchCase[] = [
  startCase,
  apiCase,
  listingCase,
  pagesCase,
  inferenceCase,
  embeddedCase,
  limitsCase,
  factsCase,
  explainCase,
  accessPreviewCase,
  auditCase,
  commitsCase,
  gitCase,
  downloadCase,
  auditedDownloadsCase,
  uploadCase,
  loopCase,
  pickleCase,
  scannersCase,
  xetCase,
  signaturesCase,
]

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5))
  const names = allCases.map((one) => one.name)
  const unknown = positionals.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`There is no case "${unknown[0]}". The cases are: ${names.join(', ')}.`)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error('--rounds takes a number from 1 to 100.')
  if (values.write && values.quick) throw new Error('--quick measures nothing worth writing: leave out --write.')
  const chosen = positionals.length === 0 ? allCases : allCases.filter((one) => positionals.includes(one.name))

  const machine = await readMachine()
  console.log(`${machine.size}. ${machine.versions}. Commit ${machine.commit}.`)
  if (machine.loadPerCore > 0.5) {
    console.log(
      `The machine is busy already (load ${machine.loadPerCore.toFixed(1)} per core): the spread will be wide.`,
    )
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-'))
  let failed = 0
  try {
    const program = await copyProgram(path.join(folder, 'program'))
    const reports: CaseReport[] = []
    for (const one of chosen) {
      console.log(`\n== ${one.name}: ${one.about}`)
      const { report, error } = await runCase(one, { rounds, isQuick: values.quick, program, folder })
      if (error !== null) {
        failed++
        console.error(error)
      }
      console.log(terminalTable(report))
      // A case that broke keeps what was written about it before.
      if (error === null) reports.push(report)
    }
    if (values.write) await writeReport(reports, names, machine)
    const missed = reports.flatMap((report) => report.figures).filter((figure) => isMet(figure) === false)
    console.log(
      `\n${missed.length === 0 ? 'Nothing was missed' : `Missed: ${missed.map((figure) => figure.name).join('; ')}`}.`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  if (failed > 0) process.exitCode = 1
}

interface Setting {
  readonly rounds: number
  readonly isQuick: boolean
  readonly program: Program
  readonly folder: string
}

async function runCase(one: BenchCase, setting: Setting): Promise<{ report: CaseReport; error: Error | null }> {
  const { rounds, isQuick, program } = setting
  const folder = path.join(setting.folder, one.name)
  await mkdir(folder)
  const figures: Figure[] = []
  const notes: string[] = []
  const report = (figure: Figure): void => {
    figures.push(figure)
    console.log(
      `   ${cells(figure)
        .filter((cell) => cell !== '')
        .join('  ')}`,
    )
  }
  const bench: Bench = {
    rounds,
    isQuick,
    folder,
    program,
    report,
    note: (sentence) => notes.push(sentence),
    compare: async ({ name, unit, target, ours, yardstick }) => {
      const mine: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < rounds; round++) {
        mine.push(await ours(round))
        theirs.push(await yardstick.measure(round))
      }
      report({ name, unit, target, ours: mine, yardstick: { name: yardstick.name, values: theirs } })
    },
  }
  let error: Error | null = null
  try {
    await one.run(bench)
  } catch (thrown) {
    if (thrown instanceof Missing) notes.push(`Not measured: ${thrown.message}.`)
    else error = thrown instanceof Error ? thrown : new Error(String(thrown))
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  return { report: { name: one.name, about: one.about, figures, notes, rounds }, error }
}

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
