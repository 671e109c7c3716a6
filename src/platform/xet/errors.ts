/** What is thrown when bytes that claim to be in a Xet format are not. A feature turns it into an answer; nothing of such bytes is kept. */

/** `reason` is one sentence without a secret in it, fit to be shown to the sender. */
export class XetFormatError extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.name = 'XetFormatError'
    this.reason = reason
  }
}
