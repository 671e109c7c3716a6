/** What `holdfast doctor` says of scanners: those that are there, one that is away, old signatures, a queue that nobody works on. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasClamd, TestClamd } from '../../tests/support/clamd.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { signaturesOf } from '../features/scanning/malware/clamd.ts'
import { glanceAtScanning, type ScanningHealth } from '../features/scanning/service.ts'
import type { ContentScanTable } from '../platform/db/schema.ts'
import { scanningFindings } from './scanning-findings.ts'

const day = 24 * 3_600_000
const now = Date.UTC(2026, 10, 28, 9)

describe('scanning in the doctor', () => {
  let running: TestHub
  beforeAll(async () => {
    running = await startHub()
    // Whoever asks the doctor often has no server running.
    await running.rest()
  })
  afterAll(() => running.stop())

  test('the scanners that come along start in their sandbox and say their versions; the queue is empty', async () => {
    const findings = scanningFindings(await glanceAtScanning(running.hub), now)
    expect(findings.map(({ what, state }) => [what, state])).toEqual(
      expect.arrayContaining([
        ['Scanner pickle', 'ok'],
        ['Scanner structure', 'ok'],
        ['Scanner yara', 'ok'],
        ['Scan queue', 'ok'],
      ]),
    )
    expect(findings.find(({ what }) => what === 'Scanner yara')?.detail).toMatch(/^rules [0-9a-f]+/)
  })

  test('what waits, since when, and what could not be scanned', async () => {
    const { hub } = running
    const row: ContentScanTable = {
      content: `git:${'1'.repeat(40)}`,
      size: 1,
      state: 'queued',
      level: 'unscanned',
      scanners: null,
      reason: null,
      attempts: 0,
      dueAt: 0,
      claim: null,
      queuedAt: now - day,
      scannedAt: null,
      importSet: null,
      foundAt: 0,
    }
    await hub.transaction((tx) =>
      tx
        .insertInto('contentScan')
        .values([
          row,
          { ...row, content: `git:${'2'.repeat(40)}`, state: 'scanning', queuedAt: now },
          { ...row, content: `git:${'3'.repeat(40)}`, state: 'error' },
        ])
        .execute(),
    )
    const queue = async (at: number) =>
      scanningFindings(await glanceAtScanning(hub), at).find(({ what }) => what === 'Scan queue')
    expect(await queue(now)).toMatchObject({
      state: 'look',
      detail: `2 waiting, the longest since ${new Date(now - day).toISOString()}; 1 could not be scanned`,
      mend: expect.stringContaining('Start it'),
    })
    expect(await queue(now - day + 60_000)).toMatchObject({ state: 'ok' })
  })

  test('a clamd that is not there is said, with what to do, and the others still answer', async () => {
    const away: TestHub['hub'] = { ...running.hub, config: { ...running.hub.config, clamd: '127.0.0.1:1' } }
    const findings = scanningFindings(await glanceAtScanning(away), now)
    expect(findings.find(({ what }) => what === 'Scanner clamav')).toMatchObject({
      state: 'look',
      detail: expect.stringContaining('cannot be reached'),
      mend: expect.stringContaining('HOLDFAST_CLAMD'),
    })
    expect(findings.find(({ what }) => what === 'Scanner pickle')?.state).toBe('ok')
  })

  test('a command that asks the sandbox and closes it goes on to its end', async () => {
    const file = new URL('../features/scanning/sandbox/sandbox.ts', import.meta.url)
    const script = `import { Sandbox } from ${JSON.stringify(file.href)}
      const sandbox = new Sandbox(); await sandbox.yara(); await sandbox.close(); console.log('closed')`
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--no-warnings',
      '--input-type=module',
      '-e',
      script,
    ])
    expect(stdout).toBe('closed\n')
  })

  test.skipIf(!hasClamd())('a real clamd says its version', { timeout: 60_000 }, async () => {
    const clamd = await TestClamd.make()
    await clamd.start()
    try {
      const hub: TestHub['hub'] = { ...running.hub, config: { ...running.hub.config, clamd: clamd.address } }
      const finding = scanningFindings(await glanceAtScanning(hub), now).find(({ what }) => what === 'Scanner clamav')
      // Its signature file is the test's own, so it names none of ClamAV.
      expect(finding).toMatchObject({ state: 'look', detail: expect.stringMatching(/^ClamAV \d/) })
    } finally {
      await clamd.remove()
    }
  })

  test.each([
    [0, 'ok', 'of today'],
    [1, 'ok', 'of yesterday'],
    [3, 'ok', '3 days old'],
    [4, 'look', '4 days old'],
  ])('signatures that are %i days old', (days, state, words) => {
    const made = new Date(now - days * day)
    const version = `ClamAV 1.4.2/27500/${made.toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4')}`
    const health: ScanningHealth = {
      scanners: [{ name: 'clamav', version, reason: null, signaturesAt: signaturesOf(version) }],
      waiting: 0,
      waitingSince: null,
      failed: 0,
    }
    expect(scanningFindings(health, now)[0]).toMatchObject({ state, detail: expect.stringContaining(words) })
  })
})
