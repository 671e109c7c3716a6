/** What went wrong while a model ran: in words that may be told. */

/** What was asked for is at fault, and not the model. */
export class NotTheModels extends Error {}

const mostLetters = 500

/** What the runtime says; where its files lay for a moment is nobody's business. */
export function fromModel(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  return said
    .replace(/"?(\/[\w.@ -]+)+\/([\w.-]+)"?/g, '$2')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, mostLetters)
}
