/** What a long command says while it works: how much of what, and how fast. */

export interface Counter {
  add(items: number, bytes: number): void
  end(): void
}

export interface Progress {
  /** `what` in the plural: "rows", "large files". `total` where it is known. */
  begin(what: string, total?: number): Counter
}

const everyMs = 5_000

/** A line every five seconds and one at the end of each part. */
export function lineProgress(write: (line: string) => void, now: () => number = Date.now): Progress {
  return {
    begin(what, total) {
      const startedAt = now()
      let toldAt = startedAt
      let count = 0
      let bytes = 0
      const line = (): string => {
        const seconds = Math.max((now() - startedAt) / 1000, 0.001)
        const of = total === undefined ? '' : ` of ${formatCount(total)}`
        const rate = bytes === 0 ? '' : `, ${formatBytes(bytes)}, ${formatBytes(bytes / seconds)}/s`
        return `${what}: ${formatCount(count)}${of}${rate}, ${seconds.toFixed(1)} s`
      }
      return {
        add(items, size) {
          count += items
          bytes += size
          if (now() - toldAt < everyMs) return
          toldAt = now()
          write(line())
        },
        end: () => write(line()),
      }
    },
  }
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
