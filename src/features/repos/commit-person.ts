/**
 * How an account stands in commits that the hub makes for it: its name and an address that leads to nobody's mailbox but, by its id, back
 * to the account.
 */
import type { Principal } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { Person } from '../../platform/git/commit.ts'

export function commitPerson(hub: Pick<Hub, 'clock' | 'config'>, principal: Principal): Person {
  const at = hub.clock.now()
  if (principal.kind !== 'user') return { name: 'Holdfast', email: `holdfast@${host(hub)}`, at }
  return { name: principal.name, email: noreplyAddress(hub, principal), at }
}

/** `<id>+<name>@users.noreply.<host>`. */
export function noreplyAddress(hub: Pick<Hub, 'config'>, user: { readonly id: string; readonly name: string }): string {
  return `${user.id}+${user.name}@users.noreply.${host(hub)}`
}

/** The account that a commit's address names, or null. Says nothing about who really wrote the commit. */
export function accountIdOf(email: string): string | null {
  return /^([0-9a-f]{24})\+[^@]*@users\.noreply\./.exec(email)?.[1] ?? null
}

function host(hub: Pick<Hub, 'config'>): string {
  return new URL(hub.config.publicUrl).hostname
}
