/** `holdfast doctor`: looks at everything the hub stands on, and says how to mend each thing that is wrong. Changes nothing; a test file comes and goes. */
import { access, constants, statfs } from 'node:fs/promises'
import { type Config, readConfig } from '../config.ts'
import { glanceAtLog } from '../features/audit/service.ts'
import { glanceAtScanning } from '../features/scanning/service.ts'
import { listDamage } from '../features/storage/service.ts'
import { glanceAtSyslog } from '../features/syslog/service.ts'
import { type Hub, openHub } from '../hub.ts'
import { checkDatabase } from '../platform/db/health.ts'
import { gitVersion } from '../platform/git/version.ts'
import { listDeadJobs } from '../platform/jobs/queries.ts'
import { makeLogger } from '../platform/log/logger.ts'
import type { Finding } from './finding.ts'
import { scanningFindings } from './scanning-findings.ts'
import { syslogFinding } from './syslog-finding.ts'

const oldestGit: readonly [number, number] = [2, 36]

export async function doctor(): Promise<void> {
  const config = readConfig()
  const findings: Finding[] = [
    nodeFinding(),
    await folderFinding(config),
    await spaceFinding(config),
    addressFinding(config),
    clockFinding(),
  ]
  const opened = findings.some((finding) => finding.state === 'broken') ? null : await hubFindings(config)
  if (opened !== null) findings.push(...opened)
  for (const { what, state, detail, mend } of findings) {
    const mark = state === 'ok' ? 'ok    ' : state === 'look' ? 'look  ' : 'BROKEN'
    process.stdout.write(`${mark} ${what}: ${detail}\n${mend === undefined ? '' : `       ${mend}\n`}`)
  }
  const broken = findings.filter((finding) => finding.state === 'broken').length
  process.stdout.write(broken === 0 ? '\nNothing is broken.\n' : `\n${broken} broken.\n`)
  process.exitCode = broken === 0 ? 0 : 1
}

function nodeFinding(): Finding {
  const isNew = Number(process.versions.node.split('.')[0]) >= 24
  return isNew
    ? { what: 'Node', state: 'ok', detail: process.versions.node }
    : {
        what: 'Node',
        state: 'broken',
        detail: process.versions.node,
        mend: 'Start Holdfast through bin/holdfast or npm, with Node 24 or newer.',
      }
}

async function folderFinding(config: Config): Promise<Finding> {
  const what = 'Data folder'
  try {
    await access(config.dataFolder, constants.R_OK | constants.W_OK | constants.X_OK)
    return { what, state: 'ok', detail: config.dataFolder }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {
        what,
        state: 'look',
        detail: `${config.dataFolder} is not there yet`,
        mend: 'The first start makes it. If you expected data here, check HOLDFAST_DATA.',
      }
    }
    return {
      what,
      state: 'broken',
      detail: `${config.dataFolder} cannot be written`,
      mend: 'Give the user that runs Holdfast read and write permission.',
    }
  }
}

async function spaceFinding(config: Config): Promise<Finding> {
  const what = 'Disk'
  try {
    const { bavail, bsize, blocks } = await statfs(config.dataFolder)
    const free = bavail * bsize
    const percent = Math.round((bavail / blocks) * 100)
    const detail = `${(free / 1e9).toFixed(1)} GB free (${percent} %)`
    if (free < 1e9)
      return { what, state: 'broken', detail, mend: 'Free some space: uploads are refused when the disk is full.' }
    if (percent < 10) return { what, state: 'look', detail, mend: 'Plan for more space.' }
    return { what, state: 'ok', detail }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { what, state: 'look', detail: 'not measured, there is no data folder yet' }
    throw error
  }
}

function addressFinding(config: Config): Finding {
  const { publicUrl, host, isHttps } = config
  const isOpen = host !== '127.0.0.1' && host !== '::1' && host !== 'localhost'
  if (isOpen && !isHttps) {
    return {
      what: 'Address',
      state: 'look',
      detail: `${publicUrl}, listening on ${host}`,
      mend: 'Tokens travel in the clear. Put TLS in front and set HOLDFAST_URL to the https address.',
    }
  }
  return { what: 'Address', state: 'ok', detail: publicUrl }
}

function clockFinding(): Finding {
  const now = new Date()
  const isSane = now.getUTCFullYear() >= 2026
  return isSane
    ? { what: 'Clock', state: 'ok', detail: now.toISOString() }
    : {
        what: 'Clock',
        state: 'broken',
        detail: now.toISOString(),
        mend: 'Set the clock: expiry of tokens and sessions depends on it.',
      }
}

