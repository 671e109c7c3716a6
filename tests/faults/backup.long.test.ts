import { expect, test } from 'vitest'
import { dialects } from '../support/databases.ts'
import { runBackupDrill } from './backup-rounds.ts'

test.each(dialects)(
  'forty backups of a busy hub on %s are killed; what is complete is whole',
  async (dialect) => {
    const options = { repos: 4, snapshots: 6, kills: 40, largest: 4_000_000, pauseMs: 40, workMs: 1500, dialect }
    const { commits, pushes, snapshots, interrupted } = await runBackupDrill(options)
    console.info(`${commits} commits, ${pushes} pushes, ${snapshots} snapshots, ${interrupted} backups killed`)
    expect(commits).toBeGreaterThan(100)
    expect(snapshots + interrupted).toBe(46)
    expect(interrupted).toBeGreaterThan(20)
  },
  1_800_000,
)
