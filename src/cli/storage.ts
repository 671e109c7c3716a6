/**
 * `holdfast storage`: what lies in the blob store, what of it may go, and whether it is sound. Works beside a running server. Standard output
 * carries the result, standard error the progress.
 */
import { Command, InvalidArgumentError } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { markReached } from '../features/ingest/service.ts'
import { findNamespace } from '../features/organizations/service.ts'
import {
  askForCollection,
  type Counts,
  collectStorage,
  countNamespace,
  countRepo,
  countStore,
  type Damage,
  findUsage,
  listNamespaceUsage,
  listRepoUsage,
  partCount,
  planCollection,
  type ScrubReport,
  scrub,
  type Usage,
} from '../features/storage/service.ts'
import type { Hub } from '../hub.ts'
import { formatBytes, formatCount } from '../platform/backup/progress.ts'
import { moveCommand } from './storage-move.ts'

/** Opens the hub for one command and closes it again; `signal` fires when the command is interrupted. */
type Run = (work: (hub: Hub, signal: AbortSignal) => Promise<void>) => Promise<void>

export function storageCommand(openHub: () => Promise<Hub>): Command {
  const run: Run = async (work) => {
    const stopping = new AbortController()
    const stop = (): void => stopping.abort(new Error('Interrupted.'))
    process.once('SIGINT', stop).once('SIGTERM', stop)
    const hub = await openHub()
    try {
      await work(hub, stopping.signal)
    } catch (error) {
      if (!stopping.signal.aborted) throw error
      say('Interrupted. What is done stays done.')
      process.exitCode = 130
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop)
      await hub.close()
    }
  }
  const storage = new Command('storage').description('Look after stored bytes; works beside a running server.')
  addUsage(storage, run)
  addCollect(storage, run)
  addScrub(storage, run)
  storage.addCommand(moveCommand(openHub))
  return storage
}

function addUsage(storage: Command, run: Run): void {
  storage
    .command('usage')
    .description(
      'Show how much namespaces store, or the repos of one: name, large files, bytes of them, bytes stored for them, saved; separated by tabs.',
    )
    .argument('[namespace]')
    .option('--count', 'count anew first, instead of showing what jobs counted', false)
    .option('--json', 'one JSON object for each line', false)
    .action((namespace: string | undefined, options: UsageOptions) =>
      run(async (hub, signal) => {
        if (namespace === undefined) await showNamespaces(hub, options, signal)
        else await showRepos(hub, namespace, options, signal)
      }),
    )
}

interface UsageOptions {
  readonly count: boolean
  readonly json: boolean
}

const pageSize = 500

async function showNamespaces(hub: Hub, options: UsageOptions, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    const page = await listNamespaceUsage(hub.db, after, pageSize)
    for (const { id, name, usage } of page) {
      printUsage(name, options.count ? await countNamespace(hub, id, signal) : usage, options.json)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) break
    after = last.nameKey
  }
  const { objects, xorbs } = await countStore(hub.db)
  say(
    `In the blob store: ${formatCount(objects.count)} large files with ${formatBytes(objects.bytes)} and ` +
      `${formatCount(xorbs.count)} xorbs with ${formatBytes(xorbs.bytes)}. What several namespaces share counts in each of them.`,
  )
}

async function showRepos(hub: Hub, namespace: string, options: UsageOptions, signal: AbortSignal): Promise<void> {
  const owner = await findNamespace(hub.db, namespace)
  if (owner === null) throw new HoldfastError('invalid_input', { reason: `Nobody is called ${namespace}.` })
  for (let after = ''; ; ) {
    const page = await listRepoUsage(hub.db, owner.id, after, pageSize)
    for (const { id, kind, name, usage } of page) {
      printUsage(`${kind} ${name}`, options.count ? await countRepo(hub, id, signal) : usage, options.json)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) break
    after = last.id
  }
  const total = options.count
    ? await countNamespace(hub, owner.id, signal)
    : ((await findUsage(hub.db, [owner.id])).get(owner.id) ?? null)
  printUsage(owner.name, total, options.json)
}

