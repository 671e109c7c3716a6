/** Tables for spreadsheets, as RFC 4180 has them. */

/** What is null stays empty. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map((value) => csvCell(value == null ? '' : String(value))).join(',')}\r\n`
}

/** Names and answers are others' words, and a spreadsheet takes what begins like this for a formula: it gets a mark before it. */
function csvCell(value: string): string {
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
