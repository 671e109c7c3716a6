/** How the process does, under the names that dashboards for Node.js know. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Metrics } from './metrics.ts'

const nanosecond = 1e-9
const resolutionMs = 20

/** `stop` ends the watch over the event loop. */
export function watchProcess(metrics: Metrics): { stop(): void } {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  const startedAt = Math.round(Date.now() / 1_000 - process.uptime())
  metrics.reading({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, of all its threads.',
    type: 'counter',
    samples: () => {
      const { user, system } = process.cpuUsage()
      return [{ value: (user + system) / 1e6 }]
    },
  })
  metrics.gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.', () => startedAt)
  metrics.gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss())
  metrics.gauge('nodejs_heap_size_used_bytes', 'Memory of objects.', () => process.memoryUsage().heapUsed)
  metrics.gauge('nodejs_external_memory_bytes', 'Memory of buffers.', () => process.memoryUsage().external)
  // What is asked for is the time since the last look; the watch itself ticks once in its resolution.
  const late = (value: number): number =>
    Number.isFinite(value) ? Math.max(0, value * nanosecond - resolutionMs / 1e3) : 0
  metrics.gauge('nodejs_eventloop_lag_p50_seconds', 'How late the event loop is, in half of all cases.', () =>
    late(delay.percentile(50)),
  )
  metrics.gauge('nodejs_eventloop_lag_p99_seconds', 'How late the event loop is in one case of a hundred.', () =>
    late(delay.percentile(99)),
  )
  metrics.gauge('nodejs_eventloop_lag_max_seconds', 'How late the event loop was at most since the last look.', () => {
    const max = late(delay.max)
    delay.reset()
    return max
  })
  return {
    stop: () => {
      delay.disable()
    },
  }
}
