/** Cards as HTML, rendered by a confined process for one card after the other, and remembered by blob. What it cannot render is shown as plain text. */
import type { Logger } from 'pino'
import { type Fault, InTurn } from '../../platform/confined/in-turn.ts'
import { Remembered } from '../../platform/remembered.ts'
import { markSanitized, type SafeHtml } from '../../web/raw-html.tsx'
import type { CardPlace } from './card-address.ts'
import { type CardJob, type CardSaid, cardSaid } from './card-job.ts'

export type RenderedCard =
  | { readonly kind: 'html'; readonly html: SafeHtml }
  /** `busy`: try again later; `slow` and `deep`: the text itself is at fault. */
  | { readonly kind: 'plain'; readonly why: 'busy' | 'slow' | 'deep' }

/** Bytes of markdown that are rendered; what is longer is not given to the renderer. */
export const markdownLimit = 1_048_576

const limitMs = 3_000
/** Characters of HTML that are remembered. */
const remembered = 16_000_000
const faultKeptMs = 10 * 60_000

const reasonOf = { busy: 'busy', unanswered: 'busy', slow: 'slow', broken: 'deep' } as const satisfies Record<
  Fault,
  string
>

const program = new InTurn<CardJob, CardSaid, RenderedCard>({
  does: 'that renders cards',
  module: new URL(import.meta.url.endsWith('.ts') ? './card-process.ts' : './card-process.js', import.meta.url),
  heapMiB: 256,
  mostMemory: 768 << 20,
  says: cardSaid,
  message: (job) => job,
  limitMs: () => limitMs,
  hear: (said) => ({
    kind: 'done',
    result: said.say === 'html' ? { kind: 'html', html: markSanitized(said.html) } : { kind: 'plain', why: 'deep' },
  }),
})

const cards = new Remembered<RenderedCard>({
  most: remembered,
  sizeOf: (card) => 500 + (card.kind === 'html' ? card.html.length : 0),
  keptMs: (card) => (card.kind === 'html' ? Number.POSITIVE_INFINITY : card.why === 'busy' ? 0 : faultKeptMs),
})

/** The card with this object id at this place; `read` gives its markdown where it is not remembered. */
export async function renderCard(
  log: Logger,
  oid: string,
  place: CardPlace,
  read: () => Promise<string>,
): Promise<RenderedCard> {
  const key = `${place.origin} ${place.repoPath} ${place.revision} ${place.folder ?? ''}\n${oid}`
  return await cards.get(key, async () => {
    const outcome = await program.run(log, { markdown: await read(), place })
    return outcome.kind === 'done' ? outcome.result : { kind: 'plain', why: reasonOf[outcome.fault] }
  })
}
