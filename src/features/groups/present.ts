/** The JSON of groups. */
import type { ListedGroup, RosterRow } from './queries.ts'

export function presentGroup(group: ListedGroup) {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    numUsers: group.people,
    numServiceAccounts: group.machines,
    createdAt: new Date(group.createdAt).toISOString(),
  }
}

/** `name` is what names the member in addresses: a user name, or `sa-` and an id. */
export function presentGroupMember(member: RosterRow) {
  return {
    _id: member.id,
    type: member.kind,
    name: member.name,
    fullname: member.fullname ?? member.name,
    role: member.role,
    active: !member.isOff,
    addedAt: new Date(member.addedAt).toISOString(),
  }
}
