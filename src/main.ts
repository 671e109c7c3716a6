/** The program: argv to config to hub to command. */
import { Command } from 'commander'
import { accessCommand } from './cli/access.ts'
import { adminCommand } from './cli/admin.ts'
import { attestCommand } from './cli/attest.ts'
import { auditCommand } from './cli/audit.ts'
import { backupCommand } from './cli/backup.ts'
import { doctor } from './cli/doctor.ts'
import { restoreCommand } from './cli/restore.ts'
import { scanCommand } from './cli/scan.ts'
import { serve } from './cli/serve.ts'
import { storageCommand } from './cli/storage.ts'
import { ConfigError, readConfig } from './config.ts'
import { HoldfastError } from './domain/errors.ts'
import { type Hub, openHub } from './hub.ts'
import { BackupError } from './platform/backup/errors.ts'
import { makeLogger } from './platform/log/logger.ts'
import { version } from './version.ts'

async function main(): Promise<void> {
  const program = new Command('holdfast')
    .description('A self-hosted model hub. Settings come from the environment: docs/configuration.md.')
    .version(version)
  program.command('serve', { isDefault: true }).description('Serve the hub (the default).').action(serve)
  program.command('doctor').description('Check this installation, and say how to mend what is wrong.').action(doctor)
  program.addCommand(accessCommand(openQuietHub))
  program.addCommand(adminCommand(openQuietHub))
  program.addCommand(attestCommand(openQuietHub))
  program.addCommand(auditCommand(openQuietHub))
  program.addCommand(backupCommand(openQuietHub))
  program.addCommand(restoreCommand())
  program.addCommand(scanCommand())
  program.addCommand(storageCommand(openQuietHub))
  await program.parseAsync()
}

/** For commands beside a running server: the same data, and a log that leaves standard output alone. */
function openQuietHub(): Promise<Hub> {
  return openHub(readConfig(), { log: makeLogger({ level: 'warn' }) })
}

main().catch((error: unknown) => {
  if (error instanceof HoldfastError || error instanceof BackupError) {
    process.stderr.write(`${[error.message, error.next].filter((line) => line !== null).join('\n')}\n`)
  } else if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`)
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  }
  process.exitCode = 1
})
