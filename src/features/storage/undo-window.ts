/** For how long a loss can be taken back: a deleted repo restored, a commit named again that a forced push or a deleted branch left behind. */
import type { Config } from '../../config.ts'

const day = 24 * 3_600_000

/** At least a day, whatever the setting: who reads or pushes at this moment still counts on what was there. */
export function undoMs(config: Pick<Config, 'undoDays'>): number {
  return Math.max(1, config.undoDays) * day
}
