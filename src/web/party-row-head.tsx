/* Somebody in a row of people and service accounts: of a group, of a workspace. */
import { namespacePath } from './address.ts'
import { Badge, ServiceAccountBadge } from './badge.tsx'
import { RowHead } from './rows.tsx'
import { Who } from './who.tsx'

type Party = {
  kind: 'user' | 'service-account'
  name: string
  fullname: string | null
  /** Disabled or deactivated: listed, and without any access. */
  isOff: boolean
}

/** A service account by its display name, a person by the name that others write. */
export function shownName(party: Party): string {
  return party.kind === 'service-account' ? (party.fullname ?? party.name) : party.name
}

export function PartyRowHead({ party }: { party: Party }) {
  const isMachine = party.kind === 'service-account'
  return (
    <RowHead
      before={<Who kind={party.kind} name={party.fullname ?? party.name} off={party.isOff} />}
      description={isMachine ? party.name : party.fullname}
    >
      <span class="flex flex-wrap items-center gap-x-2">
        {isMachine ? (
          <span class="break-words">{shownName(party)}</span>
        ) : (
          <a class="quiet" href={namespacePath(party.name)}>
            {shownName(party)}
          </a>
        )}
        {isMachine && <ServiceAccountBadge />}
        {party.isOff && <Badge icon="ban">{isMachine ? 'disabled' : 'deactivated'}</Badge>}
      </span>
    </RowHead>
  )
}
