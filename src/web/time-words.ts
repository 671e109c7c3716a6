/* Times in words. Days are counted by the calendar in UTC, so that a page reads the same for everyone. */

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `3 Aug 2026`, in UTC. */
export function shortDate(at: number): string {
  const date = new Date(at)
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** `22 Nov 2026, 13:22:07 UTC`. */
export function exactTime(at: number): string {
  return `${shortDate(at)}, ${new Date(at).toISOString().slice(11, 19)} UTC`
}

/** `22 Nov 2026, 13:22 UTC`. */
export function minuteTime(at: number): string {
  return `${shortDate(at)}, ${new Date(at).toISOString().slice(11, 16)} UTC`
}

/** Whole days from now until then, rounded, never negative. */
export function daysUntil(at: number, now: number): number {
  return Math.max(0, Math.round((at - now) / day))
}

/** just now, n min ago, n hours ago, yesterday, n days ago (to 30), then the date; ahead: in 12 days. */
export function relativeTime(at: number, now: number): string {
  if (at - now >= minute) return futureTime(at, now)
  const passed = now - at
  if (passed < minute) return 'just now'
  if (passed < hour) return `${Math.floor(passed / minute)} min ago`
  const days = calendarDay(now) - calendarDay(at)
  // A little past midnight "yesterday" would say less than "2 hours ago".
  if (days === 0 || passed < 6 * hour) return count(Math.floor(passed / hour), 'hour', 'ago')
  if (days === 1) return 'yesterday'
  return days <= 30 ? `${days} days ago` : shortDate(at)
}

function futureTime(at: number, now: number): string {
  const ahead = at - now
  if (ahead < hour) return `in ${Math.round(ahead / minute)} min`
  if (ahead < day) return `in ${count(Math.round(ahead / hour), 'hour')}`
  return `in ${count(Math.round(ahead / day), 'day')}`
}

function calendarDay(at: number): number {
  return Math.floor(at / day)
}

function count(number: number, word: string, after = ''): string {
  return `${number} ${word}${number === 1 ? '' : 's'}${after && ` ${after}`}`
}
