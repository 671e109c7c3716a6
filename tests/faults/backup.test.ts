import { expect, test } from 'vitest'
import { dialects } from '../support/databases.ts'
import { runBackupDrill } from './backup-rounds.ts'

test('a hub at work is backed up, killed backups are repeated, and every snapshot is restored and verified', async () => {
  const dialect = dialects.at(-1) ?? 'sqlite'
  const options = { repos: 1, snapshots: 2, kills: 2, largest: 200_000, pauseMs: 100, workMs: 300, dialect }
  const { commits, pushes, snapshots, interrupted } = await runBackupDrill(options)
  expect(commits).toBeGreaterThan(2)
  expect(pushes).toBeGreaterThan(0)
  expect(snapshots + interrupted).toBe(4)
}, 120_000)
