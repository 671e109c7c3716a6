import { z } from 'zod'

/** What narrows a token beside networks and days, in a body. The rules are those of `domain/token-limits.ts`. */
export const limitsShape = {
  paths: z.array(z.string().max(1_000)).max(100).optional(),
  programs: z.array(z.string().max(100)).max(100).optional(),
  requestsPerMinute: z.number().nullable().optional(),
  bytesPerDay: z.number().nullable().optional(),
}
