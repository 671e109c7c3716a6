/** What a person at the command line is told: one sentence of what is wrong, and what to do. */
export class BackupError extends Error {
  readonly next: string | null

  constructor(message: string, next: string | null = null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BackupError'
    this.next = next
  }
}
