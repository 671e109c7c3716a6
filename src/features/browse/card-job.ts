/** What the process of cards and the hub say to each other. */
import { z } from 'zod'
import type { CardPlace } from './card-address.ts'

export interface CardJob {
  readonly markdown: string
  readonly place: CardPlace
}

export const cardSaid = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('html'), html: z.string() }),
  z.strictObject({ say: z.literal('deep') }),
])
export type CardSaid = z.infer<typeof cardSaid>
