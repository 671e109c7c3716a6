/** Service accounts and their tokens on the wire: the Hub's members (hub-api.md, section 14), and beside them what only this hub has. */

import { serviceAccountEmail } from '../../domain/commit-identity.ts'
import { serviceAccountName } from '../../domain/facts.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { presentTemporary } from '../temporary-roles/service.ts'
import { presentFence, presentGrant, presentOldValue } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import type { AccountToken, MadeAccountToken } from './account-tokens.ts'
import { commonRepoPermissions, isRepo, organizationPermissions } from './wire-grants.ts'

/** As it is listed; the Hub leaves out an empty description. */
export function presentAccount(account: ServiceAccount) {
  return {
    _id: account.id,
    user: serviceAccountName(account.id),
    name: account.name,
    email: serviceAccountEmail(account.id),
    ...(account.description === null ? {} : { description: account.description }),
    createdAt: isoTime(account.createdAt),
    role: account.role,
    ...presentTemporary(account.temporary),
    contact: account.contact,
    expiresAt: isoOrNull(account.expiresAt),
    disabled: account.disabledAt !== null,
  }
}

export function presentAccountWithTokens(account: ServiceAccount, tokens: readonly AccountToken[], now: number) {
  return { ...presentAccount(account), accessTokens: tokens.map((token) => presentToken(token, now)) }
}

/** The answer to its creation calls the name `fullname`. */
export function presentMadeAccount(account: ServiceAccount) {
  return { ...presentAccount(account), fullname: account.name }
}

export function presentToken(token: AccountToken, now: number) {
  return {
    _id: token.id,
    displayName: token.name,
    createdAt: isoTime(token.createdAt),
    ...(token.lastUsedAt === null ? {} : { lastUsedAt: isoTime(token.lastUsedAt) }),
    ...(token.expiresAt === null ? {} : { expiration: isoTime(token.expiresAt) }),
    role: 'fineGrained',
    permissions: organizationPermissions(token.scoped),
    repoIds: token.scoped.filter(({ type }) => isRepo(type)).map(({ id }) => id),
    repoPermissions: commonRepoPermissions(token.scoped),
    endpointPatterns: token.endpointPatterns,
    last4: token.last4,
    skipNetworkSecurity: false,
    mode: token.mode,
    description: token.description,
    expiresAt: isoOrNull(token.expiresAt),
    rotatedAt: isoOrNull(token.rotatedAt),
    lastUsedIp: token.lastIp,
    oldValue: presentOldValue(token, now),
    ...presentFence(token),
    fineGrained: {
      canReadGatedRepos: false,
      global: [],
      scoped: token.scoped.map((grant) => ({
        ...presentGrant(grant),
        effective: grant.isEffective,
        lost: grant.lost,
      })),
    },
  }
}

/** The value stands beside the token in the one answer that has it. */
export function presentMadeToken({ value, token }: MadeAccountToken, now: number) {
  return { token: value, tokenInfo: presentToken(token, now) }
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}