function printUsage(name: string, usage: Usage | null, asJson: boolean): void {
  const saved = usage === null ? 0 : Math.max(0, usage.logical - usage.stored)
  if (asJson) print(JSON.stringify({ name, ...(usage === null ? { countedAt: null } : { ...usage, saved }) }))
  else if (usage === null) print([name, 'not counted yet'].join('\t'))
  else {
    const bytes = [usage.logical, usage.stored, saved].map(formatBytes)
    print([name, formatCount(usage.files), ...bytes].join('\t'))
  }
}

/** When the lease of a collector that was killed is over. */
const finishAfterMs = 15 * 60_000

function addCollect(storage: Command, run: Run): void {
  storage
    .command('collect')
    .description('Remove now what nothing needs any more: what the server does once a day.')
    .option('--dry-run', 'only say what would go', false)
    .option('--strays', 'also bytes that no row names, where a check saw them 28 days ago or earlier', false)
    .action((options: { dryRun: boolean; strays: boolean }) =>
      run(async (hub, signal) => {
        if (options.dryRun) {
          printCounts('would go', await planCollection(hub, options.strays))
          return
        }
        // If this is killed, the server finishes what it began.
        await askForCollection(hub, finishAfterMs)
        const { removed, stopped } = await collectStorage(hub, {
          proveRepo: (repoId) => markReached(hub, repoId),
          withStrays: options.strays,
          reason: 'holdfast storage collect',
          signal,
        })
        printCounts('removed', removed)
        if (stopped !== null) {
          say(`Not done: ${stopped}`)
          process.exitCode = 1
        }
      }),
    )
}

const kindWords: Readonly<Record<keyof Counts, string>> = {
  blobs: 'large files',
  files: 'Xet files',
  xorbs: 'xorbs',
  claims: 'stale claims',
  strays: 'strays',
}

function printCounts(what: string, counts: Counts): void {
  for (const kind of Object.keys(kindWords) as (keyof Counts)[]) {
    const { count, bytes } = counts[kind]
    print([kindWords[kind], formatCount(count), formatBytes(bytes), what].join('\t'))
  }
  const total = Object.values(counts).reduce((sum, { bytes }) => sum + bytes, 0)
  print(['total', '', formatBytes(total), what].join('\t'))
}

function addScrub(storage: Command, run: Run): void {
  storage
    .command('scrub')
    .description('Read every stored byte now and compare it with its hash. Exit code 1: something is damaged.')
    .option('--resume', 'go on with a check that was interrupted', false)
    .option('--rate <megabytes>', 'megabytes to read in a second at most; default: no limit', parseRate)
    .action((options: { resume: boolean; rate?: number }) =>
      run(async (hub, signal) => {
        const onPart = progress()
        const report = await scrub(hub, {
          round: 'scrubByHand',
          isResumed: options.resume,
          until: () => partCount + 1,
          bytesPerSecond: options.rate ?? Number.POSITIVE_INFINITY,
          signal,
          onPart,
        })
        for (const damage of report.damaged) print(describe(damage))
        say(
          `Read ${formatCount(report.objects)} large files and ${formatCount(report.xorbs)} xorbs, ${formatBytes(report.bytes)}. ` +
            `${formatCount(report.damaged.length)} damaged, ${formatCount(report.strays)} strays.`,
        )
        if (report.damaged.length > 0) process.exitCode = 1
      }),
    )
}

function describe({ kind, hash, size, reason, repos }: Damage): string {
  return [kind, hash, size, reason, repos.length === 0 ? 'no repo needs it' : repos.join(', ')].join('\t')
}

function parseRate(text: string): number {
  const rate = Number(text) * 1e6
  if (!(rate > 0)) throw new InvalidArgumentError('It is a number of megabytes, such as 200.')
  return rate
}

const everyMs = 1_000

/** A line on standard error, at most once a second. */
function progress(): (report: ScrubReport) => void {
  let saidAt = performance.now()
  return ({ parts, bytes, damaged }) => {
    const now = performance.now()
    if (now - saidAt < everyMs) return
    saidAt = now
    say(`${Math.floor((parts / partCount) * 100)} %: ${formatBytes(bytes)} read, ${damaged.length} damaged`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
