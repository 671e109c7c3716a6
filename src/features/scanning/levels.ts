/** The Hub's levels of what is known of a file, the least first. */
export const levels = ['unscanned', 'safe', 'queued', 'error', 'caution', 'suspicious', 'unsafe'] as const
export type Level = (typeof levels)[number]

/** What a scan that ended can say. `caution`: nothing was found, but not everything was read. */
export const foundLevels = ['safe', 'caution', 'suspicious', 'unsafe'] as const
export type FoundLevel = (typeof foundLevels)[number]

export function worstLevel<L extends Level>(one: L, other: L): L {
  return levels.indexOf(one) >= levels.indexOf(other) ? one : other
}
