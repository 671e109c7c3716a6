/**
 * How an account stands in commits that the hub makes for it: its name, and an address that leads to nobody's mailbox but, by its id, back
 * to the account, whatever it is called by then. Says nothing about who really wrote a commit: anybody can push any address.
 */
import type { Principal } from './facts.ts'

export interface CommitIdentity {
  readonly name: string
  readonly email: string
}

/** `host` is the host name of the public address. The hub itself signs what it does on its own (jobs, command line). */
export function commitIdentity(principal: Principal, host: string): CommitIdentity {
  if (principal.kind === 'service-account') {
    return { name: principal.fullname, email: serviceAccountEmail(principal.id) }
  }
  if (principal.kind !== 'user' && principal.kind !== 'organization')
    return { name: 'Holdfast', email: `holdfast@${host}` }
  const name = principal.fullname === null || principal.fullname.trim() === '' ? principal.name : principal.fullname
  return { name, email: `${principal.id}+${principal.name}@users.noreply.${host}` }
}

/** The address of a service account, here and on the wire: no mail server will ever take it (RFC 2606). */
export const serviceAccountEmail = (id: string): string => `${id}@service.invalid`

/** Whether a commit's address is of the form that service accounts have. */
export const isServiceAccountEmail = (email: string): boolean => /^[0-9a-f]{24}@service\.invalid$/.test(email)

/** The id of the user or service account that a commit's address names, or null. */
export function accountIdOfCommitEmail(email: string): string | null {
  return /^([0-9a-f]{24})(?:\+[^@]*@users\.noreply\.|@service\.invalid$)/.exec(email)?.[1] ?? null
}
