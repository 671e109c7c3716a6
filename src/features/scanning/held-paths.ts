/** Where a held file is released. */
import { hubSettingsPath } from '../../web/address.ts'

/** Where the page of a file leads an administrator of the hub. */
export function releasePath(content: string): string {
  return `${hubSettingsPath('held')}?release=${encodeURIComponent(content)}`
}
