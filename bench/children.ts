/** Starts what runs in processes of its own, with typed options and answers. */
import { fileURLToPath } from 'node:url'
import type { DownloadOptions, DownloadResult } from './children/download.ts'
import type { EchoOptions } from './children/echo-server.ts'
import type { AskedOptions, SentencesOptions, SentencesResult } from './children/embeddings.ts'
import type { FileOptions } from './children/file-server.ts'
import type { IdleStreamsOptions } from './children/idle-streams.ts'
import type { LoadOptions, LoadResult } from './children/load.ts'
import type { PacedOptions } from './children/paced-server.ts'
import type { PickleScanOptions, PickleScanResult } from './children/pickle-scan.ts'
import type { ScannerSpeedOptions, ScannerSpeedResult } from './children/scanner-speed.ts'
import type { SinkOptions } from './children/sink-server.ts'
import type { StreamsOptions, StreamsResult } from './children/streams.ts'
import type { UploadOptions, UploadResult } from './children/upload.ts'
import type { XetCheckOptions, XetCheckResult } from './children/xet-check.ts'
import { type Running, run, start } from './processes.ts'

const script = fileURLToPath(new URL('child.ts', import.meta.url))

export interface YardstickServer extends Running {
  readonly url: string
}

interface Servers {
  echo: EchoOptions
  file: FileOptions
  sink: SinkOptions
  paced: PacedOptions
  /** Says how many it holds where the others say their port. */
  idle: IdleStreamsOptions
}

interface Clients {
  load: [LoadOptions, LoadResult]
  download: [DownloadOptions, DownloadResult]
  streams: [StreamsOptions, StreamsResult]
  upload: [UploadOptions, UploadResult]
  'embed-directly': [SentencesOptions, SentencesResult]
  'embed-by-hub': [AskedOptions, SentencesResult]
  'pickle-scan': [PickleScanOptions, PickleScanResult]
  'scanner-speed': [ScannerSpeedOptions, ScannerSpeedResult]
  'xet-check': [XetCheckOptions, XetCheckResult]
}

export async function startYardstick<Name extends keyof Servers>(
  name: Name,
  options: Servers[Name],
  extra: { nodeArguments?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<YardstickServer> {
  const running = await start(
    process.execPath,
    [...(extra.nodeArguments ?? []), script, name, JSON.stringify(options)],
    /^ready \d+$/,
    extra.env === undefined ? {} : { env: { ...extra.env } },
  )
  return { ...running, url: `http://127.0.0.1:${running.ready.slice('ready '.length)}` }
}

export async function runClient<Name extends keyof Clients>(
  name: Name,
  options: Clients[Name][0],
): Promise<Clients[Name][1]> {
  const { stdout } = await run(process.execPath, [script, name, JSON.stringify(options)], { timeLimitMs: 600_000 })
  return JSON.parse(stdout) as Clients[Name][1]
}
