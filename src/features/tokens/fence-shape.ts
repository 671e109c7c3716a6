import { z } from 'zod'

/** Blanks are refused: a script whose variable was empty must not get a token without the limit that it asked for. */
const entry = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => text.trim() !== '', 'A blank entry limits nothing. Send [] for no limit.')

/** CIDR ranges and addresses, in a body. */
export const networksShape = z.array(entry(100)).max(100)

/** What narrows a token beside its first day, in a body. The rules are those of `access/fence.ts` and `domain/token-limits.ts`. */
export const limitsShape = {
  networks: networksShape.optional(),
  paths: z.array(entry(1_000)).max(100).optional(),
  programs: z.array(entry(100)).max(100).optional(),
  requestsPerMinute: z.number().nullable().optional(),
  bytesPerDay: z.number().nullable().optional(),
}
