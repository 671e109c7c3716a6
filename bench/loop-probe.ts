/**
 * Preloaded into a server (`node --import`): measures how late its event loop runs. On SIGUSR2 it writes what it saw since the last time to
 * the file named by LOOP_PROBE_FILE. The program itself knows nothing of it.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export interface LoopLag {
  /** Milliseconds beyond the timer's own interval. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly samples: number
}

const resolutionMs = 2
const file = process.env.LOOP_PROBE_FILE

// Workers inherit the preload; their loops may be busy.
if (isMainThread && file !== undefined) watch(file)

function watch(target: string): void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  process.on('SIGUSR2', () => {
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs)
    const seen: LoopLag = {
      p50: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
      samples: histogram.count,
    }
    histogram.reset()
    // Renamed into place, so that a reader never sees half of it.
    writeFileSync(`${target}.new`, JSON.stringify(seen))
    renameSync(`${target}.new`, target)
  })
}
