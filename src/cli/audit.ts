/**
 * `holdfast audit`: whether the audit log is what was written, its public key, and a copy of it that others can check. Works beside a running
 * server. Exit code 1: something is wrong, and it is named.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import {
  auditPublicKeys,
  exportLog,
  type Fault,
  type KnownSeal,
  type LogReport,
  parseAuditKeys,
  verifyLog,
  verifyLogFile,
} from '../features/audit/service.ts'
import { type DownloadReport, exportAudited, verifyDownloads } from '../features/downloads/service.ts'
import type { Hub } from '../hub.ts'
import { formatCount } from '../platform/backup/progress.ts'
import { type WithHub, withHub } from './with-hub.ts'

/** In the JSON of one check; the count is of all. */
const faultsShown = 1000

export function auditCommand(openHub: () => Promise<Hub>): Command {
  const run = withHub(openHub)
  const audit = new Command('audit').description(
    'Check the audit log, or hand it to others; works beside a running server.',
  )
  addVerify(audit, run)
  addExport(audit, run)
  addDownloads(audit, run)
  audit
    .command('public-key')
    .description('Print the public keys of checkpoints, newest first (PEM). Keep them where the hub is not.')
    .action(() =>
      run(async (hub) => {
        process.stdout.write(auditPublicKeys(hub))
      }),
    )
  return audit
}

interface VerifyFlags {
  readonly since?: number
  readonly expect: readonly KnownSeal[]
  readonly publicKey?: string
  readonly json: boolean
}

function addVerify(audit: Command, run: WithHub): void {
  audit
    .command('verify')
    .description(
      'Compute every seal anew and compare: of this hub, or of a file that "export" wrote. Exit code 1: something was changed.',
    )
    .argument('[file]')
    .option('--since <time>', 'only what was sealed since, such as 2026-11-01; not with a file', parseTime)
    .option('--expect <number:hash>', 'a seal as it was noted elsewhere; may be repeated', addKnown, [])
    .option('--public-key <file>', 'keys whose checkpoints to believe (PEM); a file is only checked with them')
    .option('--json', 'one JSON object', false)
    .action(async (file: string | undefined, flags: VerifyFlags) => {
      const faults: Fault[] = []
      const onFault = (fault: Fault): void => {
        if (!flags.json) print(`${fault.kind}\t${fault.text}`)
        else if (faults.length < faultsShown) faults.push(fault)
      }
      const keys = flags.publicKey === undefined ? [] : await readKeys(flags.publicKey)
      const options = { keys, known: flags.expect, onFault }
      if (file === undefined) {
        await run(async (hub) => {
          const report = await verifyLog(hub, { ...options, since: flags.since ?? null })
          tell(report, faults, flags, await verifyDownloads(hub, { keys, onFault }))
        })
        return
      }
      if (flags.since !== undefined) refuse('A file is checked whole: --since was for "holdfast audit export".')
      if (keys.length === 0) {
        refuse(
          'Whose log shall it be? Name the hub\'s keys with --public-key ("holdfast audit public-key" prints them).',
        )
      }
      tell(await verifyLogFile(file, options), faults, flags)
    })
}

function addExport(audit: Command, run: WithHub): void {
  audit
    .command('export')
    .description('Print the sealed log as JSON lines, for "holdfast audit verify FILE" where the hub is not.')
    .option('--since <time>', 'only what was sealed since, such as 2026-11-01', parseTime)
    .action(({ since }: { since?: number }) =>
      run((hub) =>
        exportLog(hub, {
          since: since ?? null,
          async write(line) {
            if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
          },
        }),
      ),
    )
}

function addDownloads(audit: Command, run: WithHub): void {
  audit
    .command('downloads')
    .description(
      'Print the chain of audited downloads as JSON lines: seals, their records and signatures. See docs/audit.md.',
    )
    .action(() =>
      run((hub) =>
        exportAudited(hub, async (line) => {
          if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
        }),
      ),
    )
}

function tell(
  report: LogReport,
  faults: readonly Fault[],
  flags: VerifyFlags,
  downloads: DownloadReport | null = null,
): void {
  const count = report.faults + (downloads?.faults ?? 0)
  if (count > 0) process.exitCode = 1
  if (flags.json) {
    print(JSON.stringify({ ok: count === 0, ...report, downloads, faultList: faults }, null, 2))
    return
  }
  const { lastSeal, lastCheckpoint, checkedFrom, outOfOrder, unsealed } = report
  const start =
    checkedFrom === null ? 'from the first seal on' : `after seal ${checkedFrom.number} of ${iso(checkedFrom.madeAt)}`
  print(`checked\t${formatCount(report.events)} events in ${formatCount(report.seals)} seals, ${start}`)
  print(`last seal\t${lastSeal === null ? 'none' : `${lastSeal.number}:${lastSeal.hash} of ${iso(lastSeal.sealedAt)}`}`)
  print(
    lastCheckpoint === null
      ? 'checkpoint\tnone yet'
      : `checkpoint\t${lastCheckpoint.number}:${lastCheckpoint.hash} of ${iso(lastCheckpoint.madeAt)}, key ${lastCheckpoint.keyId}`,
  )
  print(`unsigned\t${formatCount(report.unsignedSeals)} seals after the checkpoint`)
  if (unsealed !== null) {
    const since = unsealed.oldestAt === null ? '' : `, the oldest of ${iso(unsealed.oldestAt)}`
    print(`unsealed\t${formatCount(unsealed.count)} events${since}`)
  }
  if (outOfOrder.count > 0) {
    print(
      `look\t${formatCount(outOfOrder.count)} events were sealed long after younger ones, by a repair after a crash or by hand: ${outOfOrder.eventIds.slice(0, 10).join(' ')}`,
    )
  }
  if (downloads !== null) {
    const pruned = downloads.pruned === 0 ? '' : `, and hashes of ${formatCount(downloads.pruned)} that were pruned`
    print(`downloads\t${formatCount(downloads.records)} records in ${formatCount(downloads.seals)} seals${pruned}`)
  }
  print(count === 0 ? 'Nothing was changed.' : `${formatCount(count)} faults.`)
}

async function readKeys(file: string): Promise<ReturnType<typeof parseAuditKeys>> {
  try {
    return parseAuditKeys(await readFile(file, 'utf8'))
  } catch (error) {
    throw refuse(`The keys in ${file} cannot be read. ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parseTime(text: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new InvalidArgumentError('It is a time such as 2026-11-01 or 2026-11-01T12:00:00Z.')
  return at
}

function addKnown(text: string, before: readonly KnownSeal[]): KnownSeal[] {
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (number === undefined || hash === undefined) {
    throw new InvalidArgumentError('It is what "holdfast audit verify" printed: a number, a colon and 64 hex digits.')
  }
  return [...before, { number: Number(number), hash, from: 'from --expect' }]
}

function refuse(reason: string): never {
  throw new HoldfastError('invalid_input', { reason })
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
