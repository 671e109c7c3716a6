/** The half of the kill test that dies: a hub that does nothing but scan what is queued. */
import { startScanning } from '../../src/features/scanning/service.ts'
import { openIngestHub } from '../support/ingest.ts'

const [folder = '', clamd = ''] = process.argv.slice(2)
const hub = await openIngestHub(folder, clamd === '' ? {} : { HOLDFAST_CLAMD: clamd })
startScanning(hub, { claimMs: 2_000, pollMs: 200 })
console.log('ready')
setInterval(() => undefined, 1_000)
