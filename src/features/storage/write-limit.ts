/** How long somebody may take to write a large file that was announced: whoever removes the object of a blob waits for as long. */

/** Milliseconds: an hour, and a second more for each 64 KiB. Slower senders hold a file and a connection without getting anywhere. */
export function writeLimitMs(size: number): number {
  return Math.min(3_600_000 + Math.ceil((size / 65_536) * 1000), 2 ** 31 - 1)
}
