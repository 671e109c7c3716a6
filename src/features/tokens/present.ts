/** Tokens on the wire, with the Hub's names. The value stands beside the token in the one answer that has it, never inside. */
import { isoTime } from '../../domain/iso-time.ts'
import type { ChildToken } from './derive.ts'
import type { Grant } from './grants.ts'
import { type MadeToken, openOldValue, type StoredToken, type Token } from './token.ts'

export function presentToken(token: Token, now: number) {
  return {
    id: token.id,
    _id: token.id,
    name: token.name,
    displayName: token.name,
    role: token.role,
    last4: token.last4,
    createdAt: isoTime(token.createdAt),
    rotatedAt: isoTime(token.rotatedAt),
    lastUsedAt: isoTime(token.lastUsedAt),
    lastUsedIp: token.lastIp,
    expiresAt: isoTime(token.expiresAt),
    oldValue: presentOldValue(token, now),
    ...presentFence(token),
    ...(token.role === 'fineGrained'
      ? {
          fineGrained: {
            canReadGatedRepos: token.canReadGatedRepos,
            global: token.global,
            scoped: token.scoped.map((grant) => ({ ...presentGrant(grant), effective: grant.isEffective })),
          },
        }
      : {}),
  }
}

/** From where, and from when on, it is taken. */
export function presentFence({ fence }: StoredToken) {
  return { ...fence, notBefore: isoTime(fence.notBefore) }
}

/** The value that it had before, while that is still taken; null otherwise. */
export function presentOldValue(token: StoredToken, now: number) {
  const old = openOldValue(token, now)
  return old === null
    ? null
    : {
        last4: old.last4,
        validUntil: isoTime(old.validUntil),
        lastUsedAt: isoTime(old.lastUsedAt),
        lastUsedIp: old.lastIp,
        lastUsedBy: old.lastUserAgent,
      }
}

/** As in whoami-v2. */
export function presentGrant(grant: Grant) {
  return { entity: { _id: grant.id, type: grant.type, name: grant.name }, permissions: grant.permissions }
}

export function presentMadeToken({ value, token }: MadeToken, now: number) {
  return { token: value, tokenInfo: presentToken(token, now) }
}

/** A narrower token that another one derived. */
export function presentChild(token: ChildToken) {
  return {
    id: token.id,
    name: token.name,
    parent: token.parentId,
    role: token.role,
    last4: token.last4,
    permissions: token.permissions,
    networks: token.networks,
    createdAt: isoTime(token.createdAt),
    expiresAt: isoTime(token.expiresAt),
    lastUsedAt: isoTime(token.lastUsedAt),
    usesLeft: token.usesLeft,
  }
}
