/**
 * `holdfast scan FILE...`: what the pickles in files import, and what that means. Needs no hub and no settings. Standard output carries the
 * result; the exit code says 0 when all is well, 1 when something is dangerous or suspicious, 2 when a file could not be read whole.
 */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import { type JudgedImport, openFileSource, type PickleScan, scanPickles } from '../features/scanning/service.ts'

interface Scanned {
  readonly file: string
  readonly scan: PickleScan
}

export function scanCommand(): Command {
  return new Command('scan')
    .description('Say what the pickles in files import when they are loaded, without loading them.')
    .argument('<file...>', 'files, and folders with all that is in them')
    .option('--json', 'one JSON object a line for each file')
    .option('--all', 'list innocuous imports too')
    .addHelpText(
      'after',
      '\nExit code: 0 all is well, 1 something is dangerous or suspicious, 2 a file could not be read whole.',
    )
    .action(run)
}

interface Options {
  readonly json?: true
  readonly all?: true
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort(new Error('Interrupted.'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let code = 0
  try {
    for await (const file of filesIn(names)) {
      const scanned = { file, scan: await scanFile(file, stopping.signal) }
      process.stdout.write(options.json ? `${JSON.stringify({ file, ...scanned.scan })}\n` : describe(scanned, options))
      code = worseCode(code, codeOf(scanned.scan))
    }
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    process.stderr.write('Interrupted: not every file was read.\n')
    code = worseCode(code, 2)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
  process.exitCode = code
}

/** The files named, and all files in the folders named; in the order of their names. What is no file or folder is passed over in folders. */
async function* filesIn(names: readonly string[]): AsyncGenerator<string> {
  for (const name of names) {
    // Why it cannot be looked at is told when it is opened, like any other fault of a file.
    const found = await stat(name).catch(() => null)
    if (found?.isDirectory() !== true) {
      yield name
      continue
    }
    const entries = await readdir(name, { withFileTypes: true })
    for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const full = path.join(name, entry.name)
      if (entry.isDirectory()) yield* filesIn([full])
      else if (entry.isFile()) yield full
    }
  }
}

async function scanFile(file: string, signal: AbortSignal): Promise<PickleScan> {
  try {
    const source = await openFileSource(file)
    try {
      return await scanPickles(source, { signal })
    } finally {
      await source.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return { state: 'error', reason, verdict: 'innocuous', pickles: 0, imports: [], findings: [] }
  }
}

function codeOf({ verdict, state }: PickleScan): number {
  if (verdict !== 'innocuous') return 1
  return state === 'complete' ? 0 : 2
}

/** Something found is worse than something unread. */
function worseCode(one: number, other: number): number {
  return one === 1 || other === 1 ? 1 : Math.max(one, other)
}

function describe({ file, scan }: Scanned, options: Options): string {
  const lines = [`${file}: ${summary(scan)}`]
  for (const found of scan.imports) {
    if (options.all || found.verdict !== 'innocuous')
      lines.push(`  ${found.verdict.padEnd(10)} ${nameOf(found)} (${found.how})`)
  }
  for (const { verdict, structure, detail } of scan.findings)
    lines.push(`  ${verdict.padEnd(10)} ${structure}: ${printable(detail)}`)
  return `${lines.join('\n')}\n`
}

function summary({ verdict, state, reason, pickles }: PickleScan): string {
  const count = pickles === 0 ? 'no pickle' : pickles === 1 ? '1 pickle' : `${pickles} pickles`
  if (state === 'error') return `could not be read: ${printable(reason ?? '')}`
  const read =
    state === 'complete'
      ? count
      : `${count}, ${state === 'partly' ? 'partly read' : 'broken'}: ${printable(reason ?? '')}`
  if (verdict !== 'innocuous') return `${verdict.toUpperCase()} (${read})`
  return state === 'complete' ? `ok (${read})` : `nothing found, but ${read}`
}

function nameOf({ module, name }: JudgedImport): string {
  return module === null || name === null ? 'a name that the file does not say' : printable(`${module} ${name}`)
}

/** Names in a file are anybody's: they must not write on the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
