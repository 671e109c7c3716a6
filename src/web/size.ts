/* Sizes in decimal units with three figures, as file managers and invoices count: 744 B, 23.9 kB, 4.94 GB. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** `bytes` as words. */
export function sizeWords(bytes: number): string {
  let value = bytes
  let unit = 0
  while (unit < units.length - 1 && rounded(value, unit) >= 1000) {
    value /= 1000
    unit += 1
  }
  if (unit === 0) return `${value} B`
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${units[unit]}`
}

/** 999,600 bytes are 1.00 MB and not 1000 kB. */
function rounded(value: number, unit: number): number {
  return unit === 0 ? value : Math.round(value)
}

/** `12,345`: thousands apart, for counts. */
export function countWords(count: number): string {
  return count.toLocaleString('en-GB')
}

/** `1 file`, `12 files`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${countWords(count)} ${count === 1 ? one : many}`
}
