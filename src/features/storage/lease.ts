/** How long bytes are kept that nothing names: clients remember for three weeks what they were told is stored. */
const day = 24 * 3_600_000

/** From an upload, or from an "already stored", until a commit must name it. */
export const leaseMs = 28 * day
/** A lease that lasts this long is as good as a new one, and saves a write. */
export const freshEnoughMs = 27 * day
