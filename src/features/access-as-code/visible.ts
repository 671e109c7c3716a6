/** For sentences that somebody reads in a terminal or a log: what is invisible there, or moves the cursor, is shown as what it is. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`)
}
