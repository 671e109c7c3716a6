/** How an answer about a file says that it can be had by Xet, in the forms that the Python and the JavaScript client read (xet.md 1.2). */
import type { Headers } from '../../access/reply.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { tokenAddress } from './connection-info.ts'
import { casUrl } from './scope-address.ts'

/** The media type of an answer that tells of a file instead of sending it. */
export const xetFileInfoType = 'application/vnd.xet-fileinfo+json'

/** `commit` is the full id: the token is for reading at it. */
export function xetLinkHeaders(hub: Hub, repo: RepoFacts, commit: string, xetHash: string): Headers {
  const auth = `<${tokenAddress(hub, repo, 'read', commit)}>; rel="xet-auth"`
  const reconstruction = `<${casUrl(hub, repo)}/v1/reconstructions/${xetHash}>; rel="xet-reconstruction-info"`
  return { 'x-xet-hash': xetHash, link: `${auth}, ${reconstruction}` }
}
