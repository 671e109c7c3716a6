/**
 * What runs in processes of its own beside a case: yardstick servers and load generators. `node child.ts NAME JSON`. A server prints
 * `ready PORT`; a client prints one line of JSON and ends.
 */
import { download } from './children/download.ts'
import { serveEcho } from './children/echo-server.ts'
import { embedByHub, embedDirectly } from './children/embeddings.ts'
import { serveFile } from './children/file-server.ts'
import { holdIdleStreams } from './children/idle-streams.ts'
import { load } from './children/load.ts'
import { servePaced } from './children/paced-server.ts'
import { pickleScan } from './children/pickle-scan.ts'
import { scannerSpeed } from './children/scanner-speed.ts'
import { serveSink } from './children/sink-server.ts'
import { streams } from './children/streams.ts'
import { upload } from './children/upload.ts'
import { xetCheck } from './children/xet-check.ts'

const children = {
  echo: serveEcho,
  file: serveFile,
  sink: serveSink,
  paced: servePaced,
  idle: holdIdleStreams,
  streams,
  load,
  download,
  upload,
  'embed-directly': embedDirectly,
  'embed-by-hub': embedByHub,
  'pickle-scan': pickleScan,
  'scanner-speed': scannerSpeed,
  'xet-check': xetCheck,
} as const

const [name = '', text = '{}'] = process.argv.slice(2)
const child = Object.entries(children).find(([known]) => known === name)?.[1]
if (child === undefined) throw new Error(`There is no child named "${name}".`)
// The parent is this program too, and the type of what it sends is checked where it is sent.
await (child as (options: unknown) => Promise<void>)(JSON.parse(text))
