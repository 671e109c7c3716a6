/* Where the pages of one's own tokens stand; clients print these addresses. */
export const tokensPath = '/settings/tokens'
