/** What other features may use of Xet: how to reach it. Its files are found through `storage`. */
export { openConnection, tokenAddress, type XetConnection } from './connection-info.ts'
export { xetFileInfoType, xetLinkHeaders } from './link-headers.ts'
