import { expect, test } from 'vitest'
import type { SyslogHealth } from '../features/syslog/service.ts'
import { syslogFinding } from './syslog-finding.ts'

const cursor = { seal: 1, position: 0, downloadSeal: 1, downloadId: '' }
const state = { cursor, holder: null, leaseUntil: 0, nextAt: 0, failures: 0, failingSince: null, lastError: null }
const health: SyslogHealth = { state: { ...state, lastSentAt: 0 }, waiting: 0, isMore: false, fault: null }

test('a receiver that takes messages is fine; one that does not is said, with why, since when, and what waits', () => {
  expect(syslogFinding(health)).toEqual({
    what: 'Syslog',
    state: 'ok',
    detail: 'reached; last sent at 1970-01-01T00:00:00.000Z, 0 messages wait',
  })
  const failing = { ...state, lastSentAt: null, failures: 2, failingSince: 60_000, lastError: 'It takes no messages.' }
  const stuck = syslogFinding({ state: failing, waiting: 500, isMore: true, fault: null })
  expect(stuck.state).toBe('look')
  expect(stuck.detail).toContain('nothing sent yet, at least 500 messages wait')
  expect(stuck.detail).toContain('since 1970-01-01T00:01:00.000Z: It takes no messages.')
  const away = syslogFinding({ ...health, fault: 'It could not be reached (ECONNREFUSED).' })
  expect([away.state, away.detail]).toEqual(['look', expect.stringContaining('ECONNREFUSED')])
  expect(syslogFinding({ ...health, state: null }).detail).toContain('nothing sent yet')
})
