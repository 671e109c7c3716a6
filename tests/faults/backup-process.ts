/** The backup that is killed: what `holdfast backup` does, in a process of its own beside the server, telling how far it is. */
import { backUp } from '../../src/cli/backup.ts'
import { readConfig } from '../../src/config.ts'
import { openHub } from '../../src/hub.ts'
import { makeLogger } from '../../src/platform/log/logger.ts'

const [data = '', folder = '', url = ''] = process.argv.slice(2)
const config = readConfig({ HOLDFAST_DATA: data, ...(url === '' ? {} : { HOLDFAST_DATABASE_URL: url }) })
const hub = await openHub(config, { log: makeLogger({ level: 'warn' }) })
const tell = (line: string): boolean => process.stdout.write(`${line}\n`)
const report = await backUp(hub, folder, {
  begin(what) {
    tell(`begin ${what}`)
    return { add: () => undefined, end: () => undefined }
  },
})
tell(`done ${report.manifest.id} ${report.manifest.damaged.length} ${report.copied.bytes}`)
await hub.close()
