/** When a token needs attention (idea 8): the times that one's own radar and an organization's go by. Milliseconds. */

export const radarDayMs = 86_400_000
/** A token is given this long to be used for the first time. */
export const firstUseMs = 7 * radarDayMs
export const unusedMs = 90 * radarDayMs
/** How many days before its end a token is told of: each only for one that was made for a longer life than that. */
export const warningDays = [1, 7, 14, 30] as const
