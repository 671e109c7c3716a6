/** Where the pages of a gate are. */
import { type RepoAddress, repoPath } from '../../web/address.ts'

/** Asking, for oneself and for service accounts. */
export const accessPath = (repo: RepoAddress): string => repoPath(repo, '/access')
export const askPath = (repo: RepoAddress): string => repoPath(repo, '/ask-access')
export const cancelPath = (repo: RepoAddress): string => repoPath(repo, '/cancel-access')
/** Deciding. */
export const requestsPath = (repo: RepoAddress, rest = ''): string => repoPath(repo, `/settings/access-requests${rest}`)
export const reportPath = (repo: RepoAddress): string => repoPath(repo, '/user-access-report')
export const ownRequestsPath = '/settings/gated-repos'