/** Writes, reads and deletes a small blob where large files lie. */
export async function blobStoreFinding({ blobs, config }: Pick<Hub, 'blobs' | 'config'>): Promise<Finding> {
  const what = 'Large files'
  try {
    const started = performance.now()
    const place = await blobs.probe()
    const detail = `${place}: written, read and deleted in ${Math.round(performance.now() - started)} ms`
    return { what, state: 'ok', detail }
  } catch (error) {
    return {
      what,
      state: 'broken',
      detail: error instanceof Error ? error.message : String(error),
      mend:
        config.s3 === null
          ? 'Give the folder "blobs" of the data folder room, and the user that runs Holdfast permission to write there.'
          : 'Check HOLDFAST_S3_ENDPOINT, _BUCKET, _REGION and the keys; docs/object-storage.md lists what the key must be allowed.',
    }
  }
}

/** What checks of stored bytes found, and nobody has mended since. */
async function damageFinding(hub: Hub): Promise<Finding> {
  const what = 'Stored bytes'
  const damaged = await listDamage(hub, 6)
  if (damaged.length === 0) return { what, state: 'ok', detail: 'no check has found damage' }
  const shown = damaged.slice(0, 5).map(({ kind, hash, reason }) => `${kind} ${hash}: ${reason}`)
  return {
    what,
    state: 'broken',
    detail: `${shown.join(' ')}${damaged.length > shown.length ? ' There are more.' : ''}`,
    mend: '"holdfast storage scrub" names the repos. Check the disk, and bring the bytes back from a backup (docs/backup.md).',
  }
}

/** The end of the audit log, at a glance. */
export async function auditFinding(hub: Hub): Promise<Finding> {
  const what = 'Audit log'
  const { fault, lastCheckpoint, waitingSince } = await glanceAtLog(hub)
  if (fault !== null) {
    return {
      what,
      state: 'broken',
      detail: fault,
      mend: '"holdfast audit verify" reads all of it; docs/audit.md says what a fault means.',
    }
  }
  const detail =
    lastCheckpoint === null
      ? 'nothing is signed yet'
      : `${lastCheckpoint.total} events signed, last at ${new Date(lastCheckpoint.madeAt).toISOString()}`
  if (waitingSince !== null && hub.clock.now() - waitingSince > 60_000) {
    const since = new Date(waitingSince).toISOString()
    return {
      what,
      state: 'look',
      detail: `${detail}; not sealed since ${since}`,
      mend: 'The running server seals events within seconds. Start it; if it runs, its log says what keeps it from doing so.',
    }
  }
  return { what, state: 'ok', detail }
}

async function hubFindings(config: Config): Promise<Finding[]> {
  const hub = await openHub(config, { log: makeLogger({ level: 'silent' }) })
  try {
    const findings: Finding[] = []
    const version = await gitVersion(hub.git)
    const isNewEnough =
      version.numbers[0] > oldestGit[0] || (version.numbers[0] === oldestGit[0] && version.numbers[1] >= oldestGit[1])
    findings.push(
      isNewEnough
        ? { what: 'git', state: 'ok', detail: version.text }
        : { what: 'git', state: 'broken', detail: version.text, mend: `Install git ${oldestGit.join('.')} or newer.` },
    )
    const fault = await checkDatabase(hub.db)
    findings.push(
      fault === null
        ? {
            what: 'Database',
            state: 'ok',
            detail: hub.db.dialect === 'sqlite' ? 'SQLite, sound' : 'PostgreSQL, reachable',
          }
        : {
            what: 'Database',
            state: 'broken',
            detail: fault,
            mend: 'Stop Holdfast and restore the data folder from a backup.',
          },
    )
    findings.push(await blobStoreFinding(hub))
    findings.push(await damageFinding(hub))
    findings.push(await auditFinding(hub))
    const syslog = await glanceAtSyslog(hub)
    if (syslog !== null) findings.push(syslogFinding(syslog))
    findings.push(...scanningFindings(await glanceAtScanning(hub), hub.clock.now()))
    const dead = await listDeadJobs(hub.db, { after: null, limit: 5 })
    findings.push(
      dead.length === 0
        ? { what: 'Jobs', state: 'ok', detail: 'none has failed for good' }
        : {
            what: 'Jobs',
            state: 'look',
            detail: `failed for good: ${dead.map((job) => `${job.queue} (${job.lastError ?? 'no reason'})`).join('; ')}`,
            mend: 'The reason is in the log. They stay until they are retried.',
          },
    )
    findings.push(
      hub.mailer.isConfigured
        ? { what: 'Mail', state: 'ok', detail: 'a server is configured' }
        : {
            what: 'Mail',
            state: 'look',
            detail: 'no server',
            mend: 'Links are shown by "holdfast admin" instead. Set HOLDFAST_SMTP_URL to mail them.',
          },
    )
    return findings
  } finally {
    await hub.close()
  }
}
