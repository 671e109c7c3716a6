/** Whether the first bytes of a file are text, as an upload plan needs to know. */

/** A NUL byte or what is no UTF-8. `isCut`: more follows, so the last character may be incomplete. */
export function isBinary(sample: Buffer, isCut: boolean): boolean {
  if (sample.includes(0)) return true
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: isCut })
    return false
  } catch (error) {
    if (error instanceof TypeError) return true
    throw error
  }
}
