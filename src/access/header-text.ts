/** Header values are one line of Latin-1; the clients print them. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, 1000)
}
