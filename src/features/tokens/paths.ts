/* Where the pages of one's own tokens stand; clients print these addresses. */
import { organizationSettingsPath } from '../../web/settings-frame.tsx'

export const tokensPath = '/settings/tokens'
export const honeyPath = `${tokensPath}/honey`
export const radarPath = `${tokensPath}/radar`

export const organizationTokensPath = (organization: string): string => organizationSettingsPath(organization, 'tokens')
export const organizationHoneyPath = (organization: string): string =>
  organizationSettingsPath(organization, 'tokens/honey')
