/** What a hub or an organization does with secrets in what is pushed. Of two that speak, the stricter counts. */

/** Of live tokens of this hub, which are revoked in any case. The mildest first. */
export const leakedTokenPolicies = ['record', 'refuse'] as const
export type LeakedTokenPolicy = (typeof leakedTokenPolicies)[number]

/** Of everything else that looks like a secret. The mildest first. */
export const pushProtections = ['off', 'warn', 'block'] as const
export type PushProtection = (typeof pushProtections)[number]

export interface LeakPolicy {
  readonly leakedTokens: LeakedTokenPolicy
  readonly pushProtection: PushProtection
}

export function stricterLeakPolicy(one: LeakPolicy, other: LeakPolicy): LeakPolicy {
  return {
    leakedTokens: later(leakedTokenPolicies, one.leakedTokens, other.leakedTokens),
    pushProtection: later(pushProtections, one.pushProtection, other.pushProtection),
  }
}

function later<T>(order: readonly T[], one: T, other: T): T {
  return order.indexOf(one) >= order.indexOf(other) ? one : other
}
